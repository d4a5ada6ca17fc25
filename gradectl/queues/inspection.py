"""Reads the state and the messages of queues, without changing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradectl.queues.scan import Scan, ScanResult
from grader.contract.names import QUEUES
from grader.ports.messages import QueuedMessage, QueueInspector, QueueStatistics

#: Largest queue that is browsed for its oldest message if the statistics lack its time.
_MAX_BROWSE_FOR_AGE = 200


@dataclass(frozen=True)
class QueueState:
    """The state of one queue; `counters` is None if it does not exist."""

    queue: str
    counters: QueueStatistics | None
    oldest_seconds: float | None = None  # age of the oldest message, if known


@dataclass(frozen=True)
class Inspection:
    """The messages of one queue; `now_ms` is the time of the broker's clock."""

    scan: ScanResult
    now_ms: int


def queue_states(inspector: QueueInspector, queues: Sequence[str] = QUEUES) -> list[QueueState]:
    """Return the states of `queues`, in their order."""
    found = inspector.statistics(queues)
    return [_state(inspector, queue, found.get(queue)) for queue in queues]


def inspect(
    inspector: QueueInspector, queue: str, *, enough: int | None = None
) -> Inspection | None:
    """
    Read all messages of a queue, or about the first `enough`.

    Returns:
        None if the queue does not exist; it is not created.
    """
    counters = inspector.statistics([queue]).get(queue)
    if counters is None:
        return None
    scan = Scan(counters.size, enough)
    while (selector := scan.next_selector()) is not None:
        scan.take(inspector.browse(queue, selector))
    return Inspection(scan.result(), counters.taken_at_ms)


def find_message(inspection: Inspection, message_id: str) -> QueuedMessage | None:
    """Find a message by its id."""
    found = (each for each in inspection.scan.messages if each.message_id == message_id)
    return next(found, None)


def _state(inspector: QueueInspector, queue: str, counters: QueueStatistics | None) -> QueueState:
    if counters is None or not counters.size:
        return QueueState(queue, counters)
    oldest_ms = counters.oldest_ms
    if oldest_ms is None and counters.size <= _MAX_BROWSE_FOR_AGE:
        sent = (message.timestamp_ms for message in inspector.browse(queue))
        oldest_ms = min(sent, default=None)
    if oldest_ms is None:
        return QueueState(queue, counters)
    return QueueState(queue, counters, max(counters.taken_at_ms - oldest_ms, 0) / 1000)
