"""The data planes are the real engines, locked as they are in AWS."""

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
LONG = 60.0
PASSWORD = "only-for-this-test-1"


class Replies(stomp.ConnectionListener):
    """Keeps the first message that comes."""

    def __init__(self) -> None:
        """Begin without a reply."""
        self.body = ""
        self.came = threading.Event()

    def on_message(self, frame: stomp.utils.Frame) -> None:
        """Take a reply."""
        self.body = frame.body
        self.came.set()


@pytest.fixture(name="own_broker")
def _own_broker(engines: Engines, tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    """Start a broker with a given stored configuration; ended with the test."""
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


def test_the_right_password_is_let_in_and_a_wrong_one_is_not(activemq: RunningBroker) -> None:
    """The broker knows the users of the emulated Amazon MQ and nobody else."""
    right = BrokerUser(activemq.user, activemq.password)

    assert broker_answers(activemq.port, activemq.ca_file, right)
    assert not broker_answers(activemq.port, activemq.ca_file, BrokerUser(right.name, "wrong"))
    assert not broker_answers(activemq.port, activemq.ca_file, BrokerUser("nobody", right.password))


def test_who_speaks_in_the_clear_gets_no_answer(activemq: RunningBroker) -> None:
    """As on Amazon MQ there is no port without TLS."""
    with socket.create_connection(("127.0.0.1", activemq.port), timeout=LONG) as connection:
        connection.sendall(b"CONNECT\naccept-version:1.2\nhost:localhost\n\n\0")
        answer = b""
        with suppress(ConnectionResetError):
            answer = connection.recv(100)

    assert b"CONNECTED" not in answer


def test_a_client_that_does_not_know_the_authority_refuses_the_broker(
    activemq: RunningBroker,
) -> None:
    """The certificate is real: without the stack's authority nobody is fooled."""
    context = ssl.create_default_context()

    with (
        socket.create_connection(("127.0.0.1", activemq.port), timeout=LONG) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="localhost")


def test_statistics_come_as_json(activemq: RunningBroker) -> None:
    """Looking into queues depends on jars that Debian's package leaves out of its class path."""
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

    came = replies.came.wait(LONG)
    connection.disconnect()
    assert came
    assert "size" in json.dumps(json.loads(replies.body))


@pytest.mark.parametrize("name", ["broker.xml", "broker-roles.xml"])
def test_a_broker_starts_from_what_terraform_renders(
    own_broker: Callable[[str], Child], name: str
) -> None:
    """A policy that ActiveMQ does not understand must show here, not after half an hour in AWS."""
    child = own_broker((ROOT / "tests" / "fixtures" / name).read_text())

    log = child.program.log_file.read_text()
    assert "local-grading-1" in log
    assert "started" in log


def test_a_policy_that_activemq_does_not_know_is_quoted(
    own_broker: Callable[[str], Child],
) -> None:
    """The error holds ActiveMQ's own words for what is wrong."""
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
    """Every user of a machine sees the command lines of all."""
    child = own_broker('<broker xmlns="http://activemq.apache.org/schema/core"/>')

    assert PASSWORD not in command_line(child)
    holders = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and PASSWORD.encode() in path.read_bytes()
    ]
    assert holders
    assert {path.stat().st_mode & 0o777 for path in holders} == {0o600}


def test_a_database_starts_again_on_its_own_data_and_gives_its_port_back(
    engines: Engines, tmp_path: Path
) -> None:
    """A crash of the server loses no row, and after the end nobody listens."""
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


def test_nobody_becomes_root_of_the_database_over_the_network(mariadb: RunningDatabase) -> None:
    """The account that the engine makes for itself has no password, so it must have no way in."""
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        pymysql.connect(host="127.0.0.1", port=mariadb.port, user="root", password="")
