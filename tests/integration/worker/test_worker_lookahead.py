"""What waits is looked at while a job runs, and that changes nothing for anybody."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import pytest

from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.ports.messages import QueueStatistics

pytestmark = pytest.mark.engine


@pytest.fixture
def other(world: Any) -> Iterator[Connection]:
    """Another client of the broker, such as a worker of somebody else."""
    broker = world.broker
    connection = connect([broker.endpoint], broker.user, broker.password, ca_file=broker.ca_file)
    yield connection
    connection.close()


@pytest.fixture
def counters(world: Any, other: Connection) -> Callable[[], QueueStatistics]:
    """What the broker counts for the queue of requests."""
    inspector = ActiveMQQueueInspector(other)
    queue = world.environment["QUEUE_NAME"]
    return lambda: inspector.statistics([queue])[queue]


def until(counters: Callable[[], QueueStatistics], name: str, wanted: int) -> QueueStatistics:
    """
    Ask until a counter says so.

    While somebody looks, what is shown counts as in flight too; nobody answers an acknowledgement.
    """
    deadline = monotonic() + 10.0
    while getattr(found := counters(), name) != wanted:
        assert monotonic() < deadline, found
    return found


@pytest.fixture
def busy(world: Any) -> Any:
    """A worker whose job waits at the gate."""
    worker = world.start()
    worker.wait_for("Worker started")
    first = world.submit(language="gate")
    worker.wait_for(f"Processing request {first}")
    return worker


def test_looking_ahead_consumes_holds_and_marks_nothing(
    world: Any, busy: Any, other: Connection, counters: Callable[[], QueueStatistics]
) -> None:
    """Both waiting messages go to another worker at once, as if nobody had seen them."""
    waiting = [world.submit() for _ in range(2)]
    for request_id in waiting:
        busy.wait_for(f"Prepared {request_id}")

    after = until(counters, "in_flight", 1)
    assert (after.size, after.enqueued, after.dequeued) == (3, 3, 0)
    other.subscribe(world.environment["QUEUE_NAME"])
    for request_id in waiting:
        frame = other.next_frame(10.0)
        assert request_id.encode() in frame.body
        assert frame.headers.get("redelivered") != "true"
        other.ack(frame)
    busy.pass_gate()
    assert world.result().status == "completed"
    assert until(counters, "size", 0).dequeued == 3


def test_the_most_urgent_queue_is_looked_at_first(world: Any, busy: Any) -> None:
    """Its messages come next, so what they need is fetched first, however many others wait."""
    ordinary = [world.submit() for _ in range(3)]
    busy.wait_for(f"Prepared {ordinary[1]}")
    urgent = world.request()
    world.send(str(urgent).replace("'", '"').encode(), queue="PRIORITY_QUEUE_NAME")

    busy.wait_for(f"Prepared {urgent['requestId']}")

    assert not [line for line in busy.lines if f"Prepared {ordinary[2]}" in line]


def test_each_request_is_prepared_for_once_and_worked_on_as_ever(world: Any, busy: Any) -> None:
    """Looking again finds the same messages, and has nothing more to do for them."""
    waiting = [world.submit() for _ in range(2)]
    for request_id in waiting:
        busy.wait_for(f"Prepared {request_id}")

    busy.pass_gate()

    assert [world.result().request_id for _ in range(3)][1:] == waiting
    prepared = [line for line in busy.lines if "Prepared" in line]
    assert len(prepared) == 2
    assert all(world.jobs.get(request_id).attempts == 1 for request_id in waiting)


def test_what_cannot_be_prepared_hurts_nothing(world: Any, busy: Any) -> None:
    """A message that is no request is passed over, and a handler's mistake is one warning."""
    world.send(b"no request")
    failing = world.submit(language="bug")
    busy.wait_for(f"Prepared {failing}")
    busy.wait_for("Preparing failed")

    busy.pass_gate()

    assert world.result().status == "completed"
    assert world.dead_letter().body == b"no request"


def test_without_looking_ahead_there_is_one_connection(
    world: Any, counters: Callable[[], QueueStatistics]
) -> None:
    """A worker that is told not to look ahead prepares nothing."""
    worker = world.start(LOOK_AHEAD="0")
    first = world.submit(language="gate")
    worker.wait_for(f"Processing request {first}")
    world.submit()
    before = counters()
    worker.pass_gate()

    assert [world.result().status for _ in range(2)] == ["completed"] * 2
    assert before.in_flight == 1
    assert not [line for line in worker.lines if "Prepared" in line]


def test_a_worker_that_looks_ahead_stops_as_fast(world: Any, busy: Any) -> None:
    """Its second connection is closed in good order too."""
    waiting = world.submit()
    busy.wait_for(f"Prepared {waiting}")
    busy.signal(signal.SIGTERM)
    busy.wait_for("Stopping")
    busy.pass_gate()

    assert busy.ended() == 0
    assert world.jobs.get(waiting) is None


def test_a_broker_that_goes_away_costs_a_line_and_no_job(world: Any) -> None:
    """The job ends, its result is sent when the broker is back, and looking goes on later."""
    relay = world.relay("mq/broker-endpoint", world.broker.port)
    relay.open()
    worker = world.start()
    first = world.submit(language="gate")
    worker.wait_for(f"Processing request {first}")
    worker.wait_for(f"Prepared {world.submit()}")
    relay.cut()
    worker.wait_for("Prefetching failed")
    relay.open()
    worker.pass_gate()

    assert world.result().request_id == first
    assert world.jobs.get(first).attempts == 1
