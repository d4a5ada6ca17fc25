"""
Queues: receiving, settling and inspecting messages.

Each interface has a real implementation in `grader.adapters` and an in-memory fake in
`grader.testing`; one behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Delivery:
    """A received message that is not acknowledged yet."""

    queue: str
    message_id: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    redelivered: bool = False
    ack_id: str = ""
    receives: int = 0  # how often it was received, this time included; 0 if that is not counted
    first_received_ms: int = 0  # when that was the first time, Unix time; 0 if it is not known


@dataclass(frozen=True)
class Outgoing:
    """A persistent message to send."""

    queue: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_ms: int = 0


class JobSource(Protocol):
    """
    The request queues of one consumer.

    Any method raises `ConnectionLostError`, or `AccessError` when the user lacks a right.
    """

    def receive(self, timeout_seconds: float) -> Delivery | None:
        """Wait for the next message, the priority queue first; None after the timeout."""
        ...

    def prepare(self, delivery: Delivery, outgoing: Sequence[Outgoing]) -> None:
        """
        Hand over what the next `settle` with the same arguments commits; no effect before that.

        It only saves time, so it never raises for a lost connection: `settle` does.
        """
        ...

    def withdraw(self) -> None:
        """Forget what was prepared, if anything was; never raises, as `prepare`."""
        ...

    def settle(
        self,
        delivery: Delivery,
        outgoing: Sequence[Outgoing],
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Send `outgoing` and acknowledge `delivery` in one transaction, all or nothing.

        Returns before the broker has confirmed it, so that the next message can be received
        meanwhile.

        Args:
            delivery: The message.
            outgoing: The messages to send.
            on_confirmed: Called once the broker has confirmed it; by `confirm`, or by `receive` if
                no message comes first.
        """
        ...

    def postpone(
        self,
        delivery: Delivery,
        copy: Outgoing,
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Have a message delivered again after a delay, which settles this delivery.

        Args:
            delivery: The message.
            copy: What a transport sends that cannot delay a message it has delivered, in one
                transaction with the acknowledgement. Another one delays the message itself, so its
                headers stay as they are.
            on_confirmed: As in `settle`.
        """
        ...

    def pause(self) -> None:
        """Receive nothing until the next `receive`, and return soon what arrives for it."""
        ...

    def confirm(self) -> None:
        """Wait until the last settlement is confirmed; a loss before that may have undone it."""
        ...

    @property
    def hold_seconds(self) -> float | None:
        """How long a delivery is held without `extend`; None: as long as the connection lives."""
        ...

    def extend(self, delivery: Delivery) -> bool:
        """
        Hold a delivery for another `hold_seconds` from now on; called from any thread.

        Returns:
            False if it is no longer held: another consumer may have received it, and `settle` will
            raise `ConnectionLostError` without sending anything.
        """
        ...

    def close(self) -> None:
        """Disconnect; an unsettled message is redelivered."""
        ...


@dataclass(frozen=True)
class QueueStatistics:
    """
    The counters of one queue; totals count from the start of the broker.

    Amazon SQS knows neither consumers nor totals: `consumers` is None there, and the totals are 0.
    """

    queue: str
    size: int  # waiting and in flight
    in_flight: int  # delivered to a consumer, not acknowledged yet
    consumers: int | None  # None if the transport does not know its consumers
    producers: int
    enqueued: int
    dequeued: int
    expired: int
    taken_at_ms: int  # Unix time by the broker's clock
    oldest_ms: int | None = None  # time of the first message, if the broker reports it
    memory_bytes: int = 0  # of its messages in the memory of the broker
    average_bytes: int = 0  # of a message in memory; 0 if the broker does not know it
    delayed: int | None = None  # of the size: sent with a delay that is not over; None: not counted

    @property
    def waiting(self) -> int:
        """Number of messages that a consumer could receive now."""
        return max(self.size - self.in_flight - (self.delayed or 0), 0)


@dataclass(frozen=True)
class QueuedMessage:
    """A browsed message, which stays in its queue."""

    message_id: str
    timestamp_ms: int  # time of sending, by the broker's clock
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DelayedMessage:
    """A retry that the broker will add to `queue` at a time; it is in no queue until then."""

    queue: str
    due_ms: int  # Unix time by the broker's clock
    message: QueuedMessage


class QueueInspector(Protocol):
    """
    Inspects queues and never consumes.

    Any method raises `ConnectionLostError`, or `AccessError` when the user lacks a right.
    """

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """Read the counters of those `queues` that exist."""
        ...

    def browse(self, queue: str, selector: str = "") -> Sequence[QueuedMessage]:
        """
        Read one page of a queue, in the broker's order; the broker and the adapter bound its size.

        Browsing creates a missing queue, so check its statistics first.
        """
        ...

    def peek(self, queue: str, count: int, selector: str = "") -> Sequence[QueuedMessage]:
        """
        Read at most the first `count` messages of a queue, including those in flight.

        The cost does not depend on the length of the queue. Creates a missing queue, as `browse`.
        """
        ...


class QueueMover(Protocol):
    """
    Consumes chosen messages of a queue, and sends others instead.

    Any method raises `ConnectionLostError`, or `AccessError` when the user lacks a right.
    """

    def replace(
        self,
        queue: str,
        message_ids: Sequence[str],
        make: Callable[[Sequence[QueuedMessage]], Sequence[Outgoing]],
    ) -> Sequence[str]:
        """
        Consume messages and send those that `make` returns instead, in one transaction.

        Args:
            queue: An existing queue.
            message_ids: Of the messages to consume, at most `MOST_REPLACED`.
            make: Called with those found, before the transaction; if it raises, nothing happens.

        Returns:
            The ids of the consumed messages. One that is gone, or that a consumer holds, is absent.
        """
        ...


#: More ids do not fit into the selector of one subscription.
MOST_REPLACED = 100


class MessageSender(Protocol):
    """
    Sends to queues.

    Raises `ConnectionLostError`, or `AccessError` when the user lacks a right.
    """

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send one persistent message; returns after the broker has stored it."""
        ...
