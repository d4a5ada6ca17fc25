"""Inspection of queues of an in-memory broker; tests/integration uses a real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import time

import pytest

from gradectl.queues.inspection import inspect, queue_states
from gradectl.queues.testing import MemoryBroker
from grader.contract.names import QUEUES
from grader.ports.messages import QueuedMessage, QueueStatistics


class OldBroker(MemoryBroker):
    """A broker before 5.17.6, whose statistics lack the time of the oldest message."""

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        found = super().statistics(queues)
        return {name: replace(each, oldest_ms=None) for name, each in found.items()}


class AgedBroker(OldBroker):
    """A queue with a message each second until now, of three priorities; counts what is read."""

    def __init__(self, count: int) -> None:
        super().__init__()
        now_ms = int(time() * 1000)
        for number in range(count):
            self.send("grading-dlq", b"", {"priority": "149"[number % 3]})
        self.aged = [
            replace(
                message,
                timestamp_ms=now_ms + 1000 * (int(message.message_id.split("-")[1]) - count),
            )
            for message in self.messages("grading-dlq")
        ]
        self.read = 0

    def peek(self, queue: str, count: int, selector: str = "") -> list[QueuedMessage]:  # noqa: ARG002 - the port's
        """Return the first messages that are older."""
        bound = int(selector.rsplit(maxsplit=1)[-1]) if selector else 10**15
        found = [message for message in self.aged if message.timestamp_ms < bound][:count]
        self.read += len(found)
        return found


def fill(broker: MemoryBroker, count: int) -> None:
    for number in range(count):
        broker.send("grading-dlq", b"%d" % number, {})


def test_all_four_queues_are_listed_in_their_order() -> None:
    """Queues that do not exist are listed too."""
    states = queue_states(MemoryBroker(QUEUES[:2]))

    assert [state.queue for state in states] == list(QUEUES)
    assert [state.counters is None for state in states] == [False, False, True, True]


def test_the_age_of_the_oldest_message_is_known() -> None:
    """From the statistics, or by browsing a short queue."""
    for broker in (MemoryBroker(), OldBroker()):
        fill(broker, 2)
        (state,) = queue_states(broker, ["grading-dlq"])
        assert state.oldest_seconds is not None
        assert state.oldest_seconds >= 0


def test_the_age_of_a_long_queue_is_that_of_its_oldest_message() -> None:
    """Urgent messages, which a browse shows first, may be younger."""
    broker = AgedBroker(300)

    (state,) = queue_states(broker, ["grading-dlq"])

    assert state.oldest_seconds == pytest.approx(300, abs=30)
    assert broker.read < 20


def test_an_empty_queue_has_no_oldest_message() -> None:
    """None differs from an age of zero."""
    (state,) = queue_states(MemoryBroker(), ["grading-dlq"])

    assert state.oldest_seconds is None


def test_all_pages_of_a_queue_are_read() -> None:
    """For any page size."""
    broker = MemoryBroker(page_size=10)
    for number in range(35):
        broker.send("grading-dlq", b"%d" % number, {"priority": "149"[number % 3]})

    found = inspect(broker, "grading-dlq")

    assert found is not None
    assert found.scan.summary == "seen 35 of 35 (complete)"
    assert {message.body for message in found.messages} == {b"%d" % n for n in range(35)}


def test_inspecting_a_missing_queue_does_not_create_it() -> None:
    """The broker would create it at the first browse."""
    broker = MemoryBroker(())

    assert inspect(broker, "grading-dlq") is None
    assert broker.statistics(["grading-dlq"]) == {}
