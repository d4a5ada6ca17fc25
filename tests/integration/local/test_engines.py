"""The data planes are real engines, with the access control of AWS."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pymysql
import pytest
import stomp

from gradectl.errors import GradectlError
from gradectl.local.engines.activemq import BrokerHome, BrokerSpec, broker_answers, start_broker
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.find import Engines
from gradectl.local.engines.mariadb import (
    Database,
    DatabaseHome,
    database_answers,
    prepare_data,
    start_database,
)
from gradectl.local.engines.tls import make_certificates
from gradectl.local.loopback import free_ports, is_listening
from gradectl.local.testing import RunningBroker, RunningDatabase
from gradectl.processes.child import Child, wait_until_ready

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[3]
LONG = 300.0  # a limit for a hung test, not a measurement
PASSWORD = "only-for-this-test-1"


class Replies(stomp.ConnectionListener):
    """Stores the body of the last message."""

    def __init__(self) -> None:
        self.body = ""
        self.received = threading.Event()

    def on_message(self, frame: stomp.utils.Frame) -> None:
        """Store the reply."""
        self.body = frame.body
        self.received.set()


@pytest.fixture(name="own_broker")
def _own_broker(engines: Engines, tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    """Start a broker with a stored configuration; stopped after the test."""
    started: list[Child] = []

    def own_broker(xml: str) -> Child:
        (port,) = free_ports(1)
        user = BrokerUser("admin", PASSWORD, ("grading-admins",))
        certificates = make_certificates(tmp_path, "localhost", "127.0.0.1")
        home = BrokerHome(tmp_path / "broker", port, tmp_path / "broker.log", certificates)
        child = start_broker(engines.activemq, BrokerSpec("local-grading", xml, [user]), home)
        started.append(child)
        wait_until_ready(child, lambda: broker_answers(port, certificates.ca_file, user), LONG)
        return child

    yield own_broker
    for child in started:
        child.stop(LONG)


def command_line(child: Child) -> str:
    return Path(f"/proc/{child.pid}/cmdline").read_text()


def test_a_wrong_password_or_user_is_rejected(activemq: RunningBroker) -> None:
    """Only users of the emulated Amazon MQ can log in."""
    right = BrokerUser(activemq.user, activemq.password)

    assert broker_answers(activemq.port, activemq.ca_file, right)
    assert not broker_answers(activemq.port, activemq.ca_file, BrokerUser(right.name, "wrong"))
    assert not broker_answers(activemq.port, activemq.ca_file, BrokerUser("nobody", right.password))


def test_a_client_without_tls_gets_no_answer(activemq: RunningBroker) -> None:
    """As on Amazon MQ, every port requires TLS."""
    with socket.create_connection(("127.0.0.1", activemq.port), timeout=LONG) as connection:
        connection.sendall(b"CONNECT\naccept-version:1.2\nhost:localhost\n\n\0")
        answer = b""
        with suppress(ConnectionResetError):
            answer = connection.recv(100)

    assert b"CONNECTED" not in answer


def test_a_client_without_the_ca_rejects_the_broker(
    activemq: RunningBroker,
) -> None:
    """Only the CA of the stack verifies its certificate."""
    context = ssl.create_default_context()

    with (
        socket.create_connection(("127.0.0.1", activemq.port), timeout=LONG) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="localhost")


def test_statistics_are_json(activemq: RunningBroker) -> None:
    """This needs jars that are not in the class path of Debian's package."""
    connection = stomp.Connection12([("localhost", activemq.port)], heartbeats=(0, 0))
    connection.set_ssl([("localhost", activemq.port)], ca_certs=str(activemq.ca_file))
    replies = Replies()
    connection.set_listener("replies", replies)
    connection.connect(activemq.user, activemq.password, wait=True)
    connection.subscribe("/temp-queue/statistics", "1", headers={"transformation": "jms-map-json"})
    connection.send(
        "/queue/ActiveMQ.Statistics.Destination.grading-requests",
        "",
        headers={"reply-to": "/temp-queue/statistics"},
    )

    received = replies.received.wait(LONG)
    connection.disconnect()
    assert received
    assert "size" in json.dumps(json.loads(replies.body))


@pytest.mark.parametrize("name", ["broker.xml", "broker-roles.xml"])
def test_a_broker_starts_from_what_terraform_renders(
    own_broker: Callable[[str], Child], name: str
) -> None:
    """An invalid policy must fail here, not after half an hour in AWS."""
    child = own_broker((ROOT / "tests" / "fixtures" / name).read_text())

    log = child.program.log_file.read_text()
    assert "local-grading-1" in log
    assert "started" in log


def test_the_error_for_an_unknown_policy_quotes_activemq(
    own_broker: Callable[[str], Child],
) -> None:
    """The error has the relevant lines of ActiveMQ's log."""
    xml = (
        '<broker xmlns="http://activemq.apache.org/schema/core"><destinationPolicy><policyMap>'
        '<policyEntries><policyEntry queue="&gt;" priorityMessages="true"/></policyEntries>'
        "</policyMap></destinationPolicy></broker>"
    )

    with pytest.raises(GradectlError, match="priorityMessages") as caught:
        own_broker(xml)

    assert caught.value.where.endswith("broker.log")


def test_no_password_is_on_a_command_line_or_in_a_readable_file(
    own_broker: Callable[[str], Child], tmp_path: Path
) -> None:
    """Every user of a machine can read all command lines."""
    child = own_broker('<broker xmlns="http://activemq.apache.org/schema/core"/>')

    assert PASSWORD not in command_line(child)
    files = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and PASSWORD.encode() in path.read_bytes()
    ]
    assert files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_restarted_database_has_its_data_and_releases_its_port(
    engines: Engines, tmp_path: Path
) -> None:
    """A restart loses no row, and a stopped server has no listener."""
    (port,) = free_ports(1)
    home = DatabaseHome(tmp_path / "database", port, tmp_path / "database.log")
    prepare_data(engines.mariadb, home)
    database = Database("admin", "a 'quoted' \\ password", "grading")

    def rows_after(statement: str) -> tuple[tuple[object, ...], ...]:
        child = start_database(engines.mariadb, database, home)
        try:
            wait_until_ready(child, lambda: database_answers(port), LONG)
            assert database.password not in command_line(child)
            with (
                pymysql.connect(
                    host="127.0.0.1",
                    port=port,
                    user=database.user,
                    password=database.password,
                    database=database.name,
                ) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)
                return cursor.fetchall()
        finally:
            child.stop(LONG)

    rows_after("CREATE TABLE kept AS SELECT 42 AS answer")
    prepare_data(engines.mariadb, home)

    assert rows_after("SELECT answer FROM kept") == ((42,),)
    assert not is_listening(port)


def test_root_cannot_log_in_over_the_network(mariadb: RunningDatabase) -> None:
    """The root account of a new data directory has no password."""
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        pymysql.connect(host="127.0.0.1", port=mariadb.port, user="root", password="")
