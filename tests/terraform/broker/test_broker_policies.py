"""Queue policies and limits do on a real ActiveMQ what the module says they do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.find import Engines
from gradectl.local.testing import RunningBroker, running_broker
from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.frames import Frame
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.errors import GraderError

pytestmark = pytest.mark.engine

PASSWORD = "a-Password-for-tests-1"
WAIT_SECONDS = 300.0  # a limit for what surely comes
BODY = b"x" * 100_000
VARIABLES: dict[str, Any] = {
    "queues": ["few", "large", "limited", "quick", "silent", "unordered", "wide"],
    "queue_policies": {
        ">": {"redelivery": {"delay_ms": 1000, "maximum": 1}, "expiry_check_ms": 500},
        "exams.>": {"max_destinations": 1},
        "few": {"prefetch": 2, "strict_order": True, "use_cache": False},
        # the search for what is over reads messages into memory past the limit
        "limited": {"memory_limit_mb": 1, "expiry_check_ms": 0, "producer_flow_control": False},
        "quick": {
            "dead_letter_queue": "quick-dlq",
            "redelivery": {"delay_ms": 1000, "maximum": 0},
        },
        "silent": {"expired_to_dead_letter_queue": False},
        "unordered": {"prioritized": False},
    },
    "authorization": {"entries": {"wide": {"write": ["teachers"]}}},
    "nodes": {"memory_percent": 10},
}

Session = Callable[..., Connection]


@pytest.fixture(scope="module")
def broker(
    render: Any, engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningBroker]:
    """A broker with all kinds of policies, an administrator and a teacher."""
    users = [
        BrokerUser("admin", PASSWORD, ("grading-admins",)),
        BrokerUser("teacher", PASSWORD, ("teachers",)),
    ]
    (xml,) = render({"policies": VARIABLES}).values()
    home = tmp_path_factory.mktemp("policies")
    with running_broker(engines, home, BrokerSpec("policies", xml, users)) as running:
        yield running


@pytest.fixture
def session(broker: RunningBroker) -> Iterator[Session]:
    """Connect as a user, by default as administrator."""
    opened: list[Connection] = []

    def make(user: str = "admin") -> Connection:
        connection = connect([broker.endpoint], user, PASSWORD, ca_file=broker.ca_file)
        opened.append(connection)
        return connection

    yield make
    for connection in opened:
        connection.close()


def taken(connection: Connection) -> Frame:
    """Wait for the next message."""
    frame = connection.next_frame(WAIT_SECONDS)
    assert frame is not None
    return frame


def counters(connection: Connection, question: str) -> dict[str, Any]:
    """All that the broker tells, more than an inspector gives."""
    connection.subscribe("/temp-queue/answers", headers={"transformation": "jms-map-json"})
    connection.send(f"ActiveMQ.Statistics.{question}", b"", {"reply-to": "/temp-queue/answers"})
    text = taken(connection).body.decode()
    found = {}
    for key in ("memoryLimit", "memoryUsage"):
        found[key] = int(text.split(f'"{key}","long":')[1].split("}")[0])
    return found


def test_a_client_that_asks_for_much_gets_the_prefetch_of_the_queue(session: Session) -> None:
    """A client may still ask for less."""
    producer, consumer = session(), session()
    for number in range(5):
        producer.send("few", b"%d" % number)
    consumer.subscribe("few", headers={"activemq.prefetchSize": "1000"})

    assert [taken(consumer).body, taken(consumer).body] == [b"0", b"1"]
    producer.send("few", b"5")  # what was to come has come by its receipt
    assert consumer.next_frame(0.0) is None


def test_a_refused_message_comes_again_and_then_goes_to_the_dead_letter_queue(
    session: Session,
) -> None:
    """After the delay that holds for all queues, as often as holds for all."""
    consumer = session()
    refusing(consumer, "wide")
    again = taken(consumer)
    nack(consumer, again)

    consumer.subscribe("grading-dlq")
    dead = taken(consumer)
    consumer.ack(dead)
    assert (again.body, dead.body) == (b"refused", b"refused")


def test_a_queue_has_its_own_redelivery_and_dead_letter_queue(session: Session) -> None:
    """Not once more, and to another place."""
    consumer = session()
    refusing(consumer, "quick")

    consumer.subscribe("quick-dlq")
    dead = taken(consumer)
    consumer.ack(dead)
    assert dead.headers["destination"] == "/queue/quick-dlq"


def refusing(consumer: Connection, queue: str) -> None:
    """Send a message and refuse it."""
    consumer.send(queue, b"refused")
    consumer.subscribe(queue)
    nack(consumer, taken(consumer))


def nack(consumer: Connection, frame: Frame) -> None:
    """Refuse, which none of our programs does."""
    consumer._client.nack(frame.ack_id)


def test_expired_messages_are_found_without_a_consumer_and_dropped_where_wanted(
    session: Session,
) -> None:
    """One queue drops them in silence, all others keep them in the dead-letter queue."""
    connection = session()
    for queue, body in (("silent", b"dropped"), ("wide", b"kept")):
        connection.send(queue, body, {"expires": str(int(time.time() * 1000) + 300)})

    connection.subscribe("grading-dlq")
    kept = taken(connection)
    connection.ack(kept)
    inspector = ActiveMQQueueInspector(session())
    until(lambda: inspector.statistics(["silent"])["silent"].expired == 1)
    found = inspector.statistics(["silent", "grading-dlq"])
    assert kept.body == b"kept"
    assert (found["silent"].size, found["grading-dlq"].size) == (0, 0)


def until(true: Callable[[], bool]) -> None:
    """Ask again until it is so; asking goes over the network, which is pause enough."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline


