"""ActiveMQ as a transport of the worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from grader.adapters.activemq.connection import Connection
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.adapters.activemq.source import ActiveMqJobSource
from grader.ports.messages import QueueInspector

#: Name of the connection of an inspector, as the broker lists it.
_INSPECTOR = "look-ahead"


class ActiveMqTransport:
    """
    `grader.ports.transport.Transport` over one connection for each consumer.

    Args:
        connect: Opens a connection with this name; raises `ConnectionLostError`, `AccessError` or
            `TrustError`.
        queues: Names of the request queues, the most urgent first.
    """

    name = "activemq"

    def __init__(self, connect: Callable[[str], Connection], queues: Sequence[str]) -> None:
        self.queues = tuple(queues)
        self._connect = connect

    def open_source(self, consumer: str) -> ActiveMqJobSource:
        """Connect for a consumer; raises as `connect`."""
        return ActiveMqJobSource(self._connect(consumer), self.queues)

    @contextmanager
    def open_inspector(self) -> Iterator[QueueInspector]:
        """Connect for reading queues; raises as `connect`."""
        with closing(self._connect(_INSPECTOR)) as connection:
            yield ActiveMQQueueInspector(connection)
