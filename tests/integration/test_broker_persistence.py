"""What a broker has accepted it still has after kill -9, however it was sent."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from stomp.utils import Frame as WireFrame

from gradectl.adapters.broker import BrokerAccess, open_broker
from gradectl.local.engines.activemq import BrokerHome, BrokerSpec, broker_answers, start_broker
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.find import Engines
from gradectl.local.engines.tls import make_certificates
from gradectl.local.loopback import free_ports
from gradectl.processes.child import Child, wait_until_ready
from gradectl.queues.inspection import inspect
from gradectl.queues.journal import open_journal
from gradectl.queues.mover import Progress, Transfer
from gradectl.queues.transfer import RedriveRules, redriven
from grader.adapters.activemq.connection import Connection, connect
from grader.contract.names import ORIGINAL_QUEUE_HEADER, QUEUES
from grader.contract.names import REQUESTS_QUEUE as REQUESTS
from grader.errors import ConnectionLostError

pytestmark = pytest.mark.engine

XML = Path(__file__).parents[1] / "fixtures" / "broker.xml"
USER = BrokerUser("grader", "a-Password-for-tests-4")
SOON = 180.0  # a limit for a hung broker


@contextmanager
def running(engines: Engines, home: BrokerHome, xml: str) -> Iterator[tuple[Child, Connection]]:
    """Run a broker with the messages of its directory, and a connection to it."""
    child = start_broker(engines.activemq, BrokerSpec("durable", xml, [USER]), home)
    try:
        ca_file = home.certificates.ca_file
        wait_until_ready(child, lambda: broker_answers(home.port, ca_file, USER), 60.0)
        endpoint = f"stomp+ssl://localhost:{home.port}"
        with closing(connect([endpoint], USER.name, USER.password, ca_file=ca_file)) as connection:
            yield child, connection
    finally:
        child.stop(0.0)


def send_as_most_clients_do(connection: Connection, queue: str, body: bytes) -> None:
    """Send with a receipt and without the header `persistent`."""
    headers = {"destination": f"/queue/{queue}", "receipt": "sent"}
    connection._transmit([WireFrame("SEND", headers, body)])
    connection._inbox.await_receipt("sent", SOON)


def dead_letters(connection: Connection, count: int) -> None:
    """Send some that came from the queue of requests."""
    with connection.transaction() as transaction:
        for number in range(count):
            transaction.send("grading-dlq", b"%d" % number, {ORIGINAL_QUEUE_HEADER: REQUESTS})


def redrive(home: BrokerHome, journals: Path, report: Callable[[Progress], None]) -> Progress:
    """Put all dead letters back, as `gradectl queue redrive` does."""
    access = BrokerAccess(
        f"stomp+ssl://localhost:{home.port}", USER.name, USER.password, home.certificates.ca_file
    )
    with open_broker(access) as broker, open_journal(journals, "redrive") as journal:
        found = inspect(broker.inspector, "grading-dlq")
        plan = RedriveRules(QUEUES).plan("grading-dlq", found.messages, found.now_ms)
        return Transfer(redriven, report=report, watch_returns=True).run(plan, broker, journal)


def test_a_broker_killed_in_the_middle_of_a_redrive_loses_and_doubles_nothing(
    engines: Engines, tmp_path: Path
) -> None:
    """Each message is in exactly one queue, also one sent as most clients do, and it goes on."""
    (port,) = free_ports(1)
    certificates = make_certificates(tmp_path, "localhost", "127.0.0.1")
    home = BrokerHome(tmp_path / "broker", port, tmp_path / "activemq.log", certificates)
    with running(engines, home, XML.read_text()) as (child, connection):
        dead_letters(connection, 250)
        send_as_most_clients_do(connection, "grading-priority", b"a request")

        def kill(_progress: Progress) -> None:
            os.killpg(child.pid, signal.SIGKILL)
            assert child.wait(SOON)

        with pytest.raises(ConnectionLostError) as caught:
            redrive(home, tmp_path / "journals", kill)

    with running(engines, home, XML.read_text()) as (_child, connection):
        rest = redrive(home, tmp_path / "journals", lambda _progress: None)
        connection.subscribe(REQUESTS)
        bodies = []
        while (frame := connection.next_frame(SOON if len(bodies) < 250 else 0.0)) is not None:
            bodies.append(frame.body)
            connection.ack(frame)
        connection.subscribe("grading-priority")
        sent_as_most_clients_do = connection.next_frame(SOON)

    assert sent_as_most_clients_do is not None
    assert sent_as_most_clients_do.body == b"a request"
    assert str(port) in caught.value.where
    assert caught.value.next_step
    assert (rest.taken, rest.gone) == (150, 0)
    assert sorted(map(int, bodies)) == list(range(250))


@pytest.mark.exhaustive
@pytest.mark.parametrize("forced", [True, False])
def test_a_message_of_any_producer_survives_kill_9(
    engines: Engines, tmp_path: Path, forced: bool
) -> None:
    """Non-persistent is the default of STOMP; without the plugin in our XML it would be lost."""
    xml = XML.read_text()
    assert "<forcePersistencyModeBrokerPlugin" in xml
    if not forced:
        xml = xml.replace('<forcePersistencyModeBrokerPlugin persistenceFlag="true"/>', "")
    (port,) = free_ports(1)
    certificates = make_certificates(tmp_path, "localhost", "127.0.0.1")
    home = BrokerHome(tmp_path / "broker", port, tmp_path / "activemq.log", certificates)
    with running(engines, home, xml) as (child, connection):
        send_as_most_clients_do(connection, "grading-requests", b"a request")
        os.killpg(child.pid, signal.SIGKILL)
        assert child.wait(SOON)

    with running(engines, home, xml) as (_child, connection):
        connection.send("grading-requests", b"end", {})
        connection.subscribe("grading-requests")
        first = connection.next_frame(SOON)

    assert first is not None
    assert first.body == (b"a request" if forced else b"end")
