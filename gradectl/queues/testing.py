"""
In-memory fakes of the ports of gradectl, shipped for tests of programs that use it.

The behaviour suite in tests/ports runs against them and the real adapters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from time import time

from grader.contract.names import QUEUES, TransportName
from grader.errors import SelectorError
from grader.ports.messages import DelayedMessage, Outgoing, QueuedMessage, QueueStatistics

_DEFAULT_PRIORITY = "4"
_CONDITION = re.compile(r"(JMSTimestamp|JMSPriority) (>=|=|<|>) (\d+)")
_TEXT = re.compile(r"(JMSMessageID LIKE|JMSCorrelationID =) '(%?)(.*)'")


@dataclass
class _Queue:
    messages: list[QueuedMessage] = field(default_factory=list)
    consumers: int = 0
    enqueued: int = 0
    dequeued: int = 0


def _ignore(_queue: str, _body: bytes) -> None:
    """Ignore a message."""


class MemoryBroker:
    """
    Implements `gradectl.queues.broker.Broker`.

    Args:
        queues: The queues that exist at the start.
        page_size: Maximum number of messages per browse.
        on_send: Called with queue and body after each sent message; can act as a worker.
    """

    transport = TransportName.ACTIVEMQ
    holder = None
    whole = None
    can_browse = True
    age_failure = ""

    def __init__(
        self,
        queues: Sequence[str] = QUEUES,
        *,
        page_size: int = 400,
        on_send: Callable[[str, bytes], None] = _ignore,
    ) -> None:
        self.on_send = on_send
        self._queues = {name: _Queue() for name in queues}
        self._page_size = page_size
        self._numbers = count(1)
        self._delayed: list[DelayedMessage] = []

    @property
    def inspector(self) -> MemoryBroker:
        """This object, which also implements `QueueInspector`."""
        return self

    def url(self, queue: str) -> str:  # noqa: ARG002 - the port's
        """Return "": queues in memory have no URL."""
        return ""

    def further_queues(self) -> dict[str, int]:
        """Number of messages in the queues with other names that have some."""
        return {
            name: len(found.messages)
            for name, found in self._queues.items()
            if found.messages and name not in QUEUES
        }

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Add a message to a queue, which is created if needed."""
        number = next(self._numbers)
        now_ms = int(time() * 1000)
        every = {"priority": _DEFAULT_PRIORITY, **headers, "destination": f"/queue/{queue}"}
        message = QueuedMessage(f"ID:memory-{number}", now_ms, body, every)
        if delay_ms := int(headers.get("AMQ_SCHEDULED_DELAY", 0)):
            self._delayed.append(DelayedMessage(queue, now_ms + delay_ms, message))
            return
        found = self._queues.setdefault(queue, _Queue())
        found.messages.append(message)
        found.messages.sort(key=_priority, reverse=True)
        found.enqueued += 1
        self.on_send(queue, body)

    def send_all(self, messages: Sequence[Outgoing]) -> None:
        """Add messages to their queues."""
        for message in messages:
            self.send(message.queue, message.body, message.headers)

    @contextmanager
    def watch(self, queue: str, correlation_id: str) -> Iterator[MemoryWatch]:
        """Subscribe to the messages of one correlation id."""
        found = self._queues.setdefault(queue, _Queue())
        found.consumers += 1
        try:
            yield MemoryWatch(lambda: self.take(queue, correlation_id))
        finally:
            found.consumers -= 1

    def take(self, queue: str, correlation_id: str) -> bytes | None:
        """Consume the first message of a correlation id."""
        for message in self.messages(queue):
            if message.headers.get("correlation-id") == correlation_id:
                self._queues[queue].messages.remove(message)
                self._queues[queue].dequeued += 1
                return message.body
        return None

    def messages(self, queue: str) -> list[QueuedMessage]:
        """All messages of a queue; empty if it does not exist."""
        return list(self._queues.get(queue, _Queue()).messages)

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """Counters of those of `queues` that exist."""
        now_ms = int(time() * 1000)
        return {
            name: QueueStatistics(
                queue=name,
                size=len(found.messages),
                in_flight=0,
                consumers=found.consumers,
                producers=0,
                enqueued=found.enqueued,
                dequeued=found.dequeued,
                expired=0,
                taken_at_ms=now_ms,
                oldest_ms=min((each.timestamp_ms for each in found.messages), default=None),
            )
            for name, found in self._queues.items()
            if name in queues
        }

    @contextmanager
    def mover(self) -> Iterator[MemoryBroker]:
        """This object, which also implements `QueueMover`."""
        yield self

    def replace(
        self,
        queue: str,
        message_ids: Sequence[str],
        make: Callable[[Sequence[QueuedMessage]], Sequence[Outgoing]],
    ) -> list[str]:
        """Consume messages and send those that `make` returns for them."""
        found = self._queues[queue]
        held = [each for each in found.messages if each.message_id in message_ids]
        outgoing = make(held)
        found.messages = [each for each in found.messages if each not in held]
        found.dequeued += len(held)
        for message in outgoing:
            self.send(message.queue, message.body, message.headers)
        return [each.message_id for each in held]

    def browse(self, queue: str, selector: str = "") -> list[QueuedMessage]:
        """One page of a queue, which is created if needed."""
        found = self._queues.setdefault(queue, _Queue()).messages
        return [each for each in found if _matches(selector, each)][: self._page_size]

    def sent_since(self, queue: str, since_ms: int) -> list[QueuedMessage]:
        """Return the messages that were sent from a time on."""
        return self.browse(queue, f"JMSTimestamp >= {since_ms}")

    def delayed(self, most: int) -> list[DelayedMessage]:
        """Return the messages with a delay; they stay delayed."""
        return self._delayed[:most]

    def peek(self, queue: str, count: int, selector: str = "") -> list[QueuedMessage]:
        """Return the first messages of a queue, which is created if needed."""
        return self.browse(queue, selector)[:count]


