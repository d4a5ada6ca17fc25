"""
What a kind of message queue offers to the worker.

A transport is one folder of `grader.adapters`; docs/transports.md says what each can and cannot do.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from grader.ports.messages import JobSource, QueueInspector


class Transport(Protocol):
    """The queues of an environment, as a worker uses them."""

    @property
    def name(self) -> str:
        """Its name in logs and settings, such as ``activemq``."""
        ...

    def open_source(self, consumer: str) -> JobSource:
        """
        Open the request queues for one consumer.

        Args:
            consumer: Name of the consumer, shown by the broker where it can.

        Raises:
            ConnectionLostError: The queues cannot be reached.
            AccessError: The login or a right was refused.
            SettingsError: A queue does not exist.
        """
        ...

    def open_inspector(self) -> AbstractContextManager[QueueInspector] | None:
        """Open what reads waiting messages without receiving them; None if that is impossible."""
        ...
