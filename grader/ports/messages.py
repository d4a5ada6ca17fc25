"""
Queues: receiving and settling messages, and inspecting what waits.

Each has a real implementation in `grader.adapters` and an in-memory fake in `grader.testing`; one
behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Delivery:
    """One message in our hands and not yet acknowledged."""

    queue: str
    message_id: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    redelivered: bool = False
    ack_id: str = ""


@dataclass(frozen=True)
class Outgoing:
    """One persistent message to send."""

    queue: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_ms: int = 0


class JobSource(Protocol):
    """
    The queues one slot works from.

    Raises `ConnectionLostError` from any method, and `AccessError` when we may not do it.
    """

    def receive(self, timeout_seconds: float) -> Delivery | None:
        """Wait for the next message, the priority queue first; None when none came in time."""
        ...

    def settle(self, delivery: Delivery, outgoing: Sequence[Outgoing]) -> None:
        """Send `outgoing` and acknowledge `delivery` in one transaction."""
        ...

    def close(self) -> None:
        """Give back what was not settled and leave in good order."""
        ...


@dataclass(frozen=True)
class QueueStatistics:
    """What the broker counts for one queue; counters run since the broker started."""

    queue: str
    size: int  # waiting and in flight
    in_flight: int  # with a consumer, not yet acknowledged
    consumers: int
    producers: int
    enqueued: int
    dequeued: int
    expired: int
    taken_at_ms: int  # by the broker's clock
    oldest_ms: int | None = None  # when the first message was sent, where the broker tells

    @property
    def waiting(self) -> int:
        """Messages that no consumer has yet."""
        return max(self.size - self.in_flight, 0)


@dataclass(frozen=True)
class QueuedMessage:
    """One message as it lies in a queue; it stays there."""

    message_id: str
    timestamp_ms: int  # when it was sent, by the broker's clock
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class QueueInspector(Protocol):
    """
    Looks and never consumes.

    Raises `ConnectionLostError` from any method, and `AccessError` when we may not look.
    """

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """Counters of those of `queues` that exist."""
        ...

    def browse(self, queue: str, selector: str = "") -> Sequence[QueuedMessage]:
        """
        One page of a queue in the broker's order; the broker chooses the page's size.

        A queue that does not exist would be created by this: ask for its statistics first.
        """
        ...

    def peek(self, queue: str, count: int) -> Sequence[QueuedMessage]:
        """
        Give the first `count` messages of a queue at most, those in flight among them.

        It costs the same however many there are, and creates a queue as `browse` does.
        """
        ...
