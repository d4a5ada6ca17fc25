"""Rights of each role on a real ActiveMQ with the messaging module's authorization map."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradectl.adapters.broker import BrokerAccess, open_broker
from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.find import Engines
from gradectl.local.testing import RunningBroker, running_broker
from gradectl.queues.inspection import inspect, queue_states
from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.frames import Frame
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.contract import names
from grader.errors import GraderError

#: The XML of the module's defaults; tests/terraform/test_broker_xml.py holds this copy true.
XML = Path(__file__).parents[1] / "fixtures" / "broker-roles.xml"
PASSWORD = "a-Password-for-tests-1"
USERS = {
    "admin": ("grading-admins",),
    "web": ("grading-web",),
    "worker": ("grading-workers",),
    "operator": ("grading-operators",),
    "nobody": (),
}
REQUESTS, PRIORITY = names.REQUESTS_QUEUE, names.PRIORITY_QUEUE
RESULTS, DEAD = names.RESULTS_QUEUE, names.DEAD_LETTER_QUEUE
STATISTICS = "ActiveMQ.Statistics.Destination.grading-requests"
STRANGE = "somebody-elses-queue"
SCHEDULER = "/topic/ActiveMQ.Scheduler.Management"
WAIT_SECONDS = 10.0  # limit for an expected message

Session = Callable[[str], Connection]

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def broker(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """A broker with one user for each role, and one in no group."""
    users = [BrokerUser(name, PASSWORD, groups) for name, groups in USERS.items()]
    home = tmp_path_factory.mktemp("rights")
    with running_broker(engines, home, BrokerSpec("rights", XML.read_text(), users)) as running:
        yield running


@pytest.fixture
def session(broker: RunningBroker) -> Iterator[Session]:
    """Connects as a user; afterwards closes all connections and empties all queues."""
    opened: list[Connection] = []

    def make(user: str) -> Connection:
        connection = connect([broker.endpoint], user, PASSWORD, ca_file=broker.ca_file)
        opened.append(connection)
        return connection

    yield make
    for connection in opened:
        connection.close()
    empty(broker)


def empty(broker: RunningBroker) -> None:
    """Remove the messages of a test."""
    connection = connect([broker.endpoint], "admin", PASSWORD, ca_file=broker.ca_file)
    sizes = ActiveMQQueueInspector(connection).statistics(names.QUEUES)
    for queue, counters in sizes.items():
        if counters.size:
            connection.subscribe(queue)
            for _ in range(counters.size):
                connection.ack(taken(connection))
    connection.close()


def taken(connection: Connection) -> Frame:
    """Wait for the next message."""
    frame = connection.next_frame(WAIT_SECONDS)
    assert frame is not None
    return frame


def read(connection: Connection, queue: str) -> Frame:
    """Consume one message of a queue."""
    connection.subscribe(queue)
    frame = taken(connection)
    connection.ack(frame)
    return frame


def try_to(action: str, connection: Connection, destination: str) -> None:
    """Send or read, and wait for the broker's answer."""
    if action == "write":
        # else the statistics plugin treats a query as an ordinary message
        connection.send(destination, b"refused?", {"reply-to": "/temp-queue/answers"})
    else:
        connection.subscribe(destination, headers={"receipt": "judged"})
        connection.next_frame(WAIT_SECONDS)


REFUSED = [
    ("web", "read", REQUESTS),
    ("web", "read", PRIORITY),
    ("web", "read", DEAD),
    ("web", "write", RESULTS),
    ("web", "write", DEAD),
    ("worker", "read", RESULTS),
    ("worker", "read", DEAD),
    *(("operator", "write", queue) for queue in names.QUEUES),
    *((user, "write", STRANGE) for user in ("web", "worker", "operator")),
    *((user, "write", SCHEDULER) for user in ("web", "worker", "operator")),
    *(("nobody", action, queue) for action in ("read", "write") for queue in names.QUEUES),
    ("nobody", "write", STATISTICS),
    ("nobody", "write", STRANGE),
    ("nobody", "read", "/topic/ActiveMQ.Advisory.Connection"),
    ("nobody", "read", "/temp-queue/answers"),
]


@pytest.mark.parametrize(("user", "action", "destination"), REFUSED)
def test_operations_without_the_right_are_refused(
    session: Session, user: str, action: str, destination: str
) -> None:
    """Each role has only the rights its program needs; a user without a group has none."""
    with pytest.raises(GraderError, match=f"{user}.*may not|not authorized"):
        try_to(action, session(user), destination)