@pytest.mark.parametrize(("queue", "first"), [("wide", b"urgent"), ("unordered", b"ordinary")])
def test_priorities_count_unless_a_queue_does_without(
    session: Session, queue: str, first: bytes
) -> None:
    """An urgent message overtakes those that wait."""
    connection = session()
    connection.send(queue, b"ordinary", {"priority": "4"})
    connection.send(queue, b"urgent", {"priority": "9"})
    connection.subscribe(queue)

    frames = [taken(connection)]
    connection.ack(frames[0])
    frames.append(taken(connection))
    connection.ack(frames[1])
    assert frames[0].body == first


def test_a_limited_queue_takes_little_memory_and_keeps_every_message(session: Session) -> None:
    """The rest is on disk; a queue without a limit takes up to that of the broker."""
    connection = session()
    for queue in ("limited", "large"):
        for _ in range(30):
            connection.send(queue, BODY)

    limited = counters(session(), "Destination.limited")
    large = counters(session(), "Destination.large")
    sizes = ActiveMQQueueInspector(connection).statistics(["limited", "large"])
    assert limited["memoryLimit"] == 1_048_576
    assert limited["memoryUsage"] < 1_048_576 < large["memoryUsage"]
    assert sizes["limited"].size == sizes["large"].size == 30


def test_the_broker_takes_the_share_of_its_memory_that_was_given(session: Session) -> None:
    """Ten percent of the local broker's 256 MB."""
    assert 20_000_000 < counters(session(), "Broker")["memoryLimit"] < 27_000_000


def test_no_more_queues_are_made_than_were_allowed(session: Session) -> None:
    """Also not by an administrator."""
    session().send("exams.one", b"")

    with pytest.raises(GraderError, match="number of destinations allowed"):
        session().send("exams.two", b"")


def test_a_group_of_ones_own_has_the_rights_of_its_entry(session: Session) -> None:
    """And no others."""
    session("teacher").send("wide", b"mark this")

    with pytest.raises(GraderError, match=r"may not|not authorized"):
        session("teacher").send("few", b"")
