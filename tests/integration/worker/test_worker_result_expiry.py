"""Unconsumed result messages expire after RESULT_EXPIRY_SECONDS."""

from __future__ import annotations

from signal import SIGTERM
from time import monotonic
from typing import Any

import pytest

from grader.adapters.activemq.connection import connect
from grader.adapters.activemq.inspection import ActiveMQQueueInspector

pytestmark = pytest.mark.engine
DEAD = "grading-dlq"  # where the broker itself puts expired messages of other queues
SECONDS = 300  # a limit for a hung test


def test_an_aged_result_is_dropped_and_its_row_answers(world: Any) -> None:
    """It is no dead letter; one without the setting stays."""
    results = world.environment["RESULT_QUEUE_NAME"]
    broker = world.broker
    own = connect([broker.endpoint], broker.user, broker.password, ca_file=broker.ca_file)
    world.stack.callback(own.close)
    inspector = ActiveMQQueueInspector(own)
    dead = inspector.statistics([DEAD])[DEAD].enqueued
    first = world.start()
    stays = world.submit()
    first.wait_for("Result sent to queue")
    first.signal(SIGTERM)
    first.ended()
    world.start(RESULT_EXPIRY_SECONDS="1")

    ages = world.submit()
    deadline = monotonic() + SECONDS
    while not inspector.statistics([results])[results].expired:
        assert monotonic() < deadline
        own.next_frame(0.1)

    (message,) = inspector.browse(results)
    assert message.headers["correlation-id"] == stays
    assert inspector.statistics([DEAD])[DEAD].enqueued == dead
    assert world.jobs.get(ages).result.request_id == ages
