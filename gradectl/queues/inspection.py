"""Reads the state and the messages of queues, without changing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from gradectl.queues.broker import Broker, Holder, Inspector
from gradectl.queues.scan import Scan, ScanResult, StopReason
from grader.contract.names import QUEUES
from grader.ports.messages import QueuedMessage, QueueInspector, QueueStatistics

#: A scan without a limit ends here: what it reads stays in the memory of the broker.
MOST_MESSAGES = 100_000
#: Smallest size with which a broker counts a message in memory.
_LEAST_BYTES = 1024
#: The quiet rounds of a scan page in more than this, if the broker has memory; a queue that grows
#: meanwhile must not make a scan endless.
_PAGED_IN_PER_TRY = 1_000
_LEAST_TRIES = 10
#: Each has its own oldest message.
_PRIORITIES = 10


@dataclass(frozen=True)
class QueueState:
    """The state of one queue; `counters` is None if it does not exist."""

    queue: str
    counters: QueueStatistics | None
    oldest_seconds: float | None = None  # age of the oldest message, if known


@dataclass(frozen=True)
class Inspection:
    """The messages of one queue, oldest first; `now_ms` is the time of the broker's clock."""

    scan: ScanResult
    now_ms: int
    messages: Sequence[QueuedMessage] = ()


def queue_states(inspector: Inspector, queues: Sequence[str] = QUEUES) -> list[QueueState]:
    """Return the states of `queues`, in their order."""
    found = inspector.statistics(queues)
    return [_state(inspector, queue, found.get(queue)) for queue in queues]


@dataclass(frozen=True)
class Extent:
    """
    How much of a queue to read.

    Attributes:
        enough: The number of messages that the user asked for; by default all.
        most: The number of messages after which it is a sample; None for no bound.
        selector: Condition of the broker on the messages to read.
        is_over: Asked before each page; True ends the reading for lack of time.
    """

    enough: int | None = None
    most: int | None = MOST_MESSAGES
    selector: str = ""
    is_over: Callable[[], bool] = lambda: False

    @property
    def bound(self) -> int | None:
        """The smaller of both numbers."""
        return min((each for each in (self.enough, self.most) if each is not None), default=None)


_EVERYTHING = Extent()


