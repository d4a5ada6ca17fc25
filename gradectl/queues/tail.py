"""Follows the new messages of a queue without consuming them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grader.ports.messages import QueuedMessage, QueueInspector, QueueStatistics


@dataclass(frozen=True)
class Arrival:
    """
    A new message.

    Args:
        message: The message.
        now_ms: The time of the broker's clock.
        missed: Messages that came before it since the last look, and were consumed unseen.
    """

    message: QueuedMessage
    now_ms: int
    missed: int = 0


def follow(inspector: QueueInspector, queue: str, pause: Callable[[], bool]) -> Iterator[Arrival]:
    """
    Yield messages that arrive after the call, in the order of their times.

    The queue is browsed only when its counter says that something has arrived.

    Args:
        inspector: Reads the queue.
        queue: An existing queue.
        pause: Waits between two looks; False ends the following.
    """
    last = inspector.statistics([queue])[queue]
    since_ms = last.taken_at_ms
    seen = {each.message_id for each in _newer(inspector, last, since_ms)}
    while pause():
        now = inspector.statistics([queue]).get(queue, last)
        arrived = now.enqueued - last.enqueued
        last = now
        if arrived <= 0:
            continue
        fresh = [each for each in _newer(inspector, now, since_ms) if each.message_id not in seen]
        missed = max(arrived - len(fresh), 0)
        for message in fresh:
            yield Arrival(message, now.taken_at_ms, missed)
            missed = 0
        newest = max((each.timestamp_ms for each in fresh), default=since_ms)
        kept = seen if newest == since_ms else set()
        seen = kept | {each.message_id for each in fresh if each.timestamp_ms == newest}
        since_ms = newest


def _newer(
    inspector: QueueInspector, counters: QueueStatistics, since_ms: int
) -> list[QueuedMessage]:
    """Browse the messages from a time on, the oldest first."""
    page = inspector.browse(counters.queue, f"JMSTimestamp >= {since_ms}")
    return sorted(page, key=lambda message: message.timestamp_ms)
