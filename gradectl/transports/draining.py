"""Decides when a transport is empty and unused, from repeated counts of its queues; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grader.contract.names import PRIORITY_QUEUE, QUEUES, REQUESTS_QUEUE
from grader.ports.messages import QueueStatistics

REQUEST_QUEUES = (PRIORITY_QUEUE, REQUESTS_QUEUE)


@dataclass(frozen=True)
class QueueCount:
    """
    The messages of one queue.

    Attributes:
        waiting: Those that no consumer has.
        in_flight: Those that a consumer has.
        delayed: Retries that the transport will deliver later.
        enqueued: All that were ever sent; 0 where the transport does not count them.
        consumers: Connected consumers; None where the transport does not know them.
        producers: Connected producers, likewise.
    """

    waiting: int = 0
    in_flight: int = 0
    delayed: int = 0
    enqueued: int = 0
    consumers: int | None = 0
    producers: int = 0

    @property
    def total(self) -> int:
        """All messages."""
        return self.waiting + self.in_flight + self.delayed


Counts = Mapping[str, QueueCount]


def queue_counts(
    statistics: Mapping[str, QueueStatistics], delayed: Mapping[str, int]
) -> dict[str, QueueCount]:
    """
    Combine counters and delayed messages.

    Args:
        statistics: Counters of the queues that exist.
        delayed: Delayed messages by queue, where they are not part of the counters.
    """
    counts = {}
    for queue in QUEUES:
        found = statistics.get(queue)
        late = delayed.get(queue, 0) + ((found.delayed or 0) if found else 0)
        if found is None:
            counts[queue] = QueueCount(delayed=late)
        else:
            counts[queue] = QueueCount(
                waiting=found.waiting,
                in_flight=found.in_flight,
                delayed=late,
                enqueued=found.enqueued,
                consumers=found.consumers,
                producers=found.producers,
            )
    return counts


def total(counts: Counts, queues: Sequence[str] = QUEUES) -> int:
    """Number of messages in some queues."""
    return sum(counts[queue].total for queue in queues if queue in counts)


def summary(counts: Counts) -> str:
    """Say what is left, in one line."""
    parts = [f"{queue} {each.total}{_detail(each)}" for queue, each in counts.items() if each.total]
    return ", ".join(parts) or "empty"


def _detail(count: QueueCount) -> str:
    named = {"in flight": count.in_flight, "delayed": count.delayed}
    parts = [f"{number} {word}" for word, number in named.items() if number]
    return f" ({', '.join(parts)})" if parts else ""


@dataclass
class DrainWatch:
    """
    Judges successive counts of a transport that is being drained.

    A request that a worker puts off stays one message, in flight or delayed, so a rise of the total
    is a new request: a producer still sends to the old transport.

    Args:
        quiet_seconds: How long it must stay empty, without a new request.
    """

    quiet_seconds: float
    arrived: dict[str, int] = field(default_factory=dict)  # new requests by queue
    _last: Counts | None = None
    _quiet_since: float | None = None
    _progress_at: float | None = None
    _least: int | None = None

    def look(self, counts: Counts, now: float) -> bool:
        """
        Take the next counts.

        Args:
            counts: What the queues have.
            now: Seconds of a monotonic clock.

        Returns:
            Whether the transport has been empty and unused for long enough.
        """
        came = self._arrivals(counts)
        for queue, number in came.items():
            self.arrived[queue] = self.arrived.get(queue, 0) + number
        left = total(counts)
        if self._least is None or left < self._least or came:
            self._least, self._progress_at = left, now
        if left or came:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        self._last = counts
        return self._quiet_since is not None and now - self._quiet_since >= self.quiet_seconds

    def quiet_for(self, now: float) -> float | None:
        """Seconds since it became empty and unused; None while it is not."""
        return None if self._quiet_since is None else now - self._quiet_since

    def stalled_for(self, now: float) -> float:
        """Seconds without progress; 0 while the queues are empty."""
        if not self._least or self._progress_at is None:
            return 0.0
        return now - self._progress_at

    def _arrivals(self, counts: Counts) -> dict[str, int]:
        """Number of new requests since the last counts, at least, by queue."""
        if self._last is None:
            return {}
        found = {}
        for queue in REQUEST_QUEUES:
            before, after = self._last.get(queue, QueueCount()), counts.get(queue, QueueCount())
            came = after.total - before.total
            if not before.total:
                came = max(came, after.enqueued - before.enqueued)
            if came > 0:
                found[queue] = came
        return found
