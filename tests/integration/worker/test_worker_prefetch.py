"""Prefetching for waiting messages, without effect on their delivery."""

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
    """Another client of the broker, such as another worker."""
    broker = world.broker
    connection = connect([broker.endpoint], broker.user, broker.password, ca_file=broker.ca_file)
    yield connection
    connection.close()


@pytest.fixture
def counters(world: Any, other: Connection) -> Callable[[], QueueStatistics]:
    """Reads the counters of the request queue."""
    inspector = ActiveMQQueueInspector(other)
    queue = world.environment["QUEUE_NAME"]
    return lambda: inspector.statistics([queue])[queue]


def until(counters: Callable[[], QueueStatistics], name: str, wanted: int) -> QueueStatistics:
    """
    Poll until a counter has a value.

    During a browse its messages count as in flight too, and acknowledgements have no receipt.
    """
    deadline = monotonic() + 40.0
    while getattr(found := counters(), name) != wanted:
        assert monotonic() < deadline, found
    return found


@pytest.fixture
def busy(world: Any) -> Any:
    """A worker with a job that waits at the gate."""
    worker = world.start()
    worker.wait_for("Worker started")
    first = world.submit(language="gate")
    worker.wait_for(f"Processing request {first}")
    return worker


def test_prefetching_consumes_holds_and_marks_nothing(
    world: Any, busy: Any, other: Connection, counters: Callable[[], QueueStatistics]
) -> None:
    """Another worker gets both waiting messages at once, not marked as redelivered."""
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


def test_the_priority_queue_is_browsed_first(world: Any, busy: Any) -> None:
    """The priority queue is prefetched for first."""
    ordinary = [world.submit() for _ in range(3)]
    busy.wait_for(f"Prepared {ordinary[1]}")
    urgent = world.request()
    world.send(str(urgent).replace("'", '"').encode(), queue="PRIORITY_QUEUE_NAME")

    busy.wait_for(f"Prepared {urgent['requestId']}")

    assert not [line for line in busy.lines if f"Prepared {ordinary[2]}" in line]


def test_each_request_is_prepared_for_once_and_processed_as_usual(world: Any, busy: Any) -> None:
    """Later browses skip the same messages."""
    waiting = [world.submit() for _ in range(2)]
    for request_id in waiting:
        busy.wait_for(f"Prepared {request_id}")

    busy.pass_gate()

    assert [world.result().request_id for _ in range(3)][1:] == waiting
    prepared = [line for line in busy.lines if "Prepared" in line]
    assert len(prepared) == 2
    assert all(world.jobs.get(request_id).attempts == 1 for request_id in waiting)


def test_failing_preparation_does_not_affect_jobs(world: Any, busy: Any) -> None:
    """Invalid messages are skipped, and a bug of the handler is one warning."""
    world.send(b"no request")
    failing = world.submit(language="bug")
    busy.wait_for(f"Prepared {failing}")
    busy.wait_for("Preparing failed")

    busy.pass_gate()

    assert world.result().status == "completed"
    assert world.dead_letter().body == b"no request"


def test_without_prefetching_there_is_one_connection(
    world: Any, counters: Callable[[], QueueStatistics]
) -> None:
    """With LOOK_AHEAD=0 nothing is prepared."""
    worker = world.start(LOOK_AHEAD="0")
    first = world.submit(language="gate")
    worker.wait_for(f"Processing request {first}")
    world.submit()
    before = counters()
    worker.pass_gate()

    assert [world.result().status for _ in range(2)] == ["completed"] * 2
    assert before.in_flight == 1
    assert not [line for line in worker.lines if "Prepared" in line]


def test_a_prefetching_worker_stops_as_fast(world: Any, busy: Any) -> None:
    """Its second connection is closed too."""
    waiting = world.submit()
    busy.wait_for(f"Prepared {waiting}")
    busy.signal(signal.SIGTERM)
    busy.wait_for("Stopping")
    busy.pass_gate()

    assert busy.ended() == 0
    assert world.jobs.get(waiting) is None


def test_a_lost_broker_costs_one_warning_and_no_job(world: Any) -> None:
    """The result is sent when the broker is back, and prefetching continues later."""
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
