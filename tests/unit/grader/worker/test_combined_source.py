"""Receiving from two transports while one is drained."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from grader.errors import AccessError, ConnectionLostError, GraderError, TrustError
from grader.logs import Logger
from grader.ports.messages import Delivery, JobSource, Outgoing
from grader.testing import MemoryJobSource, MemoryQueues, MemorySqsJobSource, MemorySqsQueues
from grader.worker.combined_source import CombinedSource, CombinedTransport

SOON = 20.0


@dataclass
class Side:
    """One transport; `errors` are raised by the next calls of `open_source`."""

    name: str
    make: Callable[[], JobSource]
    errors: list[GraderError] = field(default_factory=list)
    opened: list[JobSource] = field(default_factory=list)
    tried: threading.Event = field(default_factory=threading.Event)

    def open_source(self, consumer: str) -> JobSource:
        """Open it, or fail."""
        assert consumer == "queue-0"
        try:
            if self.errors:
                raise self.errors.pop(0)
            self.opened.append(self.make())
        finally:
            self.tried.set()
        return self.opened[-1]

    def open_inspector(self) -> None:
        """Return None."""
        return


@dataclass
class Two:
    """A broker that is drained, and SQS."""

    log: Logger
    broker: MemoryQueues = field(default_factory=MemoryQueues)
    sqs: MemorySqsQueues = field(default_factory=MemorySqsQueues)

    def __post_init__(self) -> None:
        """Nothing is open."""
        self.active = Side("sqs", lambda: MemorySqsJobSource(self.sqs, ["requests"]))
        self.drained = Side("activemq", lambda: MemoryJobSource(self.broker, ["requests"]))

    def open(self) -> CombinedSource:
        """Open both for a consumer."""
        transport = CombinedTransport(self.active, self.drained, self.log, pause_seconds=0.0)
        return transport.open_source("queue-0")

    def send(self, *, broker: int = 0, sqs: int = 0) -> None:
        """Send messages to each."""
        for number in range(broker):
            self.broker.send(Outgoing("requests", b"broker %d" % number))
        for number in range(sqs):
            self.sqs.send(Outgoing("requests", b"sqs %d" % number))


@pytest.fixture
def two(log: Logger) -> Two:
    """Two empty transports."""
    return Two(log)


def work(source: CombinedSource, count: int) -> list[bytes]:
    """Receive and settle messages; each is answered with its own body."""
    bodies = []
    for _ in range(count):
        delivery = source.receive(SOON)
        assert delivery is not None
        source.settle(delivery, [Outgoing("results", delivery.body)])
        source.confirm()
        bodies.append(delivery.body)
    return bodies


def test_two_transports_take_turns(two: Two) -> None:
    """Neither waits until the other one is empty."""
    two.send(broker=3, sqs=3)

    bodies = work(two.open(), 6)

    assert bodies == [b"sqs 0", b"broker 0", b"sqs 1", b"broker 1", b"sqs 2", b"broker 2"]


def test_a_message_is_settled_where_it_came_from(two: Two) -> None:
    """Its result too: whoever sent the request there waits for it there."""
    two.send(broker=1, sqs=1)
    source = two.open()

    work(source, 2)

    assert [each.body for each in two.broker.waiting("results")] == [b"broker 0"]
    assert [each.body for each in two.sqs.messages("results")] == [b"sqs 0"]
    assert not two.broker.waiting("requests")
    assert not two.sqs.messages("requests")
    assert source.receive(0.0) is None


def test_a_message_is_postponed_and_held_where_it_came_from(two: Two) -> None:
    """SQS hides it, and needs a heartbeat; the broker delays a copy."""
    two.send(broker=1, sqs=1)
    source = two.open()
    kinds = []
    for _ in range(2):
        delivery = source.receive(SOON)
        assert source.extend(delivery)
        kinds.append(source.hold_seconds)
        source.postpone(delivery, Outgoing("requests", b"copy", delay_ms=60_000))

    assert kinds == [120.0, None]
    assert [each.body for each in two.sqs.messages("requests")] == [b"sqs 0"]
    assert not two.sqs.waiting("requests")
    assert [each.body for each in two.broker.waiting("requests")] == [b"copy"]


def test_the_other_transport_pauses_while_a_job_runs(two: Two) -> None:
    """What it would hold could be done by another worker."""
    paused: list[str] = []

    class Pausing(MemoryJobSource):
        def pause(self) -> None:
            paused.append("broker")

    two.drained.make = lambda: Pausing(two.broker, ["requests"])
    two.send(sqs=1)

    assert two.open().receive(SOON).body == b"sqs 0"
    assert paused == ["broker"]


def test_the_loss_of_one_does_not_stop_the_other(two: Two, log_stream: io.StringIO) -> None:
    """It is opened again meanwhile."""
    source = two.open()
    two.drained.opened[0].lose()
    two.drained.errors = [ConnectionLostError("away")]
    two.drained.tried.clear()
    two.send(broker=1, sqs=2)

    assert sorted(work(source, 3)) == [b"broker 0", b"sqs 0", b"sqs 1"]

    assert len(two.drained.opened) == 2
    assert "Transport lost, going on with the other one" in log_stream.getvalue()
    assert "Transport is open again" in log_stream.getvalue()


@pytest.mark.parametrize("error", [ConnectionLostError("away"), AccessError("refused")])
def test_a_drained_transport_that_cannot_be_opened_is_tried_later(
    two: Two, error: GraderError
) -> None:
    """The requests of the environment come first."""
    two.drained.errors = [error]
    two.send(broker=1, sqs=1)

    assert sorted(work(two.open(), 2)) == [b"broker 0", b"sqs 0"]


@pytest.mark.parametrize("error", [AccessError("refused"), TrustError("unknown issuer")])
def test_an_active_transport_that_refuses_ends_the_consumer(two: Two, error: GraderError) -> None:
    """As it would alone."""
    two.active.errors = [error]

    with pytest.raises(type(error)):
        two.open()


def test_the_loss_of_both_is_a_lost_connection(two: Two) -> None:
    """The consumer waits, and shows it on its health page."""
    two.active.errors = [ConnectionLostError("SQS is away")]
    two.drained.errors = [ConnectionLostError("broker is away")]

    with pytest.raises(ConnectionLostError, match="SQS is away; broker is away"):
        two.open()


def test_closing_closes_both(two: Two) -> None:
    """What is in work is delivered again."""
    two.send(broker=1, sqs=1)
    source = two.open()
    assert source.receive(SOON).body == b"sqs 0"

    source.close()

    assert len(two.sqs.waiting("requests")) == 1
    for (opened,) in (two.active.opened, two.drained.opened):
        with pytest.raises(ConnectionLostError):
            opened.receive(0.0)


def test_a_transport_that_opens_too_late_is_closed(two: Two) -> None:
    """It would keep its messages from other workers."""
    began, may_open, closed = threading.Event(), threading.Event(), threading.Event()

    class Late(MemoryJobSource):
        def close(self) -> None:
            super().close()
            closed.set()

    def late() -> JobSource:
        began.set()
        assert may_open.wait(SOON)
        return Late(two.broker, ["requests"])

    two.drained.errors = [ConnectionLostError("away")]
    two.drained.make = late
    source = two.open()
    assert source.receive(0.0) is None
    assert began.wait(SOON)

    source.close()
    assert not closed.is_set()
    may_open.set()

    assert closed.wait(SOON)


def test_a_lost_message_is_not_settled_elsewhere(two: Two) -> None:
    """Its transport delivers it again."""
    source = two.open()

    with pytest.raises(ConnectionLostError):
        source.settle(Delivery("requests", "ID:1", b""), [])
