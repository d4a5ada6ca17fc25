"""
The interfaces between what gradectl does in an environment and the environment.

Each has two implementations: the real one in `gradectl.adapters`, and an in-memory twin in
`gradectl.queues.testing`; one behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from grader.ports.messages import QueueInspector


class Watch(Protocol):
    """The messages of one correlation id in one queue, and nobody else's."""

    def take(self, timeout_seconds: float) -> bytes | None:
        """Consume the next such message and give its body; None when none came in time."""
        ...


class Broker(Protocol):
    """
    The queues of an environment.

    Raises `ConnectionLostError` from any method, and `AccessError` when its user may not do it.
    """

    @property
    def inspector(self) -> QueueInspector:
        """Looks into queues without consuming."""
        ...

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send one persistent message; it is stored when this returns."""
        ...

    def watch(self, queue: str, correlation_id: str) -> AbstractContextManager[Watch]:
        """Listen for the messages of one correlation id for the block."""
        ...
