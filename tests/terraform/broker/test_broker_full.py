"""What a sender is told by a broker whose disk is full."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.find import Engines
from gradectl.local.testing import RunningBroker, running_broker
from grader.adapters.activemq.connection import connect
from grader.errors import GraderError

pytestmark = pytest.mark.engine

PASSWORD = "a-Password-for-tests-1"
BODY = b"x" * 100_000
#: As Amazon MQ does by the size of an instance; it is not in the XML that users may write.
STORE_LIMIT = '<storeUsage><storeUsage limit="3 mb"/></storeUsage>'
VARIABLES: dict[str, Any] = {
    "queues": ["hasty", "patient"],
    "queue_policies": {"hasty": {"send_timeout_ms": 100}},
    "nodes": {"memory_percent": 10, "send_timeout_ms": 5000},
}


def test_a_send_to_a_full_broker_fails_instead_of_waiting_for_ever(
    render: Any, engines: Engines, tmp_path: Path
) -> None:
    """After the time of its queue, or else of the broker."""
    (xml,) = render({"full": VARIABLES}).values()
    xml = xml.replace("<memoryUsage>", f"{STORE_LIMIT}<memoryUsage>", 1)
    assert STORE_LIMIT in xml
    user = BrokerUser("admin", PASSWORD, ("grading-admins",))
    with running_broker(engines, tmp_path, BrokerSpec("full", xml, [user])) as running:
        waited = {queue: seconds_to_refusal(running, queue) for queue in ("hasty", "patient")}

    assert 0.1 <= waited["hasty"] < 5 <= waited["patient"]


def seconds_to_refusal(running: RunningBroker, queue: str) -> float:
    """Fill the broker, and measure how long the send waits that it refuses."""
    connection = connect([running.endpoint], "admin", PASSWORD, ca_file=running.ca_file)
    started: list[float] = []

    def fill() -> None:
        for _ in range(60):
            started.append(time.monotonic())
            connection.send(queue, BODY)

    with pytest.raises(GraderError, match=r"[Ss]tore is Full"):
        fill()
    connection.drop()
    return time.monotonic() - started[-1]
