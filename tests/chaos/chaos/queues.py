"""The queues of a trial, on ActiveMQ or SQS, for the workers and for the web tier."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

from http_relay import HttpRelay

from chaos.engines import Broker
from grader.adapters.activemq.connection import Connection
from grader.adapters.activemq.frames import Frame
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.adapters.activemq.sender import ActiveMQSender
from grader.adapters.sqs.client import ReceivedMessage, SqsClient
from grader.adapters.sqs.inspection import SqsQueueInspector
from grader.adapters.sqs.sender import SqsSender
from grader.contract.names import DEAD_LETTER_QUEUE, QUEUES, REQUESTS_QUEUE, RESULTS_QUEUE
from grader.ports.messages import MessageSender, QueueInspector

#: Long enough for a slow machine, and short enough for a test: after it, a killed worker's job is
#: received again.
VISIBILITY_SECONDS = 8
_WAIT_SECONDS = 2  # of a long poll: workers end soon
_PAUSE_SECONDS = 0.1
_AT_ONCE = 10
_PASSED_EVERY = 3
_READ = (RESULTS_QUEUE, DEAD_LETTER_QUEUE)


@dataclass(frozen=True)
class Arrival:
    """A result or a dead letter that the web tier has received."""

    queue: str
    message_id: str
    body: bytes
    headers: Mapping[str, str]


class Inbox(Protocol):
    """Receives results and dead letters; raises `ConnectionLostError` or `AccessError`."""

    def next(self, seconds: float) -> Arrival | None:
        """Wait for the next one; None after the timeout."""
        ...

    def acknowledge(self, arrival: Arrival) -> None:
        """Remove the one that came last from its queue."""
        ...

    def close(self) -> None:
        """Disconnect."""
        ...


class Queues(Protocol):
    """The message tier of a trial."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables of the workers."""
        ...

    @property
    def port(self) -> int:
        """Where it serves the workers; they connect through a relay before it."""
        ...

    def open_inbox(self) -> Inbox:
        """Connect as the web tier."""
        ...

    def open_sender(self) -> MessageSender:
        """Connect as the web tier."""
        ...

    def await_waiting(self) -> None:
        """Wait until requests wait."""
        ...


class BrokerQueues:
    """
    The queues of a broker.

    Args:
        broker: The broker.
        parameters: Variables with the names of its parameters.
    """

    def __init__(self, broker: Broker, parameters: Mapping[str, str]) -> None:
        self.broker = broker
        self.port = broker.port
        self.environment = {**parameters, "SSL_CERT_FILE": str(broker.ca_file)}

    def open_inbox(self) -> Inbox:
        """See `Queues`."""
        return _BrokerInbox(self.broker.connect())

    def open_sender(self) -> MessageSender:
        """See `Queues`."""
        return ActiveMQSender(self.broker.connect)

    def await_waiting(self) -> None:
        """See `Queues`."""
        with closing(self.broker.connect()) as connection:
            _await_waiting(ActiveMQQueueInspector(connection))


class _BrokerInbox:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last: Frame | None = None
        self._queue_of = {
            connection.subscribe(name, headers={"activemq.prefetchSize": "100"}): name
            for name in _READ
        }

    def next(self, seconds: float) -> Arrival | None:
        frame = self._last = self._connection.next_frame(seconds)
        if frame is None:
            return None
        queue = self._queue_of[frame.subscription]
        return Arrival(queue, frame.message_id, frame.body, frame.headers)

    def acknowledge(self, arrival: Arrival) -> None:
        del arrival
        if self._last is not None:
            self._connection.ack(self._last)

    def close(self) -> None:
        self._connection.drop()


class ThrottlingSqs(HttpRelay):
    """SQS as the workers see it: it can refuse two of three calls because there are too many."""

    _ANSWERS = (
        (400, b'{"__type": "com.amazonaws.sqs#RequestThrottled", "message": "Rate exceeded"}'),
        (503, b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'),
    )

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self._left = 0
        self._calls = 0
        self._changed = threading.Condition()

    def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Refuse or pass on a call."""
        with self._changed:
            self._calls += 1
            if self._left and self._calls % _PASSED_EVERY:
                self._left -= 1
                self._changed.notify_all()
                status, content = self._ANSWERS[self._left % len(self._ANSWERS)]
                return status, [("Content-Type", "application/x-amz-json-1.0")], content
        return super().answer(method, path, headers, body)

    def throttle(self, calls: int) -> None:
        """Refuse so many of the next calls."""
        with self._changed:
            self._left = calls

    def await_throttled(self) -> None:
        """Wait until all those calls were refused."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._left, 600.0)


class SqsQueues:
    """
    Queues of SQS.

    Args:
        client: A boto3 client of the emulated account.
        urls: URL of each queue by its name.
        throttling: The way of the workers to SQS, behind the relay of their connections.
    """

    def __init__(self, client: Any, urls: Mapping[str, str], throttling: ThrottlingSqs) -> None:
        self.throttling = throttling
        self.port = int(throttling.url.rpartition(":")[2])
        self._client = SqsClient(client, urls)
        self._urls = urls

    @property
    def environment(self) -> Mapping[str, str]:
        """See `Queues`; the address of the relay is added by the site."""
        return {
            "USE_SQS_QUEUE": "true",
            "SQS_QUEUE_URL": self._urls[REQUESTS_QUEUE],
            "SQS_VISIBILITY_SECONDS": str(VISIBILITY_SECONDS),
            "SQS_WAIT_SECONDS": str(_WAIT_SECONDS),
        }

    def open_inbox(self) -> Inbox:
        """See `Queues`."""
        return _SqsInbox(self._client)

    def open_sender(self) -> MessageSender:
        """See `Queues`."""
        return SqsSender(self._client)

    def await_waiting(self) -> None:
        """See `Queues`."""
        _await_waiting(SqsQueueInspector(self._client))


class _SqsInbox:
    def __init__(self, client: SqsClient) -> None:
        self._client = client
        self._arrived: deque[ReceivedMessage] = deque()
        self._last: ReceivedMessage | None = None

    def next(self, seconds: float) -> Arrival | None:
        if not self._arrived:
            for queue, wait_seconds in zip(_READ, (max(1, round(seconds)), 0), strict=True):
                self._arrived += self._client.receive(
                    queue, count=_AT_ONCE, wait_seconds=wait_seconds, visibility_seconds=60
                )
        found = self._last = self._arrived.popleft() if self._arrived else None
        return Arrival(found.queue, found.message_id, found.body, found.headers) if found else None

    def acknowledge(self, arrival: Arrival) -> None:
        del arrival
        if self._last is not None:
            self._client.delete(self._last)

    def close(self) -> None:
        """Do nothing: SQS has no connection."""


def create_queues(client: Any) -> dict[str, str]:
    """Create the queues of an environment; returns the URL of each by its name."""
    return {
        name: str(client.create_queue(QueueName=f"chaos-{name}")["QueueUrl"]) for name in QUEUES
    }


def _await_waiting(inspector: QueueInspector) -> None:
    pause = threading.Event()
    while not inspector.statistics([REQUESTS_QUEUE])[REQUESTS_QUEUE].size:
        pause.wait(_PAUSE_SECONDS)
