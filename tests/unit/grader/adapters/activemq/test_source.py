"""Which delivered messages a consumer keeps."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable

import pytest

from grader.adapters.activemq.frames import Frame
from grader.adapters.activemq.outbox import Transaction
from grader.adapters.activemq.source import ActiveMqJobSource
from grader.errors import AccessError, ConnectionLostError, GraderError
from grader.ports.messages import Outgoing


class ScriptedConnection:
    """Delivers messages on demand; subscriptions are ``<queue>/<number>``."""

    def __init__(self) -> None:
        self.arrived: deque[Frame] = deque()
        self.open: list[str] = []
        self.staged: list[str] = []
        self.receipts: set[str] = set()
        self.error: GraderError | None = None
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

    def next_frame(self, _timeout_seconds: float, *, receipt: str = "") -> Frame | None:
        """Return an arrived message, without waiting; a receipt came before all of them."""
        if receipt in self.receipts or not self.arrived:
            return None
        return self.arrived.popleft()

    def begin(self) -> Transaction:
        """Return a transaction."""
        return Transaction("tx")

    def stage(self, transaction: Transaction) -> None:
        """Keep its frames, or be unable to send."""
        if self.error is not None:
            raise self.error
        self.staged += [frame.cmd for frame in transaction.content()]

    def abort(self, _transaction: Transaction) -> None:
        """Be unable to send, if so."""
        if self.error is not None:
            raise self.error

    def commit(self, _transaction: Transaction) -> str:
        """Commit at once."""
        self.receipts.add("receipt")
        return "receipt"

    def confirm(self, receipt: str) -> None:
        """Give the receipt."""
        self.receipts.remove(receipt)

    def deliver(self, queue: str, message_id: str) -> None:
        """Deliver a message to the open subscription of a queue."""
        (subscription,) = [item for item in self.open if item.startswith(queue)]
        frame = Frame({"message-id": message_id, "subscription": subscription, "ack": "a"})
        self.arrived.append(frame)
        self._watch(frame)


class LateUrgent(ScriptedConnection):
    """An urgent message arrives as soon as all others were collected."""

    is_late = False

    def next_frame(self, timeout_seconds: float, *, receipt: str = "") -> Frame | None:
        """Let it arrive, once."""
        frame = super().next_frame(timeout_seconds, receipt=receipt)
        if frame is None and self.is_late:
            self.is_late = False
            self.deliver("urgent", "urgent")
        return frame


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


def test_a_receipt_does_not_hide_a_message_that_arrived_before_a_job_begins() -> None:
    """Else it would wait behind the whole job although other workers are free."""
    connection = LateUrgent()
    source = ActiveMqJobSource(connection, ["urgent", "ordinary"])  # type: ignore[arg-type]  # scripted: it has only what a source calls
    source.receive(0)
    connection.deliver("ordinary", "1")
    source.settle(source.receive(0), [])
    connection.deliver("ordinary", "2")
    connection.is_late = True

    assert source.receive(0).message_id == "2"
    assert [name.split("/")[0] for name in connection.open] == ["ordinary"]


@pytest.mark.parametrize("error", [ConnectionLostError("gone"), AccessError("may not write")])
def test_preparing_and_withdrawing_never_fail(
    connection: ScriptedConnection, source: ActiveMqJobSource, error: GraderError
) -> None:
    """The result is stored in between, whatever the broker refuses; settling fails then."""
    connection.deliver("ordinary", "1")
    delivery = source.receive(0)
    source.prepare(delivery, [])
    connection.error = error
    source.withdraw()
    source.prepare(delivery, [])

    with pytest.raises(type(error)):
        source.settle(delivery, [])


def test_a_large_result_is_written_after_its_row(
    connection: ScriptedConnection, source: ActiveMqJobSource
) -> None:
    """Writing it could wait for a broker that is full, and the row would be missing meanwhile."""
    connection.deliver("ordinary", "1")
    delivery = source.receive(0)
    large = [Outgoing("results", bytes(100_000))]

    source.prepare(delivery, large)
    assert connection.staged == []
    source.settle(delivery, large)

    assert connection.staged == ["BEGIN", "SEND", "ACK"]