@pytest.mark.parametrize("queue", [REQUESTS, PRIORITY])
def test_a_request_and_its_result_pass_between_web_and_worker(session: Session, queue: str) -> None:
    """Web sends requests and reads results; the worker answers in one transaction."""
    web, worker = session("web"), session("worker")
    web.send(queue, b"request")
    worker.subscribe(queue)
    request = taken(worker)
    with worker.transaction() as transaction:
        transaction.send(RESULTS, b"result")
        transaction.ack(request.ack_id)

    assert request.body == b"request"
    assert read(web, RESULTS).body == b"result"


@pytest.mark.parametrize("queue", [REQUESTS, PRIORITY])
def test_a_worker_sends_a_delayed_copy_for_a_retry(session: Session, queue: str) -> None:
    """The broker delivers it later; no right to the scheduler's topic is needed."""
    session("web").send(queue, b"request")
    worker = session("worker")
    worker.subscribe(queue)
    first = taken(worker)
    started = time.monotonic()
    with worker.transaction() as transaction:
        transaction.send(queue, b"again", {"AMQ_SCHEDULED_DELAY": "1000"})
        transaction.ack(first.ack_id)
    second = taken(worker)
    waited = time.monotonic() - started
    worker.ack(second)

    assert second.body == b"again"
    assert waited >= 0.9


def test_a_worker_sends_to_the_dead_letter_queue(session: Session) -> None:
    """It may send there; only operator and admin may read."""
    worker = session("worker")
    worker.send(DEAD, b"hopeless", {"original-destination": REQUESTS})

    assert read(session("admin"), DEAD).body == b"hopeless"


def test_an_expired_request_goes_to_the_dead_letter_queue_by_itself(session: Session) -> None:
    """The broker itself moves it, although web may not send there."""
    session("web").send(REQUESTS, b"late", {"expires": str(int(time.time() * 1000) - 1)})

    assert read(session("admin"), DEAD).body == b"late"


def test_a_worker_asks_how_many_others_there_are(session: Session) -> None:
    """The answer arrives on a temporary queue."""
    worker = session("worker")
    session("web").send(REQUESTS, b"request")

    found = ActiveMQQueueInspector(worker).statistics([REQUESTS])

    assert found[REQUESTS].size == 1


def test_a_web_tier_counts_what_waits(session: Session) -> None:
    """The HTTP API tells a waiting submission its position; it can read no message."""
    web = session("web")
    web.send(REQUESTS, b"request")

    assert ActiveMQQueueInspector(web).statistics([REQUESTS])[REQUESTS].size >= 1


def test_temporary_queues_are_for_every_role(session: Session) -> None:
    """Replies need them."""
    for user in ("admin", "web", "worker", "operator"):
        connection = session(user)
        connection.subscribe("/temp-queue/answers")
        connection.send("/temp-queue/answers", b"to myself")

        assert taken(connection).body == b"to myself"


def test_a_user_without_a_group_cannot_use_temporary_queues_of_others(session: Session) -> None:
    """Its address is known to the receiver of a query, and could be guessed."""
    worker = session("worker")
    worker.subscribe("/temp-queue/answers")
    worker.send(REQUESTS, b"question", {"reply-to": "/temp-queue/answers"})
    address = read(session("admin"), REQUESTS).headers["reply-to"]
    session("web").send(address, b"answer")

    assert taken(worker).body == b"answer"
    with pytest.raises(GraderError, match=r"nobody.*may not|not authorized"):
        session("nobody").send(address, b"false answer")


def test_an_operator_sees_every_queue_and_its_counters(
    session: Session, broker: RunningBroker
) -> None:
    """As `gradectl queue list` and `queue inspect` do."""
    admin = session("admin")
    for queue in names.QUEUES:
        admin.send(queue, queue.encode())
    with open_broker(BrokerAccess(broker.endpoint, "operator", PASSWORD, broker.ca_file)) as opened:
        states = queue_states(opened.inspector, names.QUEUES)
        pages = {queue: inspect(opened.inspector, queue) for queue in names.QUEUES}

    assert {state.counters.size for state in states if state.counters} == {1}
    assert all(state.oldest_seconds is not None for state in states)
    for queue, page in pages.items():
        assert page is not None
        assert [message.body for message in page.messages] == [queue.encode()]


def test_the_right_to_browse_allows_consuming(session: Session) -> None:
    """In ActiveMQ both need the right to read; the README documents that."""
    session("web").send(REQUESTS, b"request")

    assert read(session("operator"), REQUESTS).body == b"request"


def test_an_administrator_may_do_everything(session: Session) -> None:
    """Also with new queues and the scheduler."""
    admin = session("admin")
    for queue in (*names.QUEUES, STRANGE):
        admin.send(queue, b"anything")
        assert read(admin, queue).body == b"anything"
    admin.send(SCHEDULER, b"", {"AMQ_SCHEDULER_ACTION": "BROWSE"})
