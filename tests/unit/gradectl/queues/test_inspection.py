"""Inspection of queues of an in-memory broker; tests/integration uses a real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradectl.queues.inspection import find_message, inspect, queue_states
from gradectl.queues.testing import MemoryBroker
from grader.contract.names import QUEUES
from grader.ports.messages import QueueStatistics


class OldBroker(MemoryBroker):
    """A broker before 5.17.6, whose statistics lack the time of the oldest message."""

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        found = super().statistics(queues)
        return {name: replace(each, oldest_ms=None) for name, each in found.items()}


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


def test_a_long_queue_is_not_browsed_for_an_age() -> None:
    """Listing the queues must stay fast."""
    broker = OldBroker()
    fill(broker, 300)

    (state,) = queue_states(broker, ["grading-dlq"])

    assert state.counters is not None
    assert state.oldest_seconds is None


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
    assert len(found.scan.messages) == found.scan.size or "INCOMPLETE" in found.scan.summary


def test_inspecting_a_missing_queue_does_not_create_it() -> None:
    """The broker would create it at the first browse."""
    broker = MemoryBroker(())

    assert inspect(broker, "grading-dlq") is None
    assert broker.statistics(["grading-dlq"]) == {}


def test_a_message_is_found_by_its_id() -> None:
    """Another id finds nothing."""
    broker = MemoryBroker()
    fill(broker, 3)
    found = inspect(broker, "grading-dlq")
    assert found is not None
    wanted = found.scan.messages[1]

    assert find_message(found, wanted.message_id) == wanted
    assert find_message(found, "ID:none") is None
