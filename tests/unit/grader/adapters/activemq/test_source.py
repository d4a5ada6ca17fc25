"""Which of the messages that the broker has handed out a slot keeps."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable

import pytest

from grader.adapters.activemq.frames import Frame
from grader.adapters.activemq.source import ActiveMqJobSource


class ScriptedConnection:
    """Delivers what a test says, when it says so; subscriptions are ``<queue>/<number>``."""

    def __init__(self) -> None:
        """Nothing is subscribed to yet."""
        self.arrived: deque[Frame] = deque()
        self.open: list[str] = []
        self._numbers = itertools.count(1)
        self._watch: Callable[[Frame], None] = lambda _frame: None

    def watch(self, callback: Callable[[Frame], None]) -> None:
        """Remember who wants to know."""
        self._watch = callback

    def subscribe(self, queue: str) -> str:
        """Give a new id."""
        self.open.append(f"{queue}/{next(self._numbers)}")
        return self.open[-1]

    def unsubscribe(self, subscription: str) -> None:
        """Forget it."""
        self.open.remove(subscription)

    def next_frame(self, _timeout_seconds: float) -> Frame | None:
        """Give what has arrived, without waiting."""
        return self.arrived.popleft() if self.arrived else None

    def deliver(self, queue: str, message_id: str) -> None:
        """Have a message arrive on the open subscription of a queue."""
        (subscription,) = [item for item in self.open if item.startswith(queue)]
        frame = Frame({"message-id": message_id, "subscription": subscription, "ack": "a"})
        self.arrived.append(frame)
        self._watch(frame)


@pytest.fixture
def connection() -> ScriptedConnection:
    """A broker in the hands of the test."""
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
    """Within a transaction the broker hands out one more; dropping it would strand it."""
    connection.deliver("ordinary", "1")
    connection.deliver("ordinary", "2")
    first = source.receive(0)
    connection.deliver("ordinary", "3")

    assert [first.message_id, source.receive(0).message_id] == ["1", "2"]
    assert source.receive(0).message_id == "3"
    assert source.receive(0) is None


def test_message_of_another_queue_is_given_back_while_one_is_in_work(
    connection: ScriptedConnection, source: ActiveMqJobSource
) -> None:
    """Its subscription ends at once, and begins again before the next message is wanted."""
    connection.deliver("ordinary", "1")
    assert source.receive(0).message_id == "1"

    connection.deliver("urgent", "2")
    assert connection.open == ["ordinary/2"]

    assert source.receive(0) is None
    assert connection.open == ["ordinary/2", "urgent/3"]


def test_subscription_of_the_message_in_work_is_never_ended(
    connection: ScriptedConnection, source: ActiveMqJobSource
) -> None:
    """The broker would hand the message to another worker, and it would be done twice."""
    connection.deliver("urgent", "1")
    source.receive(0)

    connection.deliver("urgent", "2")

    assert "urgent/1" in connection.open


def test_urgent_message_goes_first_and_the_other_back(
    connection: ScriptedConnection, source: ActiveMqJobSource
) -> None:
    """Of two that are there, the urgent one is begun, and the other is free for other workers."""
    connection.deliver("ordinary", "1")
    connection.deliver("urgent", "2")

    delivery = source.receive(0)

    assert (delivery.queue, delivery.message_id) == ("urgent", "2")
    assert connection.open == ["urgent/1"]


def test_one_queue_alone_will_do(connection: ScriptedConnection) -> None:
    """The priority queue is optional."""
    source = ActiveMqJobSource(connection, ["ordinary"])
    source.receive(0)
    connection.deliver("ordinary", "1")

    assert source.receive(0).message_id == "1"
