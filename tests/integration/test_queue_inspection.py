"""A real queue with small pages is read completely and stays unchanged."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from gradectl.adapters.broker import BrokerAccess, Line, StompBroker, StompWatch, open_broker
from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.find import Engines
from gradectl.local.testing import RunningBroker, running_broker
from gradectl.queues.inspection import Extent, inspect, queue_states, read_queue
from gradectl.queues.scan import StopReason
from gradectl.submissions.lookup import look_up, request_state
from grader.adapters.activemq.connection import connect
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.testing import MemoryJobStore, MemoryObjectStore

XML = Path(__file__).parents[1] / "fixtures" / "broker.xml"
PAGE = 50

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def paging(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """A broker with a browse page of 50 messages; that of Amazon MQ is 400."""
    xml = XML.read_text().replace('maxBrowsePageSize="1000"', f'maxBrowsePageSize="{PAGE}"')
    assert f'"{PAGE}"' in xml
    broker = BrokerSpec("paging", xml, [BrokerUser("grader", "a-Password-for-tests-1")])
    with running_broker(engines, tmp_path_factory.mktemp("paging"), broker) as running:
        yield running


@pytest.fixture(scope="module")
def small(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """A broker with 25 MB for messages, of which one queue may page in 5 MB."""
    usage = '<memoryUsage><memoryUsage percentOfJvmHeap="10"/></memoryUsage>'
    limited = f"<systemUsage><systemUsage>{usage}</systemUsage></systemUsage></broker>"
    xml = XML.read_text().replace("</broker>", limited)
    broker = BrokerSpec("small", xml, [BrokerUser("grader", "a-Password-for-tests-1")])
    with running_broker(engines, tmp_path_factory.mktemp("small"), broker) as running:
        yield running


def access_to(running: RunningBroker) -> BrokerAccess:
    return BrokerAccess(running.endpoint, running.user, running.password, running.ca_file)


@pytest.fixture
def broker(paging: RunningBroker) -> Iterator[StompBroker]:
    """A connection to it."""
    access = BrokerAccess(paging.endpoint, paging.user, paging.password, paging.ca_file)
    with open_broker(access) as opened:
        yield opened


@pytest.fixture
def name() -> str:
    """A queue that no other test uses."""
    return f"t.{uuid.uuid4().hex}"


def fill(broker: StompBroker, queue: str, count: int, priorities: str = "4") -> None:
    for number in range(count):
        headers = {"priority": priorities[number % len(priorities)]}
        broker.send(queue, b"%d" % number, headers)


def test_1001_messages_are_read_by_pages_of_50(broker: StompBroker, name: str) -> None:
    """Each browse ends normally; only the size of the queue shows that there are more."""
    fill(broker, name, 1001)

    found = inspect(broker.inspector, name)

    assert found is not None
    assert found.scan.complete
    assert found.scan.summary == "seen 1001 of 1001 (complete)"
    assert {message.body for message in found.messages} == {b"%d" % n for n in range(1001)}
    assert found.scan.rounds > 20


def test_priorities_hide_no_message(broker: StompBroker, name: str) -> None:
    """Older messages behind urgent ones are read too."""
    fill(broker, name, 600, priorities="941")

    found = inspect(broker.inspector, name)

    assert found is not None
    assert found.scan.summary == "seen 600 of 600 (complete)"


def test_more_than_a_page_in_one_millisecond_is_read(
    broker: StompBroker, paging: RunningBroker, name: str
) -> None:
    """The messages of one transaction are separated by the last digits of their ids."""
    connection = connect([paging.endpoint], paging.user, paging.password, ca_file=paging.ca_file)
    with connection.transaction() as transaction:
        for number in range(3000):
            transaction.send(name, b"%d" % number, {"priority": "04579"[number % 5]})
    connection.close()

    found = inspect(broker.inspector, name)

    assert found is not None
    assert found.scan.summary == "seen 3000 of 3000 (complete)"
    assert {message.body for message in found.messages} == {b"%d" % n for n in range(3000)}


def test_inspecting_changes_nothing(broker: StompBroker, paging: RunningBroker, name: str) -> None:
    """The next consumer gets each message once, none marked as redelivered."""
    fill(broker, name, 120)
    before = broker.inspector.statistics([name])[name]
    inspect(broker.inspector, name)
    after = broker.inspector.statistics([name])[name]

    assert (after.size, after.enqueued, after.dequeued) == (before.size, before.enqueued, 0)
    connection = connect([paging.endpoint], paging.user, paging.password, ca_file=paging.ca_file)
    connection.subscribe(name)
    frames = []
    while len(frames) < 120 and (frame := connection.next_frame(5.0)) is not None:
        frames.append(frame)
        connection.ack(frame)
    connection.close()
    assert [frame.body for frame in frames] == [b"%d" % number for number in range(120)]
    assert not [frame for frame in frames if frame.headers.get("redelivered") == "true"]


def test_peeking_reads_only_the_requested_messages(activemq: RunningBroker, name: str) -> None:
    """The broker sends no more, although the browse is not closed."""
    connection = connect(
        [activemq.endpoint], activemq.user, activemq.password, ca_file=activemq.ca_file
    )
    with connection.transaction() as transaction:
        for number in range(3000):
            transaction.send(name, b"%d" % number)
    inspector = ActiveMQQueueInspector(connection)

    page = inspector.peek(name, 3)

    assert [message.body for message in page] == [b"0", b"1", b"2"]
    connection.send(f"{name}.answers", b"")  # its receipt follows everything sent before
    late = [frame for frame in iter(lambda: connection.next_frame(0.0), None) if frame.body]
    assert late == []
    assert inspector.peek(name, 800)[-1].body == b"799"
    assert (counters := inspector.statistics([name])[name]).size == counters.enqueued == 3000
    connection.close()


def test_a_message_in_flight_is_read_and_stays_with_its_consumer(
    broker: StompBroker, paging: RunningBroker, name: str
) -> None:
    """Inspection counts it as in flight and does not redeliver it."""
    fill(broker, name, 3)
    worker = connect([paging.endpoint], paging.user, paging.password, ca_file=paging.ca_file)
    worker.subscribe(name)
    held = worker.next_frame(5.0)
    assert held is not None

    found = inspect(broker.inspector, name)
    (state,) = queue_states(broker.inspector, [name])

    assert found is not None
    assert found.scan.summary == "seen 3 of 3 (complete)"
    assert state.counters is not None
    assert (state.counters.waiting, state.counters.in_flight, state.counters.consumers) == (2, 1, 1)
    assert state.oldest_seconds is not None
    worker.ack(held)
    worker.close()
    assert broker.inspector.statistics([name])[name].size == 2


def test_browses_serve_a_watch_behind_450_other_messages(broker: StompBroker, name: str) -> None:
    """A selective consumer gets only paged-in messages; each browse pages in more."""
    fill(broker, name, 450)
    broker.send(name, b"ours", {"correlation-id": "ours"})

    with broker.watch(name, "ours") as watch:
        taken = None
        for _ in range(10):
            broker.inspector.browse(name)
            taken = taken or watch.take(0.5)

    assert taken == b"ours"
    assert broker.inspector.statistics([name])[name].size == 450


def test_inspection_does_not_create_a_missing_queue(broker: StompBroker, name: str) -> None:
    """A browse would create it, so its statistics are read first."""
    assert inspect(broker.inspector, name) is None
    (state,) = queue_states(broker.inspector, [name])
    assert state.counters is None
    assert broker.inspector.statistics([name]) == {}


def test_reading_more_than_the_memory_of_a_queue_is_a_sample_and_stops_nobody(
    small: RunningBroker, name: str
) -> None:
    """Any number of browses keeps other queues in work, and the output has the reason."""
    names = [name, f"{name}.other"]
    connection = connect([small.endpoint], small.user, small.password, ca_file=small.ca_file)
    for queue in names:
        with connection.transaction() as transaction:
            for number in range(2_000):
                transaction.send(queue, b'{"requestId": "req_%d"}' % number, {})
    with open_broker(access_to(small)) as broker:
        found = [inspect(broker.inspector, queue) for queue in names]
        for _ in range(20):
            broker.inspector.peek(name, 1)
        lost = look_up(
            "req_1999",
            MemoryObjectStore(),
            lambda: nullcontext(MemoryJobStore()),
            lambda: nullcontext(broker),
            queues=names[:1],
        )
        counters = broker.inspector.statistics(names)
        extent = Extent(selector="JMSPriority = 4")
        selected = read_queue(broker.inspector, counters[name], lambda _message: None, extent)
    connection.send(f"{name}.work", b"work")
    connection.subscribe(f"{name}.work")
    frame = connection.next_frame(10.0)
    connection.close()

    assert [each.scan.reason for each in found if each] == [StopReason.MEMORY] * 2
    assert selected.reason is StopReason.MEMORY
    assert all(1_000 < each.scan.seen < 2_000 for each in found if each)
    assert all(each.memory_bytes < 6_000_000 for each in counters.values())
    assert [str(each).partition(":")[0] for each in lost.partly_searched] == [name]
    assert not lost.is_known
    assert request_state(lost) == "not found: not all messages could be read"
    assert frame is not None
    assert frame.body == b"work"


def test_large_bodies_are_read_as_far_as_the_memory_goes(small: RunningBroker, name: str) -> None:
    """About 5 MB; the reason is the same as for many small messages."""
    with open_broker(access_to(small)) as broker:
        for _ in range(16):  # more than the broker keeps in memory as they arrive
            broker.send(name, b"x" * 2_000_000, {})

        found = inspect(broker.inspector, name)

    assert found is not None
    assert 1 <= found.scan.seen < 16
    assert found.scan.reason is StopReason.MEMORY


def test_a_lost_connection_is_opened_again(activemq: RunningBroker, name: str) -> None:
    """An inspection or a smoke test goes on, and does not report the loss as its cause."""
    line = Line(access_to(activemq), lambda connection: connection.subscribe(name))
    broker = StompBroker(line)
    watch = StompWatch(line)

    for number in range(3):
        line.connection.drop()
        broker.send(name, b"%d" % number, {})
        line.connection.drop()
        assert watch.take(10.0) == b"%d" % number
        line.connection.drop()
        assert broker.inspector.statistics([name])[name].size == 0
    line.close()


def test_a_selector_that_leaves_messages_out_is_complete(broker: StompBroker, name: str) -> None:
    """Also where larger messages have gone, which the broker's average size still counts."""
    for _ in range(4):
        broker.send(name, b"x" * 1_000_000, {})
    large = [message.message_id for message in broker.inspector.browse(name)]
    with broker.mover() as mover:
        mover.replace(name, large, lambda _messages: [])
    fill(broker, name, 100, priorities="4449")

    counters = broker.inspector.statistics([name])[name]
    found = read_queue(
        broker.inspector, counters, lambda _message: None, Extent(selector="JMSPriority = 9")
    )

    assert found.summary == "seen 25 that match the selector, of 100 (complete)"
