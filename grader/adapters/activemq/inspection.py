"""
Looking into queues over STOMP, which is the only way into a managed broker.

Nothing is consumed: statistics come from the broker's statistics plugin, messages from a browser
subscription.  What it leaves behind are dispatch counts, which a browse raises.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile
from time import monotonic, time

from grader.adapters.activemq.connection import Connection
from grader.adapters.activemq.frames import Frame
from grader.errors import ConnectionLostError, SettingsError
from grader.ports.messages import QueuedMessage, QueueStatistics

_REPLIES = "/temp-queue/gradectl-statistics"
_STATISTICS = "/queue/ActiveMQ.Statistics."
_FIRST_TIMESTAMP = "ActiveMQ.Statistics.Destination.Include.First.Message.Timestamp"
#: A broker without the plugin keeps our question as an ordinary message; it must not stay for ever.
_QUESTION_LIFE_MS = 86_400_000
_Map = dict[str, object]


class ActiveMQQueueInspector:
    """
    See `grader.ports.messages.QueueInspector`.

    Args:
        connection: Used by this inspector alone.
        deadline_seconds: Longest silence of the broker within one question.
    """

    def __init__(self, connection: Connection, *, deadline_seconds: float = 10.0) -> None:
        """Nothing is sent yet."""
        self._connection = connection
        self._deadline_seconds = deadline_seconds
        self._numbers = itertools.count(1)
        self._replies = ""

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """
        Ask for the counters of those of `queues` that exist.

        Raises:
            SettingsError: The broker has no statistics plugin.
        """
        questions = {queue: f"Destination.{queue}" for queue in queues}
        found = {
            queue: _statistics(queue, answer, int(frame.headers.get("timestamp", 0)))
            for queue, answer, frame in self._ask(questions)
        }
        if not found and not list(self._ask({"broker": "Broker"})):
            raise SettingsError(
                "the broker does not answer questions for statistics",
                where=str(self._connection.address),
                next_step="add statisticsBrokerPlugin to the broker's configuration",
            )
        return found

    def _ask(self, questions: dict[str, str]) -> Iterator[tuple[str, _Map, Frame]]:
        """
        Send questions and yield the answers, each with the name of its question.

        The broker does not answer for a queue that it does not have.  A message of our own, sent
        into the queue of the answers after the questions, tells that no more will come.
        """
        if not self._replies:
            headers = {"ack": "auto", "transformation": "jms-map-json"}
            self._replies = self._connection.subscribe(_REPLIES, headers=headers)
        batch = next(self._numbers)
        expires = str(int(time() * 1000) + _QUESTION_LIFE_MS)
        for name, question in questions.items():
            headers = {"reply-to": _REPLIES, "correlation-id": f"{batch} {name}"}
            headers |= {"expires": expires, _FIRST_TIMESTAMP: "true"}
            self._connection.send(_STATISTICS + question, b"", headers)
        end = f"{batch} "
        self._connection.send(_REPLIES, b"", {"correlation-id": end})
        for frame in self._frames(self._replies):
            number, _, name = frame.headers.get("correlation-id", "").partition(" ")
            if number == str(batch) and not name:
                return
            if number == str(batch):
                yield name, _plain_map(frame.body), frame

    def browse(self, queue: str, selector: str = "") -> list[QueuedMessage]:
        """Read one page, at most the queue's maxBrowsePageSize, without taking anything."""
        headers = {"ack": "auto"} | ({"selector": selector} if selector else {})
        return self._read(queue, headers, None)

    def peek(self, queue: str, count: int) -> list[QueuedMessage]:
        """
        Read the first `count` messages at most, without taking anything.

        The broker hands out no more than `count` that are not acknowledged, and we leave without
        doing so; with automatic acknowledgement it would read on through the whole queue.
        """
        return self._read(queue, {"activemq.prefetchSize": str(count)}, count)

    def _read(self, queue: str, headers: dict[str, str], most: int | None) -> list[QueuedMessage]:
        subscription = self._connection.subscribe(queue, headers={"browser": "true", **headers})
        frames = self._frames(subscription)
        shown = takewhile(lambda frame: frame.headers.get("browser") != "end", frames)
        page = [_message(frame) for frame in islice(shown, most)]
        self._connection.unsubscribe(subscription)
        return page

    def _frames(self, subscription: str) -> Iterator[Frame]:
        """Yield the frames of one subscription until the caller stops, or the broker goes quiet."""
        quiet_since = monotonic()
        while (left := quiet_since + self._deadline_seconds - monotonic()) > 0:
            frame = self._connection.next_frame(left)
            if frame is not None and frame.subscription == subscription:
                yield frame
                quiet_since = monotonic()
        raise ConnectionLostError(
            f"no answer within {self._deadline_seconds:g} s",
            where=str(self._connection.address),
            next_step="try again; when it stays so, look at the broker's log and its memory",
        )


def _message(frame: Frame) -> QueuedMessage:
    """Translate a frame; headers that belong to our subscription are left out."""
    headers = {key: value for key, value in frame.headers.items() if key != "subscription"}
    sent_ms = int(frame.headers.get("timestamp", 0))
    return QueuedMessage(frame.message_id, sent_ms, frame.body, headers)


def _statistics(queue: str, answer: _Map, taken_at_ms: int) -> QueueStatistics:
    """Translate the counters of one queue."""

    def count(key: str) -> int:
        value = answer.get(key)
        return value if isinstance(value, int) else 0

    return QueueStatistics(
        queue=queue,
        size=count("size"),
        in_flight=count("inflightCount"),
        consumers=count("consumerCount"),
        producers=count("producerCount"),
        enqueued=count("enqueueCount"),
        dequeued=count("dequeueCount"),
        expired=count("expiredCount"),
        taken_at_ms=taken_at_ms,
        oldest_ms=count("firstMessageTimestamp") or None,
    )


def _plain_map(body: bytes) -> _Map:
    """
    Read a JMS map in XStream's shape of JSON.

    An entry is ``{"string": key, "long": value}``, and ``{"string": [key, value]}`` for a text.
    """
    entries = json.loads(body)["map"]["entry"]
    plain: _Map = {}
    for entry in entries:
        key = entry.pop("string")
        if isinstance(key, list):
            plain[key[0]] = key[1]
        else:
            plain[key] = next(iter(entry.values()), None)
    return plain
