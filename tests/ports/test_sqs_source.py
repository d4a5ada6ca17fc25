"""Behaviour of job sources that hold a message for some time only."""

from __future__ import annotations

from typing import Any

import pytest

from grader.errors import ConnectionLostError
from grader.ports.messages import Outgoing

SOON = 10.0  # seconds to wait for an expected message
NOTHING = 0.2  # seconds to wait for an unexpected message


@pytest.fixture
def jobs(sqs_queues: Any) -> str:
    """Name of a queue."""
    return sqs_queues.name("jobs")


def test_a_delivery_whose_time_is_over_goes_to_another_worker(sqs_queues: Any, jobs: str) -> None:
    """The first one cannot settle it any more, and sends nothing."""
    answers = sqs_queues.name("answers")
    sqs_queues.send(Outgoing(jobs, b"1"))
    slow = sqs_queues.open(jobs, visibility_seconds=1)
    late = slow.receive(SOON)

    quick = sqs_queues.open(jobs)
    delivery = quick.receive(SOON)

    assert (delivery.receives, delivery.redelivered) == (2, True)
    assert delivery.message_id == late.message_id
    assert not slow.extend(late)
    with pytest.raises(ConnectionLostError):
        slow.settle(late, [Outgoing(answers, b"late")])
    quick.settle(delivery, [Outgoing(answers, b"done")])
    quick.confirm()
    reader = sqs_queues.open(answers)
    assert reader.receive(SOON).body == b"done"
    assert reader.receive(NOTHING) is None


def test_an_extended_delivery_stays_with_its_worker(sqs_queues: Any, jobs: str) -> None:
    """For another `hold_seconds` from the last extension on."""
    sqs_queues.send(Outgoing(jobs, b"1"))
    working = sqs_queues.open(jobs, visibility_seconds=2)
    delivery = working.receive(SOON)
    idle = sqs_queues.open(jobs)

    for _ in range(2):
        assert idle.receive(1.2) is None
        assert working.extend(delivery)
    working.settle(delivery, [])
    working.confirm()

    assert idle.receive(NOTHING) is None


def test_a_settled_delivery_cannot_be_extended(sqs_queues: Any, jobs: str) -> None:
    """A heartbeat that comes too late is harmless."""
    sqs_queues.send(Outgoing(jobs, b"1"))
    source = sqs_queues.open(jobs)
    delivery = source.receive(SOON)

    source.settle(delivery, [])
    source.confirm()

    assert not source.extend(delivery)
