"""Real engines for tests: started once a session in a directory of their own, and ended with it."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest

from gradectl.local.activemq import Broker, BrokerHome, broker_answers, start_broker
from gradectl.local.broker_xml import BrokerUser
from gradectl.local.engines import Engines, find_engines
from gradectl.local.mariadb import (
    Database,
    DatabaseHome,
    database_answers,
    prepare_data,
    start_database,
)
from gradectl.local.ports import free_ports, is_listening
from gradectl.local.process import Child, Program, wait_until_ready
from gradectl.local.tls import make_certificates

READY_SECONDS = 60.0
#: The policies that the messaging module sets, in the form in which Amazon MQ keeps them.
BROKER_XML = (Path(__file__).parent / "fixtures" / "broker.xml").read_text()


@dataclass(frozen=True)
class RunningBroker:
    """How to reach the broker of this test session."""

    endpoint: str  # stomp+ssl://localhost:PORT
    port: int
    user: str
    password: str
    ca_file: Path


@dataclass(frozen=True)
class RunningDatabase:
    """How to reach the database server of this test session, or one database on it."""

    endpoint: str  # 127.0.0.1:PORT
    port: int
    user: str
    password: str
    name: str = ""


@pytest.fixture(scope="session")
def engines() -> Engines:
    """The real engines of this machine; a test that needs one fails where it is missing."""
    return find_engines()


@pytest.fixture(scope="session")
def activemq(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """A real ActiveMQ: TLS, one user, the queues' policies of the messaging module."""
    directory = tmp_path_factory.mktemp("activemq")
    (port,) = free_ports(1)
    user = BrokerUser("grader", "a-Password-for-tests-1")
    certificates = make_certificates(directory, "localhost", "127.0.0.1")
    home = BrokerHome(directory / "broker", port, directory / "activemq.log", certificates)
    child = start_broker(engines.activemq, Broker("tests-grading", BROKER_XML, [user]), home)
    with ending(child):
        wait_until_ready(
            child, lambda: broker_answers(port, certificates.ca_file, user), READY_SECONDS
        )
        endpoint = f"stomp+ssl://localhost:{port}"
        yield RunningBroker(endpoint, port, user.name, user.password, certificates.ca_file)


@pytest.fixture(scope="session")
def mariadb(
    engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningDatabase]:
    """A real MariaDB with one user who may do everything; see `fresh_database`."""
    directory = tmp_path_factory.mktemp("mariadb")
    (port,) = free_ports(1)
    home = DatabaseHome(directory / "server", port, directory / "mariadb.log")
    prepare_data(engines.mariadb, home)
    database = Database("grader", "a-Password-for-tests-2")
    child = start_database(engines.mariadb, database, home)
    with ending(child):
        wait_until_ready(child, lambda: database_answers(port), READY_SECONDS)
        yield RunningDatabase(f"127.0.0.1:{port}", port, database.user, database.password)


@pytest.fixture
def fresh_database(mariadb: RunningDatabase) -> Iterator[RunningDatabase]:
    """An empty database that is gone after the test."""
    name = f"t_{uuid.uuid4().hex}"
    connection = pymysql.connect(
        host="127.0.0.1", port=mariadb.port, user=mariadb.user, password=mariadb.password
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield RunningDatabase(mariadb.endpoint, mariadb.port, mariadb.user, mariadb.password, name)
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an AWS API in a process of its own; tests choose names that do not collide."""
    directory = tmp_path_factory.mktemp("moto")
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "gradectl.local.moto", str(port)]
    program = Program("moto", command, {"PATH": "/usr/bin:/bin"}, directory, directory / "moto.log")
    child = Child(program)
    with ending(child):
        wait_until_ready(child, lambda: is_listening(port), READY_SECONDS)
        yield f"http://localhost:{port}"


def ending(child: Child) -> ExitStack:
    """End a program with the block, in good order."""
    stack = ExitStack()
    stack.callback(child.stop, 20.0)
    return stack
