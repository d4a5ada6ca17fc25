"""In-memory queues, and a consumer's connection to them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

from grader.errors import ConnectionLostError
from grader.ports.messages import Delivery, Outgoing


@dataclass
class _Message:
    number: int
    message_id: str
    body: bytes
    headers: dict[str, str]
    due: float  # time of `time.monotonic`
    redelivered: bool = False


@dataclass
class MemoryQueues:
    """An in-memory broker; `waiting` shows the content of a queue."""

    _messages: dict[str, list[_Message]] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def send(self, message: Outgoing) -> None:
        """Send a message to its queue."""
        with self._changed:
            number = next(self._numbers)
            due = monotonic() + message.delay_ms / 1000
            new = _Message(number, f"ID:{number}", message.body, dict(message.headers), due)
            self._put(message.queue, new)

    def redeliver(self, queue: str, message: _Message) -> None:
        """Return an unacknowledged message to its place in the queue."""
        with self._changed:
            self._put(queue, replace(message, redelivered=True))

    def take(self, queues: Sequence[str], timeout_seconds: float) -> tuple[str, _Message] | None:
        """Take the first message of the first queue that has one; None after the timeout."""
        deadline = monotonic() + timeout_seconds
        with self._changed:
            while True:
                now = monotonic()
                for queue in queues:
                    ready = [item for item in self._messages.get(queue, []) if item.due <= now]
                    if ready:
                        self._messages[queue].remove(ready[0])
                        return queue, ready[0]
                if now >= deadline:
                    return None
                dues = [item.due for name in queues for item in self._messages.get(name, [])]
                self._changed.wait(max(min([deadline, *dues]) - now, 0.0))

    def waiting(self, queue: str) -> list[Outgoing]:
        """List the messages of a queue that are not in flight, including delayed ones."""
        with self._changed:
            found = list(self._messages.get(queue, []))
        return [Outgoing(queue, item.body, item.headers) for item in found]

    def _put(self, queue: str, message: _Message) -> None:
        items = self._messages.setdefault(queue, [])
        items.append(message)
        items.sort(key=lambda item: item.number)
        self._changed.notify_all()


class MemoryJobSource:
    """
    One connection to `MemoryQueues`.

    Args:
        queues: The broker.
        names: Names of the request queues, the most urgent first.
    """

    def __init__(self, queues: MemoryQueues, names: Sequence[str]) -> None:
        self._queues = queues
        self._names = tuple(names)
        self._in_work: dict[str, tuple[str, _Message]] = {}
        self._lost = False
        self._prepared: tuple[Delivery, tuple[Outgoing, ...]] | None = None
        self._on_confirmed: Callable[[], None] = lambda: None

    def receive(self, timeout_seconds: float) -> Delivery | None:
        """Wait for the next message, the most urgent queue first; None after the timeout."""
        self._check()
        taken = self._queues.take(self._names, timeout_seconds)
        if taken is None:
            self.confirm()
            return None
        queue, message = taken
        self._in_work[message.message_id] = taken
        return Delivery(
            queue=queue,
            message_id=message.message_id,
            body=message.body,
            headers=message.headers,
            redelivered=message.redelivered,
            ack_id=message.message_id,
        )

    def prepare(self, delivery: Delivery, outgoing: Sequence[Outgoing]) -> None:
        """Keep it, to see that nothing else is settled."""
        self._prepared = (delivery, tuple(outgoing))

    def withdraw(self) -> None:
        """Forget it."""
        self._prepared = None

    def settle(
        self,
        delivery: Delivery,
        outgoing: Sequence[Outgoing],
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Send `outgoing` and acknowledge `delivery` in one transaction."""
        self.confirm()
        self._check()
        if self._prepared not in (None, (delivery, tuple(outgoing))):
            raise ValueError("another settlement is prepared")
        self._prepared = None
        del self._in_work[delivery.ack_id]
        for message in outgoing:
            self._queues.send(message)
        self._on_confirmed = on_confirmed

    def postpone(
        self,
        delivery: Delivery,
        copy: Outgoing,
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Send the delayed copy instead of the message."""
        self.settle(delivery, (copy,), on_confirmed)

    @property
    def hold_seconds(self) -> float | None:
        """None: a message is held until `close`."""
        return None

    def extend(self, delivery: Delivery) -> bool:
        """Return whether this connection still holds the message."""
        return delivery.ack_id in self._in_work

    def pause(self) -> None:
        """Do nothing: a message is taken by `receive` only."""

    def confirm(self) -> None:
        """Confirm the last settlement."""
        self._check()
        done, self._on_confirmed = self._on_confirmed, lambda: None
        done()

    def lose(self) -> None:
        """Simulate a lost connection."""
        self._lost = True
        self._redeliver_all()

    def close(self) -> None:
        """Disconnect; unsettled messages are redelivered."""
        self.lose()

    def _redeliver_all(self) -> None:
        for queue, message in self._in_work.values():
            self._queues.redeliver(queue, message)
        self._in_work.clear()

    def _check(self) -> None:
        if self._lost:
            raise ConnectionLostError("the connection is closed", where="memory")
