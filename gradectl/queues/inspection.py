"""Looking into the queues of an environment; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradectl.queues.scan import Scan, ScanResult
from grader.contract.names import QUEUES
from grader.ports.messages import QueuedMessage, QueueInspector, QueueStatistics

#: Up to this size the oldest message is looked for where the broker does not tell its time.
_WORTH_A_BROWSE = 200


@dataclass(frozen=True)
class QueueState:
    """One queue as it is now; `counters` is None when it does not exist."""

    queue: str
    counters: QueueStatistics | None
    oldest_seconds: float | None = None  # age of the oldest message, where it is known


@dataclass(frozen=True)
class Inspection:
    """What was seen of one queue; `now_ms` is the broker's clock."""

    scan: ScanResult
    now_ms: int


def queue_states(inspector: QueueInspector, queues: Sequence[str] = QUEUES) -> list[QueueState]:
    """Count what is in each of `queues`, in their order."""
    found = inspector.statistics(queues)
    return [_state(inspector, queue, found.get(queue)) for queue in queues]


def inspect(
    inspector: QueueInspector, queue: str, *, enough: int | None = None
) -> Inspection | None:
    """
    See all messages of a queue, or the first `enough`.

    Returns:
        None when there is no such queue; it is not created by asking.
    """
    counters = inspector.statistics([queue]).get(queue)
    if counters is None:
        return None
    scan = Scan(counters.size, enough)
    while (selector := scan.next_selector()) is not None:
        scan.take(inspector.browse(queue, selector))
    return Inspection(scan.result(), counters.taken_at_ms)


def find_message(inspection: Inspection, message_id: str) -> QueuedMessage | None:
    """Find one message among those that were seen."""
    found = (each for each in inspection.scan.messages if each.message_id == message_id)
    return next(found, None)


def _state(inspector: QueueInspector, queue: str, counters: QueueStatistics | None) -> QueueState:
    """Add the age of the oldest message to the counters."""
    if counters is None or not counters.size:
        return QueueState(queue, counters)
    oldest_ms = counters.oldest_ms
    if oldest_ms is None and counters.size <= _WORTH_A_BROWSE:
        sent = (message.timestamp_ms for message in inspector.browse(queue))
        oldest_ms = min(sent, default=None)
    if oldest_ms is None:
        return QueueState(queue, counters)
    return QueueState(queue, counters, max(counters.taken_at_ms - oldest_ms, 0) / 1000)
