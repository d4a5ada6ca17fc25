"""`gradectl rollback`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from gradectl.adapters.aws.ecs_models import EcsService, revision_name
from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.commands.smoke import run_smoke
from gradectl.context import pass_context
from gradectl.deploy.release import deployed_by_pipeline
from gradectl.deploy.way_back import keep_image
from gradectl.errors import GradectlError
from gradectl.monitoring.environment_logs import lines_of_failed_workers, open_logs
from gradectl.monitoring.names import API, WORKERS, ResourceNames, ServiceNames
from gradectl.options import command
from gradectl.rollouts.polling import pauses
from gradectl.rollouts.revisions import (
    GOOD,
    RevisionState,
    revision_states,
    revision_with_image,
    rollback_target,
)
from gradectl.rollouts.rollout import Rollout, wait_for
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table

_WAIT_SECONDS = 600.0
_LOG_SECONDS = 30.0
_REVISIONS = 100


@dataclass(frozen=True)
class _Step:
    """One service, and the revision that it goes back to."""

    kind: str
    names: ServiceNames
    service: EcsService
    states: Sequence[RevisionState]
    back: RevisionState

    @property
    def current(self) -> str:
        """Family and revision that are deployed now."""
        return revision_name(self.service.task_definition)


@command("rollback", epilog="Example: gradectl rollback production 41")
@environment_argument
@click.argument(
    "revision",
    required=False,
    help="Revision of the task definition; default: the latest good one before the current.",
)
@click.option(
    "--smoke/--no-smoke", default=True, show_default=True, help="Run the smoke test after it."
)
@pass_context(CloudContext)
def rollback(app: CloudContext, environment: str, *, revision: str | None, smoke: bool) -> None:
    """
    Deploy an earlier revision of the workers: their task definition and image.

    It changes only the ECS service, and waits until the deployment has completed. The HTTP API goes
    back to its revision with the same image. Then release.json names the image, so that the next
    plan keeps it; commit that file. CPU, memory and settings of the worker are still those of
    Terraform. With ecs_ignore_task_definition_changes no file is written, because no plan changes
    the revision. Exit code 5 when no earlier deployment has completed.
    """
    target = select_environment(app, environment)
    app.announce(target.environment)
    names = ResourceNames.of(target.environment)
    workers = _worker_step(target, names, revision)
    api = _api_step(target, names, workers.back.image)
    steps = [workers, *([api] if api else [])]
    for step in steps:
        _show(target, step)
    if app.options.dry_run:
        _emit(target, steps, (), rolled_back=False)
        return
    revisions = " and ".join(step.back.revision.name for step in steps)
    app.ui.confirm(f"Deploy {revisions} to {target.name}?")
    rollouts = [_start(target, names.cluster, step) for step in steps]
    for step, rollout in zip(steps, rollouts, strict=True):
        logs = open_logs(app, target.environment, target.aws, pauses(_LOG_SECONDS), step.kind)
        lines = lines_of_failed_workers(logs)
        wait_for(target.aws, app.ui, rollout, _WAIT_SECONDS, last_log_lines=lines)
    written = _keep_image(target, workers.service, workers.back.image)
    _emit(target, steps, written, rolled_back=True)
    if smoke:
        run_smoke(app, target.name, show=False)
    else:
        app.ui.say(f"next: gradectl smoke {target.name}")


def _worker_step(target: EnvironmentClient, names: ResourceNames, revision: str | None) -> _Step:
    """Choose the revision of the workers; raises `RefusedError` and `UsageError`."""
    services, workers = target.aws.services, names.services[WORKERS]
    service = services.get(names.cluster, workers.service)
    found = services.revisions(workers.task_family, workers.container, _REVISIONS)
    history = services.history(names.cluster, workers.service, workers.container)
    states = revision_states(found, service, history)
    back = rollback_target(states, service, history, revision, target.name)
    return _Step(WORKERS, workers, service, states, back)


def _api_step(target: EnvironmentClient, names: ResourceNames, image: str) -> _Step | None:
    """Choose the revision of the HTTP API with an image; None if there is nothing to change."""
    services, api = target.aws.services, names.services.get(API)
    service = services.find(names.cluster, api.service) if api else None
    if api is None or service is None:
        return None
    found = services.revisions(api.task_family, api.container, _REVISIONS)
    history = services.history(names.cluster, api.service, api.container)
    states = revision_states(found, service, history)
    back = revision_with_image(states, service, image)
    if back is None:
        target.app.ui.warn(f"{api.service} stays as it is: it has no revision with {image}")
        return None
    step = _Step(API, api, service, states, back)
    return None if back.revision.name == step.current else step


def _start(target: EnvironmentClient, cluster: str, step: _Step) -> Rollout:
    """Start the deployment of one service."""
    arn = step.back.revision.arn
    started = target.aws.services.deploy(cluster, step.names.service, arn)
    return Rollout(cluster, step.names.service, arn, started, target.name)


def _show(target: EnvironmentClient, step: _Step) -> None:
    """Print what changes."""
    service, back, current = step.service, step.back, step.current
    now = next((each for each in step.states if each.revision.name == current), None)
    rows = [
        ("task definition", current, back.revision.name),
        ("image", now.image if now else "-", back.image),
        ("cpu", now.revision.cpu if now else "-", back.revision.cpu),
        ("memory", now.revision.memory if now else "-", back.revision.memory),
    ]
    changes = [row for row in rows if row[1] != row[2]]
    ui = target.app.ui
    ui.say_table(Table(("setting", "now", "then"), changes, f"rollback of {service.name}"))
    if back.state != GOOD:
        ui.warn(f"no deployment of {back.revision.name} is known to have completed")
    if service.rollout == "IN_PROGRESS":
        ui.warn(f"this replaces the deployment of {current} that is in progress")


def _keep_image(target: EnvironmentClient, service: EcsService, image: str) -> tuple[str, ...]:
    """Write release.json, or warn that the next apply changes the image; returns the files."""
    ui, root = target.app.ui, target.app.project_root
    if deployed_by_pipeline(target.environment):
        ui.say("no apply changes this, but the next run of your pipeline deploys its image again")
        return ()
    try:
        written = keep_image(root, target.environment, target.aws, image)
    except (GradectlError, OSError) as error:  # the rollback itself has succeeded
        ui.warn(f"release.json was not written: {error}")
        written = None
    if written is None:
        newer = revision_name(service.task_definition)
        ui.warn(f"the next apply deploys {newer} again, unless grading_container_image is {image}")
        return ()
    files = tuple(str(path.relative_to(root)) for path in written)
    if files:
        ui.say(f"the next plan keeps this image; commit {', '.join(files)}")
        ui.say("gradectl deploy builds the worker of this folder again: check out its commit first")
    return files


def _emit(
    target: EnvironmentClient,
    steps: Sequence[_Step],
    written: Sequence[str],
    *,
    rolled_back: bool,
) -> None:
    workers, *others = steps
    document: dict[str, Any] = {
        "environment": target.name,
        **_changed(workers),
        "image": workers.back.image,
        "api": next((_changed(each) for each in others), None),
        "rolled_back": rolled_back,
        "written": list(written),
    }
    runs = ", ".join(f"{each.service.name} runs {each.back.revision.name}" for each in steps)
    title = runs if rolled_back else "not rolled back"
    target.app.ui.emit("rollback", document, Table((), (), title))


def _changed(step: _Step) -> dict[str, str]:
    """A service with its revisions, for programs."""
    return {"service": step.service.name, "from": step.current, "to": step.back.revision.name}
