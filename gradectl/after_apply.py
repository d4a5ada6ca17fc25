"""What Terraform cannot do: waiting until workers run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradectl.adapters.aws import Aws
from gradectl.errors import GradectlError
from gradectl.ui import Ui
from gradectl.waiting import pauses


def await_service(aws: Aws, ui: Ui, outputs: Mapping[str, Any], seconds: float) -> bool:
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
