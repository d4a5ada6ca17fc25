"""Starts ECS deployments, and waits for one by its id until it completes or fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.ecs_models import EcsService, EcsTask, revision_name
from gradectl.errors import GradectlError
from gradectl.monitoring.stopped_tasks import StopCause, causes, failed
from gradectl.rollouts.polling import MakePause, pauses
from gradectl.rollouts.rollout_state import rollout_state, way_back
from gradectl.ui import Ui

_LOG_LINES = 10

#: Last lines of the workers' logs: since a time, and of the named tasks if there are any.
LastLines = Callable[[datetime | None, Sequence[str]], Sequence[str]]


def no_lines(_since: datetime | None, _tasks: Sequence[str]) -> Sequence[str]:
    """Read no log."""
    return ()


@dataclass(frozen=True)
class Rollout:
    """
    A deployment that was started.

    Attributes:
        cluster: The cluster.
        service: The service.
        task_definition: ARN of the task definition that it deploys.
        deployment_id: Its id; empty when ECS replaced it before it was seen.
        environment: Name of the environment, for the next step of errors; empty for a root that
            gradectl does not know.
        tasks: What its tasks are called.
    """

    cluster: str
    service: str
    task_definition: str
    deployment_id: str
    environment: str = "ENV"
    tasks: str = "workers"

    @property
    def where(self) -> str:
        """The service, for errors."""
        return f"ECS service {self.cluster}/{self.service}"


def say_way_back(aws: Aws, ui: Ui, cluster: str, service: str, container: str) -> str:
    """
    Say before a deployment which revision ECS returns to when it fails.

    Args:
        aws: The account.
        ui: The terminal.
        cluster: The cluster.
        service: The service, which need not exist yet.
        container: The worker container.

    Returns:
        Family and revision; empty when no earlier deployment has completed. Then ECS cannot roll
        back, and a warning says so.
    """
    found = aws.services.find(cluster, service)
    history = aws.services.history(cluster, service, container) if found else ()
    back = way_back(found, history)
    if not back:
        ui.warn("no earlier deployment has completed, so a failed one cannot be rolled back")
    elif found and not found.rolls_back:
        ui.warn(f"the service does not roll back by itself; the way back is {back}")
    else:
        ui.say(f"if the workers do not start, ECS returns to {back}")
    return back


def wait_until_stable(  # noqa: PLR0913 - two have defaults
    aws: Aws,
    ui: Ui,
    outputs: Mapping[str, Any],
    seconds: float,
    *,
    last_log_lines: LastLines = no_lines,
    tasks: str = "workers",
) -> bool:
    """
    Wait until the deployment of the outputs' task definition has completed.

    Args:
        aws: The account.
        ui: The terminal; what changes is printed.
        outputs: Outputs of the root.
        seconds: Time limit.
        last_log_lines: Reads the logs of the workers, for the error.
        tasks: What the tasks of the service are called.

    Returns:
        False when the root has no service.

    Raises:
        GradectlError: As for `wait_for`.
    """
    if "service_name" not in outputs:
        return False
    cluster, name = outputs["cluster_name"], outputs["service_name"]
    service = aws.services.get(cluster, name)
    wanted = str(outputs.get("task_definition_arn") or service.task_definition)
    primary = service.primary
    ours = primary is not None and revision_name(primary.task_definition) == revision_name(wanted)
    rollout = Rollout(
        cluster,
        name,
        wanted,
        primary.deployment_id if primary and ours else "",
        str(outputs.get("environment_name") or "ENV"),
        tasks,
    )
    wait_for(aws, ui, rollout, seconds, last_log_lines=last_log_lines)
    return True


def wait_for(  # noqa: PLR0913 - two have defaults
    aws: Aws,
    ui: Ui,
    rollout: Rollout,
    seconds: float,
    *,
    last_log_lines: LastLines = no_lines,
    make_pause: MakePause = pauses,
) -> EcsService:
    """
    Wait until a deployment has completed.

    A service is also stable after ECS has rolled the deployment back, so the deployment's id is
    followed. Tasks that never start leave its number of failed tasks at 0, and ECS retries them for
    hours; the time limit ends that.

    Args:
        aws: The account.
        ui: The terminal; the number of workers and the reasons of stopped tasks are printed when
            they change.
        rollout: The deployment.
        seconds: Time limit.
        last_log_lines: Reads the logs of the workers, for the error.
        make_pause: Makes the pauses between two polls.

    Returns:
        The service with the completed deployment.

    Raises:
        GradectlError: It was rolled back, replaced or stopped, or did not complete in time. The
            error has the reasons of stopped tasks, the events of the service and the last lines of
            the log.
    """
    pause = make_pause(seconds)
    shown: set[str] = set()
    while True:
        service = aws.services.get(rollout.cluster, rollout.service)
        state = rollout_state(service, rollout.deployment_id, rollout.tasks)
        if state.done:
            ui.say(state.text)
            return service
        stopped = () if state.failed else _stopped(aws, rollout)
        for text in (state.text, *(str(cause) for cause in causes(stopped))):
            if not state.failed and text not in shown:
                ui.say(f"waiting: {text}")
                shown.add(text)
        if state.failed or not pause():
            limit = "" if state.failed else f" within {seconds:.0f} s"
            raise _failure(aws, rollout, service, f"{limit}: {state.text}", last_log_lines)


def redeploy_workers(  # noqa: PLR0913 - five are required
    aws: Aws, ui: Ui, cluster: str, name: str, seconds: float, *, make_pause: MakePause = pauses
) -> None:
    """
    Replace all workers by new ones of the same task definition, and wait for it.

    Args:
        aws: The account.
        ui: The terminal.
        cluster: Name of the cluster.
        name: Name of the service.
        seconds: Time limit.
        make_pause: Makes the pauses between two polls.

    Raises:
        GradectlError: The new workers did not run in time; the error has the reasons.
    """
    before = aws.services.get(cluster, name)
    ui.say(f"replacing {before.running} workers")
    started = aws.services.deploy(cluster, name, before.task_definition)
    rollout = Rollout(cluster, name, before.task_definition, started)
    wait_for(aws, ui, rollout, seconds, make_pause=make_pause)


def _stopped(aws: Aws, rollout: Rollout) -> tuple[EcsTask, ...]:
    """The tasks of the deployment that failed."""
    tasks = failed(aws.services.stopped_tasks(rollout.cluster, rollout.service))
    return tuple(
        task
        for task in tasks
        if task.deployment_id == rollout.deployment_id
        or revision_name(task.task_definition) == revision_name(rollout.task_definition)
    )


def _failure(
    aws: Aws, rollout: Rollout, service: EcsService, text: str, last_log_lines: LastLines
) -> GradectlError:
    """The error of a deployment, with everything that says why."""
    ours = service.deployment(rollout.deployment_id)
    since = ours.created_at if ours else None
    stopped = _stopped(aws, rollout)
    reasons = causes(stopped)
    events = [each.text for each in service.events if since is None or each.at >= since]
    lines = last_log_lines(since, [task.task_id for task in stopped])
    parts = [
        f"the deployment of {revision_name(rollout.task_definition)} did not complete{text}",
        *_section("stopped tasks:", [str(cause) for cause in reasons]),
        *_section("events of the service:", events),
        *_section("last lines of the workers:", lines[-_LOG_LINES:]),
    ]
    return GradectlError("\n".join(parts), where=rollout.where, next_step=_next(rollout, reasons))


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)] if lines else []


def _next(rollout: Rollout, reasons: Sequence[StopCause]) -> str:
    """The remedy of the most frequent reason, and the command that shows more."""
    remedy = next((f"{cause.remedy}; " for cause in reasons if cause.remedy), "")
    if rollout.environment:
        return f"{remedy}gradectl doctor {rollout.environment}"
    services = f"--cluster {rollout.cluster} --services {rollout.service}"
    return f"{remedy}aws ecs describe-services {services}"
