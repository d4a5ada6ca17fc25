"""
Inspects queues over STOMP, the only interface of a managed broker that reads messages.

Nothing is consumed: statistics come from the broker's statistics plugin, messages from a browser
subscription. The only trace are dispatch counts, which a browse increases.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile
from time import time

from grader.adapters.activemq.connection import Connection
from grader.adapters.activemq.frames import Frame
from grader.errors import ConnectionLostError, SettingsError
from grader.ports.messages import DelayedMessage, QueuedMessage, QueueStatistics

_REPLIES = "/temp-queue/gradectl-statistics"
_STATISTICS = "/queue/ActiveMQ.Statistics."
_QUEUE = "queue://"
_FIRST_TIMESTAMP = "ActiveMQ.Statistics.Destination.Include.First.Message.Timestamp"
#: A broker without the plugin keeps the query as an ordinary message, so the query expires.
_QUERY_EXPIRY_MS = 86_400_000
#: A page ends when its bodies reach this size; the broker stops to send it.
_PAGE_BYTES = 16 * 1024 * 1024
_SCHEDULER = "/queue/ActiveMQ.Scheduler.Management"
_DELAYED_REPLIES = "/temp-queue/gradectl-scheduler"
#: Ends of the periods that are asked for one after the other, in seconds from now: a broker sends
#: all messages of a period at once. The first begins in the past, for those being delivered.
_PERIODS = (-60, 5, 15, 60, 300, 3_600, 86_400, 365 * 86_400)
_Map = dict[str, object]


class ActiveMQQueueInspector:
    """
    See `grader.ports.messages.QueueInspector`.

    Args:
        connection: Not shared with other users.
        deadline_seconds: Longest silence of the broker within one query.
    """

    def __init__(self, connection: Connection, *, deadline_seconds: float = 10.0) -> None:
        self._connection = connection
        self._deadline_seconds = deadline_seconds
        self._numbers = itertools.count(1)
        self._replies = ""

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """
        Read the counters of those `queues` that exist.

        Raises:
            SettingsError: The broker has no statistics plugin.
        """
        queries = {queue: f"Destination.{queue}" for queue in queues}
        found = {
            queue: _statistics(queue, answer, int(frame.headers.get("timestamp", 0)))
            for queue, answer, frame in self._query(queries)
        }
        if not found and not list(self._query({"broker": "Broker"})):
            raise SettingsError(
                "the broker does not answer queries for statistics",
                where=str(self._connection.address),
                next_step="add statisticsBrokerPlugin to the broker's configuration",
            )
        return found

    def sizes(self) -> dict[str, int]:
        """Read how many messages each queue of the broker has, whatever its name."""
        answers = (answer for _, answer, _ in self._query({"all": "Destination.>"}))
        return {
            name.removeprefix(_QUEUE): size
            for answer in answers
            if isinstance(name := answer.get("destinationName"), str)
            and name.startswith(_QUEUE)
            and isinstance(size := answer.get("size"), int)
        }

    def _query(self, queries: dict[str, str]) -> Iterator[tuple[str, _Map, Frame]]:
        """
        Send queries and yield the answers, each with the name of its query.

        The broker does not answer for a missing queue. An end marker, sent to the reply queue after
        the queries, shows that no more answers will come.
        """
        if not self._replies:
            headers = {"ack": "auto", "transformation": "jms-map-json"}
            self._replies = self._connection.subscribe(_REPLIES, headers=headers)
        batch = next(self._numbers)
        expires = str(int(time() * 1000) + _QUERY_EXPIRY_MS)
        for name, query in queries.items():
            headers = {"reply-to": _REPLIES, "correlation-id": f"{batch} {name}"}
            headers |= {"expires": expires, _FIRST_TIMESTAMP: "true"}
            self._connection.send(_STATISTICS + query, b"", headers)
        end = f"{batch} "
        self._connection.send(_REPLIES, b"", {"correlation-id": end})
        for frame in self._frames(self._replies):
            number, _, name = frame.headers.get("correlation-id", "").partition(" ")
            if number == str(batch) and not name:
                return
            if number == str(batch):
                yield name, _plain_map(frame.body), frame

    def browse(self, queue: str, selector: str = "") -> list[QueuedMessage]:
        """Browse one page: at most the queue's maxBrowsePageSize, and about 16 MB."""
        headers = {"ack": "auto"} | ({"selector": selector} if selector else {})
        return self._read(queue, headers, None)

    def peek(self, queue: str, count: int, selector: str = "") -> list[QueuedMessage]:
        """
        Browse at most the first `count` messages.

        The broker delivers at most `count` unacknowledged messages, and none is acknowledged. With
        automatic acknowledgement it would page through the whole queue.
        """
        headers = {"activemq.prefetchSize": str(count)}
        return self._read(queue, headers | ({"selector": selector} if selector else {}), count)

    def delayed(self, most: int) -> list[DelayedMessage]:
        """
        Read the messages that the scheduler will deliver, about the first `most`.

        It needs the right to write to the scheduler's management queue, which also deletes.
        """
        headers = {"ack": "auto", "activemq.prefetchSize": "100"}
        replies = self._connection.subscribe(_DELAYED_REPLIES, headers=headers)
        found: list[DelayedMessage] = []
        now = int(time())
        for start, end in itertools.pairwise(_PERIODS):
            if len(found) >= most:
                break
            found += self._delayed_within(replies, (now + start) * 1000, (now + end) * 1000 - 1)
        self._connection.unsubscribe(replies)
        return found

    def _delayed_within(self, replies: str, start_ms: int, end_ms: int) -> Iterator[DelayedMessage]:
        """Ask for the messages of one period; an end marker follows the answers."""
        query = {
            "AMQ_SCHEDULER_ACTION": "BROWSE",
            "ACTION_START_TIME": str(start_ms),
            "ACTION_END_TIME": str(end_ms),
            "reply-to": _DELAYED_REPLIES,
            "expires": str(int(time() * 1000) + _QUERY_EXPIRY_MS),
        }
        self._connection.send(_SCHEDULER, b"", query)
        marker = f"end {next(self._numbers)}"
        self._connection.send(_DELAYED_REPLIES, b"", {"correlation-id": marker})
        for frame in self._frames(replies):
            if frame.headers.get("correlation-id") == marker:
                return
            if "scheduledJobId" in frame.headers:
                yield _delayed(frame)

    def _read(self, queue: str, headers: dict[str, str], most: int | None) -> list[QueuedMessage]:
        subscription = self._connection.subscribe(queue, headers={"browser": "true", **headers})
        frames = self._frames(subscription)
        shown = takewhile(lambda frame: frame.headers.get("browser") != "end", frames)
        page, size = [], 0
        for frame in islice(shown, most):
            page.append(queued_message(frame))
            size += len(frame.body)
            if size >= _PAGE_BYTES:
                break
        self._connection.unsubscribe(subscription)
        return page

    def _frames(self, subscription: str) -> Iterator[Frame]:
        """Yield the frames of one subscription; raises `ConnectionLostError` after the deadline."""
        silence = self._deadline_seconds
        while (frame := self._connection.frame_before_silence(silence)) is not None:
            if frame.subscription == subscription:
                yield frame
        raise ConnectionLostError(
            f"no answer within {self._deadline_seconds:g} s",
            where=str(self._connection.address),
            next_step="try again; if it persists, check the log and the memory of the broker",
        )


