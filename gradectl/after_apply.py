"""What Terraform cannot do: the broker's real password, and waiting until workers run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from gradectl.adapters.aws import Aws
from gradectl.adapters.aws_broker import Broker
from gradectl.core.broker_user import VERSION_TAG, is_current
from gradectl.errors import GradectlError
from gradectl.ui import Ui
from grader.contract.names import parameter_name

_PAUSE_SECONDS = 2.0
_BROKER_SECONDS = 900.0  # Amazon says five minutes for a reboot


def sync_broker_user(aws: Aws, ui: Ui, environment_name: str, outputs: Mapping[str, Any]) -> bool:
    """
    Give the broker's user the password that SSM keeps, when it does not have it yet.

    The state of Terraform shows the password it gives to a broker in clear, so it gives a
    throw-away one and this does the rest, followed by the one reboot that makes it count.

    Args:
        aws: The account.
        ui: Told what happens.
        environment_name: The environment.
        outputs: Outputs of the root.

    Returns:
        Whether there was anything to do.

    Raises:
        GradectlError: The broker did not come back in time.
    """
    if "broker_id" not in outputs:
        return False
    broker = aws.brokers.get(outputs["broker_id"])
    names = {key: parameter_name(environment_name, "mq", key) for key in ("username", "password")}
    version = aws.parameter_version(names["password"])
    if is_current(broker.tags, version):
        return False
    values = aws.parameters(list(names.values()))
    ui.say(f"giving user {values[names['username']]} of broker {broker.name} its password")
    aws.brokers.set_password(broker, values[names["username"]], values[names["password"]])
    ui.say(f"rebooting broker {broker.name}, so that it counts")
    aws.brokers.reboot(broker)
    _await_broker(aws, broker)
    aws.brokers.tag(broker, {VERSION_TAG: str(version)})
    return True


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
    pause = _pauses(seconds)
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


def _await_broker(aws: Aws, broker: Broker) -> None:
    """Wait for the end of a reboot, which does not begin at once."""
    pause = _pauses(_BROKER_SECONDS)
    pause()
    found = aws.brokers.wait_until_ready(broker.broker_id, pause)
    if not found.ready:
        text = f"it is {found.state} {_BROKER_SECONDS:.0f} s after its reboot"
        hint = "look at it in the Amazon MQ console, and run apply again"
        raise GradectlError(text, where=f"broker {broker.name}", next_step=hint)


def _pauses(seconds: float) -> Callable[[], bool]:
    """Make a function that waits a moment; it answers False when the time is over."""
    end = time.monotonic() + seconds
    never = threading.Event()

    def pause() -> bool:
        left = end - time.monotonic()
        if left > 0:
            never.wait(min(_PAUSE_SECONDS, left))
        return left > 0

    return pause
