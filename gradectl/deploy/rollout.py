"""Repeats a failed ECS deployment after an apply, and waits until the workers run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.deploy.polling import pauses
from gradectl.errors import GradectlError
from gradectl.ui import Ui

_FAILED = "FAILED"


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
    reasons = [*aws.services.stopped_reasons(cluster, name), *service.events]
    text = f"only {service.running} of {service.desired} workers are running after {seconds:.0f} s"
    raise GradectlError(
        "\n".join([text, *reasons]),
        where=f"ECS service {cluster}/{name}",
        next_step="check the log group of the workers, fix the cause, and run apply again",
    )