class MemoryWatch:
    """
    Implements `gradectl.queues.broker.Watch`, without waiting.

    Args:
        take: Consumes the next message.
    """

    def __init__(self, take: Callable[[], bytes | None]) -> None:
        self._take = take

    def take(self, timeout_seconds: float) -> bytes | None:  # noqa: ARG002 - the port's
        """Consume the next message."""
        return self._take()


def _priority(message: QueuedMessage) -> int:
    """Return the priority: a browse shows the most urgent first."""
    return int(message.headers["priority"])


def _matches(selector: str, message: QueuedMessage) -> bool:
    """
    Evaluate a selector of the forms that gradectl uses.

    Raises:
        SelectorError: Another form; the real broker closes the connection then.
    """
    values = {
        "JMSTimestamp": message.timestamp_ms,
        "JMSPriority": int(message.headers["priority"]),
    }
    for part in (each.strip("()") for each in selector.split(" AND ") if each):
        if text := _TEXT.fullmatch(part):
            if not _matches_text(text, message):
                return False
            continue
        condition = _CONDITION.fullmatch(part)
        if condition is None:
            raise SelectorError(f"bad selector: {part}", where="memory")
        name, operator, bound = condition[1], condition[2], int(condition[3])
        sides = {
            ">=": values[name] >= bound,
            "=": values[name] == bound,
            "<": values[name] < bound,
            ">": values[name] > bound,
        }
        if not sides[operator]:
            return False
    return True


def _matches_text(text: re.Match[str], message: QueuedMessage) -> bool:
    """Evaluate a condition on the end of the message id, or on the correlation id."""
    wanted = text[3].replace("''", "'")
    if text[1].startswith("JMSMessageID"):
        return message.message_id.endswith(wanted)
    return message.headers.get("correlation-id") == wanted