def queued_message(frame: Frame) -> QueuedMessage:
    """Convert a frame; the header of the subscription is dropped."""
    headers = {key: value for key, value in frame.headers.items() if key != "subscription"}
    sent_ms = int(frame.headers.get("timestamp", 0))
    return QueuedMessage(frame.message_id, sent_ms, frame.body, headers)


def _delayed(frame: Frame) -> DelayedMessage:
    """Convert an answer of the scheduler, which has the delay and the time of sending."""
    message = queued_message(frame)
    delay_ms = frame.headers.get("AMQ_SCHEDULED_DELAY", "")
    due_ms = message.timestamp_ms + (int(delay_ms) if delay_ms.isdecimal() else 0)
    queue = frame.headers.get("original-destination", "").removeprefix("/queue/")
    return DelayedMessage(queue, due_ms, message)


def _statistics(queue: str, answer: _Map, taken_at_ms: int) -> QueueStatistics:
    """Convert the counters of one queue."""

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
        memory_bytes=count("memoryUsage"),
        average_bytes=count("averageMessageSize"),
    )


def _plain_map(body: bytes) -> _Map:
    """
    Parse a JMS map in XStream's JSON format.

    An entry is ``{"string": key, "long": value}``, or ``{"string": [key, value]}`` for a string.
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
