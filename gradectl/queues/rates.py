"""Computes how fast queues fill and drain; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.ports.messages import QueueStatistics


@dataclass(frozen=True)
class Rates:
    """Messages per second into and out of a queue."""

    into: float
    out: float


def rates(
    before: Mapping[str, QueueStatistics | None], after: Mapping[str, QueueStatistics | None]
) -> dict[str, Rates]:
    """
    Return the rates between two observations, by the clock of the broker.

    A queue is left out if it is new, or if its totals restarted with the broker.
    """
    found = {}
    for queue, now in after.items():
        then = before.get(queue)
        if now is None or then is None:
            continue
        seconds = (now.taken_at_ms - then.taken_at_ms) / 1000
        into, out = now.enqueued - then.enqueued, now.dequeued - then.dequeued
        if seconds > 0 and into >= 0 and out >= 0:
            found[queue] = Rates(into / seconds, out / seconds)
    return found
