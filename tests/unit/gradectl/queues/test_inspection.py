"""Inspection of queues of an in-memory broker; tests/integration uses a real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import time

import pytest

from gradectl.queues.inspection import Extent, inspect, queue_states, read_queue
from gradectl.queues.scan import ScanResult, StopReason
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


def read(broker: MemoryBroker, extent: Extent, wanted: str = "") -> tuple[list[str], ScanResult]:
    """Read the dead letters until one has the wanted id."""
    ids: list[str] = []

    def visit(message: QueuedMessage) -> bool:
        ids.append(message.message_id)
        return message.message_id == wanted

    counters = broker.statistics(["grading-dlq"])["grading-dlq"]
    return ids, read_queue(broker, counters, visit, extent)


def test_reading_ends_for_the_reason_that_it_names() -> None:
    """What the user asked for, what a sample has, and how much time there is."""
    broker = MemoryBroker(page_size=10)
    fill(broker, 100)
    turns = iter([False, False, True])
    extents = {
        StopReason.LIMIT: Extent(enough=7),
        StopReason.SAMPLE: Extent(most=15),
        StopReason.TIME: Extent(is_over=lambda: next(turns)),
        None: Extent(),
    }

    found = {reason: read(broker, extent) for reason, extent in extents.items()}

    assert {reason: scan.reason for reason, (_, scan) in found.items()} == {
        reason: reason for reason in extents
    }
    limited, sampled, timed, whole = (len(ids) for ids, _ in found.values())
    assert (limited, whole) == (7, 100)
    assert 15 <= sampled < 35
    assert 10 <= timed <= 20
    assert found[StopReason.TIME][1].summary.endswith("of 100: INCOMPLETE: stopped by --timeout")


def test_reading_ends_when_the_message_is_found() -> None:
    """Or it is known that the queue does not have it."""
    broker = MemoryBroker(page_size=10)
    fill(broker, 40)
    third = broker.messages("grading-dlq")[2].message_id

    ids, scan = read(broker, Extent(), wanted=third)
    others, whole = read(broker, Extent(), wanted="ID:none")

    assert (len(ids), scan.reason) == (3, StopReason.FOUND)
    assert (len(others), whole.complete) == (40, True)


class LargeBefore(MemoryBroker):
    """A queue that had much larger messages before, and whose broker shows a part of it at most."""

    def __init__(self, shown: int) -> None:
        super().__init__()
        self.shown = shown

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        found = super().statistics(queues)
        memory = {"memory_bytes": 30_000, "average_bytes": 20_000}
        return {name: replace(each, **memory) for name, each in found.items()}

    def browse(self, queue: str, selector: str = "") -> list[QueuedMessage]:
        in_memory = self.messages(queue)[: self.shown]
        return [each for each in super().browse(queue, selector) if each in in_memory]


@pytest.mark.parametrize(("shown", "reason"), [(10, None), (9, StopReason.MEMORY)])
def test_a_selected_reading_is_complete_where_all_messages_can_be_read(
    shown: int, reason: StopReason | None
) -> None:
    """The average size alone does not say how many messages are in memory."""
    broker = LargeBefore(shown)
    for number in range(10):
        broker.send("grading-dlq", b"", {"priority": "49"[number % 2]})

    _, scan = read(broker, Extent(selector="JMSPriority = 9"))

    assert scan.reason is reason
    assert scan.summary.startswith("seen 5 that match the selector, of 10")
