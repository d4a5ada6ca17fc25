"""
The interface to the broker of an environment.

It has two implementations: the real one in `gradectl.adapters`, and an in-memory fake in
`gradectl.queues.testing`; one behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from grader.ports.messages import DelayedMessage, Outgoing, QueueInspector, QueueMover


class Watch(Protocol):
    """A subscription to the messages of one correlation id in one queue."""

    def take(self, timeout_seconds: float) -> bytes | None:
        """Consume the next message and return its body; None on timeout."""
        ...


class Inspector(QueueInspector, Protocol):
    """Inspects queues and what will be in them."""

    def delayed(self, most: int) -> Sequence[DelayedMessage]:
        """Read delayed messages, about the first `most`; only an administrator may."""
        ...


class Broker(Protocol):
    """
    The queues of an environment.

    Every method raises `ConnectionLostError`, and `AccessError` if the user is not authorized.
    """

    @property
    def inspector(self) -> Inspector:
        """The inspector, which reads queues without consuming."""
        ...

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send one persistent message; returns after the broker has stored it."""
        ...

    def send_all(self, messages: Sequence[Outgoing]) -> None:
        """Send persistent messages in one transaction: all of them at once, or none."""
        ...

    def watch(self, queue: str, correlation_id: str) -> AbstractContextManager[Watch]:
        """Subscribe to the messages of one correlation id for the block."""
        ...

    def mover(self) -> AbstractContextManager[QueueMover]:
        """Open a connection for the block that moves messages."""
        ...
