"""
The interface to the queues of an environment.

It has two real implementations in `gradectl.adapters`, for ActiveMQ and for Amazon SQS, and an
in-memory fake in `gradectl.queues.testing`; one behaviour suite in tests/ports runs against all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from grader.contract.names import TransportName
from grader.ports.messages import (
    DelayedMessage,
    Outgoing,
    QueuedMessage,
    QueueInspector,
    QueueMover,
)


class Watch(Protocol):
    """A subscription to the messages of one correlation id in one queue."""

    def take(self, timeout_seconds: float) -> bytes | None:
        """Consume the next message and return its body; None on timeout."""
        ...


class Inspector(QueueInspector, Protocol):
    """Inspects queues and what will be in them."""

    @property
    def can_browse(self) -> bool:
        """Whether messages can be read without receiving them; else reading them is refused."""
        ...

    @property
    def age_failure(self) -> str:
        """Why the ages of the latest `statistics` are unknown; empty if they could be read."""
        ...

    def sent_since(self, queue: str, since_ms: int) -> Sequence[QueuedMessage]:
        """
        Read about a page of the messages of a queue that were sent from a time on.

        Where messages cannot be browsed, it receives and holds those that have arrived since the
        queue was held, so `since_ms` is not used; without a hold it returns none.
        """
        ...

    def delayed(self, most: int) -> Sequence[DelayedMessage]:
        """Read delayed messages, about the first `most`; only an administrator may."""
        ...


class Holder(Protocol):
    """Receives messages where they cannot be browsed, and returns those that are not moved."""

    def hold(
        self, queue: str, most: int, report: Callable[[int], object] = lambda _count: None
    ) -> AbstractContextManager[Sequence[QueuedMessage]]:
        """
        Receive the messages of a queue, and hide them from other consumers for the block.

        A mover of the same broker moves what is held. Whatever ends the block, the rest returns to
        the queue. Each receipt is counted by the queue.

        Args:
            queue: An existing queue.
            most: Stop after so many messages.
            report: Called with the number of messages received so far.
        """
        ...

    def most_receipts(self, queue: str) -> int | None:
        """Receipts after which the queue itself moves a message to dead letters; None: never."""
        ...


@dataclass(frozen=True)
class MoveTask:
    """
    The move of a whole queue by the transport itself.

    Attributes:
        status: ``RUNNING``, ``COMPLETED``, ``CANCELLING``, ``CANCELLED`` or ``FAILED``.
        moved: Approximate number of messages moved so far.
        to_move: Approximate number of messages at its start; None if unknown.
        failure: Why it failed; empty if it did not.
    """

    status: str
    moved: int
    to_move: int | None = None
    failure: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.status in ("RUNNING", "CANCELLING")


class WholeQueues(Protocol):
    """What a transport itself does to all messages of a queue, also to those unseen."""

    def purge(self, queue: str) -> None:
        """
        Delete all messages, also those in flight and those that are sent at the same time.

        Raises:
            TryAgainError: It was purged less than a minute ago.
        """
        ...

    def start_move(self, source: str, destination: str, rate: int | None) -> None:
        """
        Start to move all messages of a dead-letter queue, as they are.

        Args:
            source: The dead-letter queue.
            destination: The queue for all; empty for the one that each came from, which the
                transport knows only of those that it has moved itself.
            rate: Messages a second; None for no limit.
        """
        ...

    def latest_move(self, source: str) -> MoveTask | None:
        """Read the latest move of a queue; None without one."""
        ...

    def cancel_move(self, source: str) -> int | None:
        """Cancel the running move; returns how many messages it moved, None if none runs."""
        ...


class Broker(Protocol):
    """
    The queues of an environment.

    Every method raises `ConnectionLostError`, and `AccessError` if the user is not authorized.
    """

    @property
    def transport(self) -> TransportName:
        """What carries the messages."""
        ...

    @property
    def inspector(self) -> Inspector:
        """The inspector, which reads queues without consuming."""
        ...

    @property
    def holder(self) -> Holder | None:
        """Holds messages where they cannot be browsed; None where they can."""
        ...

    @property
    def whole(self) -> WholeQueues | None:
        """Moves and purges whole queues; None where the transport cannot."""
        ...

    def url(self, queue: str) -> str:
        """Return the URL of a queue that exists; empty where queues have none."""
        ...

    def further_queues(self) -> Mapping[str, int]:
        """
        Number of messages by queue, of those with other names that are deleted with the transport.

        They exist on a broker, such as one that an operator has moved messages to. Queues of SQS
        are deleted one by one.
        """
        ...

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send one persistent message; returns after the broker has stored it."""
        ...

    def send_all(self, messages: Sequence[Outgoing]) -> None:
        """
        Send persistent messages, with ActiveMQ in one transaction: all of them at once, or none.

        Amazon SQS has no transactions: an error may leave the first ones sent.
        """
        ...

    def watch(self, queue: str, correlation_id: str) -> AbstractContextManager[Watch]:
        """Subscribe to the messages of one correlation id for the block."""
        ...

    def mover(self) -> AbstractContextManager[QueueMover]:
        """Open a connection for the block that moves messages."""
        ...
