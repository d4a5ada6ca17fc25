"""What Terraform cannot do: seeing to it that workers run, and waiting until they do."""

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
    Deploy once more what ECS has given up.

    Workers that start before the broker knows their user end at once, and after a few of them ECS
    declares the deployment failed, or takes it back to what was deployed before. Terraform sees
    nothing of that and would not try again.

    Args:
        aws: The account.
        ui: Told what happens.
        outputs: Outputs of the root.

    Returns:
        Whether there was anything to do.
    """
    if not (outputs.get("service_name") and outputs.get("task_definition_arn")):
        return False
    cluster, name = outputs["cluster_name"], outputs["service_name"]
    wanted = outputs["task_definition_arn"]
    service = aws.services.get(cluster, name)
    taken_back = _revision(service.task_definition) != _revision(wanted)
    if not taken_back and service.rollout != _FAILED:
        return False
    why = "ECS took it back" if taken_back else "it failed"
    ui.say(f"deploying {_revision(wanted)} again: {why}, perhaps before the broker knew its user")
    aws.services.deploy(cluster, name, wanted)
    return True


def _revision(arn: str) -> str:
    """Shorten the ARN of a task definition to its family and revision."""
    return arn.rpartition("/")[2]


def wait_until_stable(aws: Aws, ui: Ui, outputs: Mapping[str, Any], seconds: float) -> bool:
    """
    Wait until as many workers run as should.

    Args:
        aws: The account.
        ui: Told when the number changes.
        outputs: Outputs of the root.
        seconds: How long to wait at most.

    Returns:
        False when the root has no service.

    Raises:
        GradectlError: They do not run in time; says why tasks stopped.
    """
    if "service_name" not in outputs:
        return False
    cluster, name = outputs["cluster_name"], outputs["service_name"]
    pause = pauses(seconds)
    shown = ""
    service = aws.services.get(cluster, name)
    while not service.steady and pause():
        text = f"{service.running} of {service.desired} workers run"
        if text != shown:
            ui.say(f"waiting: {text}")
            shown = text
        service = aws.services.get(cluster, name)
    if service.steady:
        ui.say(f"{service.running} of {service.desired} workers run")
        return True
    reasons = [*aws.services.stopped_reasons(cluster, name), *service.events]
    text = f"only {service.running} of {service.desired} workers run after {seconds:.0f} s"
    raise GradectlError(
        "\n".join([text, *reasons]),
        where=f"ECS service {cluster}/{name}",
        next_step="look into the log group of the workers, mend it, and run apply again",
    )
