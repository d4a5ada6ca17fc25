"""Which delivered messages a consumer keeps."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable

import pytest

from grader.adapters.activemq.frames import Frame
from grader.adapters.activemq.source import ActiveMqJobSource


class ScriptedConnection:
    """Delivers messages on demand; subscriptions are ``<queue>/<number>``."""

    def __init__(self) -> None:
        self.arrived: deque[Frame] = deque()
        self.open: list[str] = []
        self._numbers = itertools.count(1)
        self._watch: Callable[[Frame], None] = lambda _frame: None

    def watch(self, callback: Callable[[Frame], None]) -> None:
        """Store the callback."""
        self._watch = callback

    def subscribe(self, queue: str) -> str:
        """Return a new id."""
        self.open.append(f"{queue}/{next(self._numbers)}")
        return self.open[-1]

    def unsubscribe(self, subscription: str) -> None:
        """Remove the subscription."""
        self.open.remove(subscription)

    def next_frame(self, _timeout_seconds: float, *, receipt: str = "") -> Frame | None:  # noqa: ARG002 - parameter of the connection
        """Return an arrived message, without waiting."""
        return self.arrived.popleft() if self.arrived else None

    def deliver(self, queue: str, message_id: str) -> None:
        """Deliver a message to the open subscription of a queue."""
        (subscription,) = [item for item in self.open if item.startswith(queue)]
        frame = Frame({"message-id": message_id, "subscription": subscription, "ack": "a"})
        self.arrived.append(frame)
        self._watch(frame)


@pytest.fixture
def connection() -> ScriptedConnection:
    """A scripted broker."""
    return ScriptedConnection()


@pytest.fixture
def source(connection: ScriptedConnection) -> ActiveMqJobSource:
    """A source on two queues, subscribed to both."""
    source = ActiveMqJobSource(connection, ["urgent", "ordinary"])
    assert source.receive(0) is None
    return source


def test_second_message_of_the_same_queue_is_kept(
    connection: ScriptedConnection, source: ActiveMqJobSource
) -> None:
    """Within a transaction the broker delivers one more; it must not be dropped."""
    connection.deliver("ordinary", "1")
    connection.deliver("ordinary", "2")
    first = source.receive(0)
    connection.deliver("ordinary", "3")

    assert [first.message_id, source.receive(0).message_id] == ["1", "2"]
    assert source.receive(0).message_id == "3"
    assert source.receive(0) is None


def test_message_of_another_queue_is_returned_during_a_job(
    connection: ScriptedConnection, source: ActiveMqJobSource
) -> None:
    """Its subscription ends at once, and is renewed before the next message is received."""
    connection.deliver("ordinary", "1")
    assert source.receive(0).message_id == "1"

    connection.deliver("urgent", "2")
    assert connection.open == ["ordinary/2"]

    assert source.receive(0) is None
    assert connection.open == ["ordinary/2", "urgent/3"]


def test_subscription_of_the_running_job_is_never_ended(
    connection: ScriptedConnection, source: ActiveMqJobSource
) -> None:
    """The broker would redeliver the message, and it would be processed twice."""
    connection.deliver("urgent", "1")
    source.receive(0)

    connection.deliver("urgent", "2")

    assert "urgent/1" in connection.open


def test_urgent_message_is_processed_first_and_the_other_returned(
    connection: ScriptedConnection, source: ActiveMqJobSource
) -> None:
    """The other message is free for other workers."""
    connection.deliver("ordinary", "1")
    connection.deliver("urgent", "2")

    delivery = source.receive(0)

    assert (delivery.queue, delivery.message_id) == ("urgent", "2")
    assert connection.open == ["urgent/1"]


def test_one_queue_is_enough(connection: ScriptedConnection) -> None:
    """The priority queue is optional."""
    source = ActiveMqJobSource(connection, ["ordinary"])
    source.receive(0)
    connection.deliver("ordinary", "1")

    assert source.receive(0).message_id == "1"