def read_queue(
    inspector: QueueInspector,
    counters: QueueStatistics,
    visit: Callable[[QueuedMessage], object],
    extent: Extent = _EVERYTHING,
) -> ScanResult:
    """
    Read the messages of a queue, each once; none is kept.

    Args:
        inspector: The queues.
        counters: The counters of the queue, which prove that it exists: a browse would create it.
        visit: Called with each message, in no order; True ends the reading.
        extent: How much to read.
    """
    held = _held(counters)
    scan = Scan(counters.size, extent.bound, held=held, condition=extent.selector)
    before = latest = counters
    for _ in range(_LEAST_TRIES + counters.size // _PAGED_IN_PER_TRY):
        while (condition := scan.next_selector()) is not None:
            if extent.is_over():
                return scan.result(StopReason.TIME)
            page = _page(inspector, counters.queue, condition, extent.enough)
            for message in scan.take(page):
                if visit(message) is True:
                    return scan.result(StopReason.FOUND)
        before, latest = latest, inspector.statistics([counters.queue]).get(counters.queue, latest)
        if scan.has_enough or latest.memory_bytes <= before.memory_bytes:
            break
        scan.go_on()
    if scan.has_enough:
        asked = extent.enough is not None and extent.enough == extent.bound
        return scan.result(StopReason.LIMIT if asked else StopReason.SAMPLE)
    reason = _why_incomplete(scan, counters, latest, is_selected=bool(extent.selector))
    if reason is StopReason.MEMORY and extent.selector and _had_all(inspector, latest, extent):
        reason = None
    return scan.result(reason)


def _had_all(inspector: QueueInspector, latest: QueueStatistics, extent: Extent) -> bool:
    """
    Return whether the broker had paged in all messages when a scan with a selector ended.

    The broker's average size also counts messages that have gone, so it may seem to hold only part
    of the queue. It does hold all of it if the whole queue can be read without more memory.
    """
    whole = Extent(most=extent.most, is_over=extent.is_over)
    found = read_queue(inspector, latest, lambda _message: None, whole)
    after = inspector.statistics([latest.queue]).get(latest.queue, latest)
    return found.complete and after.memory_bytes <= latest.memory_bytes


def _page(
    inspector: QueueInspector, queue: str, selector: str, enough: int | None
) -> Sequence[QueuedMessage]:
    """Read one page, at most as many messages as the user asked for."""
    if enough is None:
        return inspector.browse(queue, selector)
    return inspector.peek(queue, enough, selector)


def inspect(
    inspector: QueueInspector, queue: str, *, enough: int | None = None
) -> Inspection | None:
    """
    Read and keep all messages of a queue, or about the first `enough`.

    Returns:
        None if the queue does not exist; it is not created.
    """
    counters = inspector.statistics([queue]).get(queue)
    if counters is None:
        return None
    messages: list[QueuedMessage] = []
    scan = read_queue(inspector, counters, messages.append, Extent(enough))
    messages.sort(key=lambda message: message.timestamp_ms)
    return Inspection(scan, counters.taken_at_ms, messages)


@contextmanager
def held_queue(
    broker: Broker,
    holder: Holder,
    queue: str,
    most: int,
    report: Callable[[int], object] = lambda _count: None,
) -> Iterator[Inspection | None]:
    """
    Receive the messages of a queue that cannot be browsed, and hold them for the block.

    Args:
        broker: The queues.
        holder: Holds the messages.
        queue: The queue.
        most: Stop after so many messages.
        report: Called with the number of messages received so far.

    Yields:
        What is held; None if the queue does not exist.
    """
    counters = broker.inspector.statistics([queue]).get(queue)
    if counters is None:
        yield None
        return
    with holder.hold(queue, most, report) as messages:
        seen = len(messages)
        size = max(counters.size, seen)  # the counters are approximate
        reason = StopReason.LIMIT if seen >= most else StopReason.IN_FLIGHT
        scan = ScanResult(seen, size, reason=reason if seen < size else None)
        yield Inspection(scan, counters.taken_at_ms, messages)


def _held(counters: QueueStatistics) -> int:
    """Return how many messages the broker holds in memory."""
    return counters.memory_bytes // max(counters.average_bytes, _LEAST_BYTES)


def _why_incomplete(
    scan: Scan, first: QueueStatistics, latest: QueueStatistics, *, is_selected: bool
) -> StopReason | None:
    """Return why a scan is not complete, from what is certain to what remains."""
    if not is_selected and latest.dequeued - first.dequeued >= scan.missing:
        return StopReason.CONSUMED
    if scan.saw_full_millisecond:
        return StopReason.MILLISECOND
    if latest.memory_bytes and _held(latest) < latest.size:
        return StopReason.MEMORY
    return None if is_selected else StopReason.ORDER


def _state(inspector: Inspector, queue: str, counters: QueueStatistics | None) -> QueueState:
    if counters is None or not counters.size:
        return QueueState(queue, counters)
    oldest_ms = counters.oldest_ms
    if oldest_ms is None and inspector.can_browse:
        oldest_ms = _first_sent(inspector, queue)
    if oldest_ms is None:
        return QueueState(queue, counters)
    return QueueState(queue, counters, max(counters.taken_at_ms - oldest_ms, 0) / 1000)


def _first_sent(inspector: QueueInspector, queue: str) -> int | None:
    """
    Return when the oldest message was sent; None for a queue that was emptied meanwhile.

    A browse is ordered by priority first, so older messages are searched behind the first one. The
    cost does not depend on the length of the queue.
    """
    oldest_ms = None
    older = inspector.peek(queue, 1)
    for _ in range(_PRIORITIES):
        if not older:
            break
        oldest_ms = older[0].timestamp_ms
        older = inspector.peek(queue, 1, f"JMSTimestamp < {oldest_ms}")
    return oldest_ms
