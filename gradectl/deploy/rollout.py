"""Repeats a failed ECS deployment after an apply, and waits until the workers run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.services import EcsService
from gradectl.deploy.polling import MakePause, pauses
from gradectl.errors import GradectlError
from gradectl.ui import Ui

_FAILED, _COMPLETED = "FAILED", "COMPLETED"


def redeploy_failed(aws: Aws, ui: Ui, outputs: Mapping[str, Any]) -> bool:
    """
    Deploy the task definition again when its ECS deployment failed.

    Workers that start before the broker has their user exit at once. After a few of them ECS marks
    the deployment as failed or rolls it back. Terraform does not see that and would not retry.

    Args:
        aws: The account.
        ui: The terminal.
        outputs: Outputs of the root.

    Returns:
        Whether a new deployment was started.
    """
    if not (outputs.get("service_name") and outputs.get("task_definition_arn")):
        return False
    cluster, name = outputs["cluster_name"], outputs["service_name"]
    wanted = outputs["task_definition_arn"]
    service = aws.services.get(cluster, name)
    rolled_back = _revision(service.task_definition) != _revision(wanted)
    if not rolled_back and service.rollout != _FAILED:
        return False
    why = "ECS rolled it back" if rolled_back else "the deployment failed"
    ui.say(f"deploying {_revision(wanted)} again: {why}, perhaps before the broker had its user")
    aws.services.deploy(cluster, name, wanted)
    return True


def _revision(arn: str) -> str:
    """Family and revision in the ARN of a task definition."""
    return arn.rpartition("/")[2]


def wait_until_stable(aws: Aws, ui: Ui, outputs: Mapping[str, Any], seconds: float) -> bool:
    """
    Wait until the desired number of workers is running.

    Args:
        aws: The account.
        ui: The terminal; the number of workers is printed when it changes.
        outputs: Outputs of the root.
        seconds: Time limit.

    Returns:
        False when the root has no service.

    Raises:
        GradectlError: They did not start in time; the error has the reasons of stopped tasks.
    """
    if "service_name" not in outputs:
        return False
    cluster, name = outputs["cluster_name"], outputs["service_name"]
    pause = pauses(seconds)
    shown = ""
    service = aws.services.get(cluster, name)
    while not service.steady and pause():
        text = f"{service.running} of {service.desired} workers are running"
        if text != shown:
            ui.say(f"waiting: {text}")
            shown = text
        service = aws.services.get(cluster, name)
    if service.steady:
        ui.say(f"{service.running} of {service.desired} workers are running")
        return True
    raise _stuck(aws, cluster, service, seconds)


def _stuck(aws: Aws, cluster: str, service: EcsService, seconds: float) -> GradectlError:
    """The error of a deployment that is not complete, with the reasons of stopped tasks."""
    reasons = [*aws.services.stopped_reasons(cluster, service.name), *service.events]
    text = f"only {service.running} of {service.desired} workers are running after {seconds:.0f} s"
    return GradectlError(
        "\n".join([text, *reasons]),
        where=f"ECS service {cluster}/{service.name}",
        next_step="check the log group of the workers, fix the cause, and run apply again",
    )


def redeploy_workers(  # noqa: PLR0913 - five are required
    aws: Aws, ui: Ui, cluster: str, name: str, seconds: float, *, make_pause: MakePause = pauses
) -> None:
    """
    Replace all workers by new ones of the same task definition, and wait for it.

    The deployment is complete when ECS says so: while old workers run, their number says nothing.

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
    aws.services.deploy(cluster, name, before.task_definition)
    pause = make_pause(seconds)
    service = aws.services.get(cluster, name)
    while not _replaced(before, service) and service.rollout != _FAILED and pause():
        service = aws.services.get(cluster, name)
    if not _replaced(before, service):
        raise _stuck(aws, cluster, service, seconds)
    ui.say(f"{service.running} of {service.desired} workers are running")


def _replaced(before: EcsService, now: EcsService) -> bool:
    """Whether a later deployment is complete."""
    return now.deployment_id != before.deployment_id and now.rollout == _COMPLETED and now.steady
