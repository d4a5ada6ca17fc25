"""A scan reads a whole queue by pages, or reports that messages are missing."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gradectl.queues.scan import Scan, ScanResult, StopReason
from grader.ports.messages import QueuedMessage

PAGE = 10
PAGED_IN_BY_A_BROWSE = 5


class PagingQueue:
    """
    A queue that is browsed as in ActiveMQ.

    It pages in classes of priority, and shows what is paged in by priority, a page at most. A
    browse pages in some more as long as it finds messages, and at least once.
    """

    def __init__(self, messages: Sequence[tuple[int, int]], memory: int = 10**6) -> None:
        """Create messages from pairs of priority and time; `memory` of them can be paged in."""
        self.messages = [
            QueuedMessage(f"ID:vm-1:{number}", time, b"", {"priority": str(priority)})
            for number, (priority, time) in enumerate(messages)
        ]
        self._stored = sorted(self.messages, key=lambda message: -priority_class(message))
        self._memory = min(memory, len(messages))
        self._paged_in = 0

    def browse(self, selector: str) -> list[QueuedMessage]:
        page: list[QueuedMessage] = []
        while True:
            self._paged_in = min(self._paged_in + PAGED_IN_BY_A_BROWSE, self._memory)
            shown = sorted(self._stored[: self._paged_in], key=lambda message: -priority(message))
            known = {message.message_id for message in page}
            new = [m for m in shown if m.message_id not in known and matches(selector, m)]
            page = (page + new)[:PAGE]
            if not new or len(page) == PAGE:
                return page

    def scan(self, enough: int | None = None, condition: str = "") -> tuple[ScanResult, list[str]]:
        """Scan as `gradectl.queues.inspection` does; returns the ids of the messages too."""
        scan, ids = Scan(len(self.messages), enough, condition=condition), []
        while not scan.has_enough:
            paged_in = self._paged_in
            while (selector := scan.next_selector()) is not None:
                ids += [message.message_id for message in scan.take(self.browse(selector))]
            if self._paged_in == paged_in:
                break
            scan.go_on()
        reason = StopReason.LIMIT if scan.has_enough else StopReason.MEMORY
        return scan.result(reason), ids


def priority(message: QueuedMessage) -> int:
    return int(message.headers["priority"])


def priority_class(message: QueuedMessage) -> int:
    return (priority(message) > 4) - (priority(message) < 4)


def matches(selector: str, message: QueuedMessage) -> bool:
    return not selector or all(fulfils(part, message) for part in selector.split(" AND "))


def fulfils(condition: str, message: QueuedMessage) -> bool:
    """Evaluate one condition of the forms that a scan uses."""
    name, operator, value = condition.strip("()").split(" ", 2)
    if name == "JMSMessageID":
        return message.message_id.endswith(value.strip("'%"))
    actual = {"JMSTimestamp": message.timestamp_ms, "JMSPriority": priority(message)}[name]
    return actual >= int(value) if operator == ">=" else actual == int(value)


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
    """Priorities put newer messages before older ones; each priority is scanned too."""
    queue = PagingQueue(messages)

    result, ids = queue.scan()

    assert result.complete
    assert sorted(ids) == sorted(message.message_id for message in queue.messages)
    assert result.summary == f"seen {len(messages)} of {len(messages)} (complete)"


@given(steps, st.integers(0, 200))
def test_a_scan_never_reports_more_than_it_read(
    messages: list[tuple[int, int]], memory: int
) -> None:
    """For any times and memory, complete means all, and each message is visited once."""
    result, ids = PagingQueue(messages, memory).scan()

    assert len(ids) == len(set(ids)) == result.seen
    assert result.complete == (len(ids) == len(messages))
    assert result.complete or "INCOMPLETE" in result.summary


def test_more_than_a_page_in_one_millisecond_is_read() -> None:
    """Such messages are separated by the last digits of their ids."""
    messages = [(4, 1_000)] * (30 * PAGE) + [(4, 1_001)] * PAGE

    result, _ = PagingQueue(messages).scan()

    assert result.summary == f"seen {31 * PAGE} of {31 * PAGE} (complete)"


def test_more_messages_than_the_broker_can_page_in_are_a_sample() -> None:
    """The scan ends, and says so."""
    result, ids = PagingQueue([(4, 1_000 + n) for n in range(1_000)], memory=300).scan()

    assert len(ids) == 300
    assert result.summary.startswith("seen 300 of 1000: INCOMPLETE, a sample: the broker has no")


def test_an_empty_queue_is_not_browsed() -> None:
    """A browse could create a queue that was just deleted."""
    scan = Scan(0)

    assert scan.next_selector() is None
    assert scan.result().complete


def test_a_scan_stops_when_it_has_enough() -> None:
    """Ten messages of a million need one page."""
    result, ids = PagingQueue([(4, 1_000 + number) for number in range(100)]).scan(enough=12)

    assert result.stopped_early
    assert 12 <= len(ids) < 40
    assert result.summary.endswith("of 100: stopped by --limit")


def test_a_selector_of_the_caller_holds_in_each_browse() -> None:
    """Nobody knows how many messages it chooses, so the scan ends when no more come."""
    messages = [(number % 3 + 3, 1_000 + number) for number in range(150)]

    _, ids = PagingQueue(messages).scan(condition="JMSPriority = 5")

    assert len(ids) == len(set(ids)) == 50


def test_messages_held_in_memory_are_paged_in_before_a_scan_gives_up() -> None:
    """A broker caches messages that it received, which a browse must page in first."""
    queue = PagingQueue([(9, 1_000 + n) for n in range(2_000)] + [(0, 500)])
    scan = Scan(1, held=2_000)
    rounds = 0
    while (selector := scan.next_selector()) is not None:
        scan.take([m for m in queue.browse(selector) if priority(m) == 0])
        rounds += 1

    assert scan.result().complete


def test_the_first_browse_has_no_selector() -> None:
    """A page larger than the queue needs one browse."""
    scan = Scan(5)

    assert scan.next_selector() == ""
    scan.take([QueuedMessage(str(number), 1, b"") for number in range(5)])
    assert scan.next_selector() is None


def test_messages_slightly_out_of_order_are_read() -> None:
    """Concurrent producers may queue messages in another order than their time stamps."""
    times = [1_000 + 3 * (number ^ 1) for number in range(200)]

    assert PagingQueue([(4, time) for time in times]).scan()[0].complete
