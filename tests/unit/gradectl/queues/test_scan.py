"""A scan reads a whole queue by pages, or reports that messages are missing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gradectl.queues.scan import Scan, ScanResult
from grader.ports.messages import QueuedMessage

PAGE = 10
PAGED_IN_BY_A_BROWSE = 5


class PagingQueue:
    """A queue that is browsed as in ActiveMQ: by page, by priority, only paged-in messages."""

    def __init__(self, messages: Sequence[tuple[int, int]]) -> None:
        """Create messages from pairs of priority and time."""
        numbered = [
            QueuedMessage(f"ID:{number}", time, b"", {"priority": str(priority)})
            for number, (priority, time) in enumerate(messages)
        ]
        self.messages = sorted(numbered, key=lambda message: -priority_class(message))
        self._paged_in = PAGE

    def browse(self, selector: str) -> list[QueuedMessage]:
        found = [m for m in self.messages[: self._paged_in] if matches(selector, m)]
        self._paged_in += PAGED_IN_BY_A_BROWSE
        return found[:PAGE]

    def scan(self, enough: int | None = None) -> ScanResult:
        scan = Scan(len(self.messages), enough)
        while (selector := scan.next_selector()) is not None:
            scan.take(self.browse(selector))
        return scan.result()


def priority_class(message: QueuedMessage) -> int:
    priority = int(message.headers["priority"])
    return (priority > 4) - (priority < 4)


def matches(selector: str, message: QueuedMessage) -> bool:
    since = re.search(r"JMSTimestamp >= (\d+)", selector)
    wanted = re.search(r"JMSPriority ([<>=]) 4", selector)
    classes = {"<": -1, "=": 0, ">": 1}
    return (since is None or message.timestamp_ms >= int(since[1])) and (
        wanted is None or priority_class(message) == classes[wanted[1]]
    )


def with_growing_times(steps: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Turn intervals into times; at most half a page has the same millisecond."""
    messages, now, at_once = [], 1_000, 0
    for priority, wait in steps:
        at_once = 0 if wait else at_once + 1
        now += wait or (at_once % (PAGE // 2) == 0)
        messages.append((priority, now))
    return messages


steps = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 7)), max_size=200)


@given(steps.map(with_growing_times))
def test_a_queue_of_any_mixture_is_read_completely(messages: list[tuple[int, int]]) -> None:
    """Priorities put newer messages before older ones; each class is scanned too."""
    queue = PagingQueue(messages)

    result = queue.scan()

    assert result.complete
    assert {m.message_id for m in result.messages} == {m.message_id for m in queue.messages}
    assert result.summary == f"seen {len(messages)} of {len(messages)}"


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40)), max_size=200))
def test_a_scan_never_reports_more_than_it_read(messages: list[tuple[int, int]]) -> None:
    """For any times, complete means all, and each message is counted once."""
    queue = PagingQueue(messages)

    result = queue.scan()

    ids = [message.message_id for message in result.messages]
    assert len(ids) == len(set(ids))
    assert result.complete == (len(ids) == len(messages))


def test_more_than_a_page_in_one_millisecond_is_called_incomplete() -> None:
    """No selector separates such messages, so the scan must report that some are missing."""
    result = PagingQueue([(4, 1_000)] * (3 * PAGE)).scan()

    assert not result.complete
    assert result.summary == f"seen {PAGE} of {3 * PAGE}: INCOMPLETE"


def test_an_empty_queue_is_not_browsed() -> None:
    """A browse could create a queue that was just deleted."""
    scan = Scan(0)

    assert scan.next_selector() is None
    assert scan.result().complete


def test_a_scan_stops_when_it_has_enough() -> None:
    """Ten messages of a million need one page."""
    result = PagingQueue([(4, 1_000 + number) for number in range(100)]).scan(enough=12)

    assert result.stopped_early
    assert 12 <= len(result.messages) < 40
    assert "INCOMPLETE" not in result.summary


def test_the_first_browse_has_no_selector() -> None:
    """A page larger than the queue needs one browse."""
    scan = Scan(5)

    assert scan.next_selector() == ""
    scan.take([QueuedMessage(str(number), 1, b"") for number in range(5)])
    assert scan.next_selector() is None


def test_messages_slightly_out_of_order_are_read() -> None:
    """Concurrent producers may queue messages in another order than their time stamps."""
    times = [1_000 + 3 * (number ^ 1) for number in range(200)]

    assert PagingQueue([(4, time) for time in times]).scan().complete


def test_messages_are_sorted_by_age() -> None:
    """Oldest first, independent of priorities and pages."""
    result = PagingQueue([(number % 10, 1_000 + 2 * number) for number in range(60)]).scan()

    times = [message.timestamp_ms for message in result.messages]
    assert times == sorted(times)
