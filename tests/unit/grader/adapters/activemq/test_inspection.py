"""Statistics and pages, parsed from recorded frames; tests/ports uses a real broker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from grader.adapters.activemq.connection import Connection
from grader.adapters.activemq.frames import Frame
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.errors import ConnectionLostError, SettingsError

#: An answer of ActiveMQ 5.17.2, shortened.
RECORDED = (
    rb'{"map":{"entry":[{"string":"dequeueCount","long":7},{"string":["brokerId","ID:vm-1:1"]},'
    rb'{"string":"consumerCount","long":2},{"string":"minEnqueueTime","double":0},'
    rb'{"string":"memoryPercentUsage","int":0},{"string":"inflightCount","long":1},'
    rb'{"string":"size","long":5},{"string":["destinationName","queue:\/\/grading-dlq"]},'
    rb'{"string":"producerCount","long":3},{"string":"expiredCount","long":4},'
    rb'{"string":"firstMessageTimestamp","long":1795260106526},'
    rb'{"string":"enqueueCount","long":12}]}}'
)


class RecordedConnection:
    """A connection that replays recorded answers, and echoes messages to the reply queue."""

    address = "stomp+ssl://recorded:61614"

    def __init__(self, answers: Mapping[str, bytes], *, silent: bool = False) -> None:
        """Take the answers by the last part of the queried destination."""
        self.sent: list[str] = []
        self.asked: dict[str, str] = {}  # by the last subscription
        self.ended: list[str] = []
        self.frames: list[Frame] = []
        self._answers = answers
        self._silent = silent

    def subscribe(self, queue: str, *, headers: Mapping[str, str]) -> str:
        self.asked = dict(headers)
        if headers.get("browser"):
            self.frames += [
                Frame({"subscription": "other", "message-id": "ID:0"}, b"not of this browse"),
                Frame({"subscription": queue, "message-id": "ID:1", "timestamp": "9"}, b"body"),
                Frame({"subscription": queue, "browser": "end"}, b""),
            ]
        return queue

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        self.sent.append(queue)
        asked = queue.removeprefix("/queue/ActiveMQ.Statistics.")
        answer = body if queue.startswith("/temp-queue/") else self._answers.get(asked)
        if answer is None or self._silent:
            return
        replied = {"correlation-id": headers["correlation-id"], "timestamp": "1795260470335"}
        subscription = {"subscription": "/temp-queue/gradectl-statistics"}
        self.frames.append(Frame({**replied, **subscription}, answer))

    def frame_before_silence(self, seconds: float) -> Frame | None:  # noqa: ARG002 - parameter of the real one
        return self.frames.pop(0) if self.frames else None

    def unsubscribe(self, subscription: str) -> None:
        self.ended.append(subscription)


def inspector(connection: RecordedConnection, **settings: Any) -> ActiveMQQueueInspector:
    return ActiveMQQueueInspector(cast(Connection, connection), **settings)


def test_counters_are_parsed_from_the_brokers_json() -> None:
    """Each value is keyed by its type, and a string is a list of two."""
    connection = RecordedConnection({"Destination.grading-dlq": RECORDED})

    counters = inspector(connection).statistics(["grading-dlq"])["grading-dlq"]

    assert (counters.size, counters.in_flight, counters.waiting) == (5, 1, 4)
    assert (counters.consumers, counters.producers) == (2, 3)
    assert (counters.enqueued, counters.dequeued, counters.expired) == (12, 7, 4)
    assert (counters.taken_at_ms, counters.oldest_ms) == (1795260470335, 1795260106526)


def test_a_missing_queue_is_detected_by_the_end_marker() -> None:
    """There is no wait for an answer that never comes."""
    connection = RecordedConnection({"Destination.grading-dlq": RECORDED})

    found = inspector(connection).statistics(["grading-results", "grading-dlq"])

    assert list(found) == ["grading-dlq"]


def test_a_broker_without_the_plugin_is_a_settings_error() -> None:
    """Otherwise every queue would seem to be missing."""
    with pytest.raises(SettingsError, match="does not answer") as caught:
        inspector(RecordedConnection({})).statistics(["grading-dlq"])

    assert "statisticsBrokerPlugin" in caught.value.next_step


def test_answers_of_an_earlier_query_are_skipped() -> None:
    """A late answer has another number."""
    connection = RecordedConnection({"Destination.grading-dlq": RECORDED})
    asking = inspector(connection)
    asking.statistics(["grading-dlq"])
    stale = {"subscription": "/temp-queue/gradectl-statistics", "correlation-id": "1 grading-x"}
    connection.frames.append(Frame(stale, RECORDED))

    assert list(asking.statistics(["grading-dlq"])) == ["grading-dlq"]


def test_a_silent_broker_is_an_error_after_the_deadline() -> None:
    """The deadline applies to each query."""
    silent = RecordedConnection({}, silent=True)

    with pytest.raises(ConnectionLostError, match="no answer within") as caught:
        inspector(silent, deadline_seconds=0.001).statistics(["grading-dlq"])

    assert caught.value.exit_code == 69


def test_a_browse_reads_its_own_frames_and_ends_its_subscription() -> None:
    """An open browser counts as a consumer, and would look like a worker."""
    connection = RecordedConnection({})

    (message,) = inspector(connection).browse("grading-dlq")

    assert (message.message_id, message.timestamp_ms, message.body) == ("ID:1", 9, b"body")
    assert "subscription" not in message.headers
    assert connection.ended == ["grading-dlq"]


def test_peek_requests_only_the_wanted_messages_and_disconnects() -> None:
    """The prefetch size limits the unacknowledged messages, and none is acknowledged."""
    connection = RecordedConnection({})

    page = inspector(connection).peek("grading-requests", 1)

    assert [message.message_id for message in page] == ["ID:1"]
    assert connection.asked == {"browser": "true", "activemq.prefetchSize": "1"}
    assert connection.ended == ["grading-requests"]


def test_peek_ends_at_the_end_of_a_short_queue() -> None:
    """The broker marks the end."""
    assert len(inspector(RecordedConnection({})).peek("grading-requests", 5)) == 1
