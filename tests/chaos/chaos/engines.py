"""Broker and database that can be killed and started again on the same data and port."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pymysql

from gradectl.local.engines.activemq import (
    BrokerHome,
    BrokerSpec,
    broker_answers,
    start_broker,
)
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.find import ActiveMqEngine, MariaDbEngine
from gradectl.local.engines.mariadb import (
    Database,
    DatabaseHome,
    database_answers,
    prepare_data,
    start_database,
)
from gradectl.local.engines.tls import make_certificates
from gradectl.local.loopback import free_ports
from gradectl.processes.child import Child, wait_until_ready
from grader.adapters.activemq.connection import Connection, connect

_XML = Path(__file__).parents[2] / "fixtures" / "broker.xml"
_READY_SECONDS = 300.0  # a limit for a hung engine
_STOP_SECONDS = 20.0
#: Small, so that a fault can fill it.
STORE_MB = 32


class Broker:
    """
    ActiveMQ with TLS, the policies of the messaging module, and a small store.

    Args:
        engine: The installed ActiveMQ.
        directory: Its data, certificates and log.
        environment: More environment variables of its process.
    """

    def __init__(
        self, engine: ActiveMqEngine, directory: Path, environment: Mapping[str, str]
    ) -> None:
        directory.mkdir()
        (self.port,) = free_ports(1)
        certificates = make_certificates(directory, "localhost", "127.0.0.1")
        self.ca_file = certificates.ca_file
        self._home = BrokerHome(
            directory / "broker", self.port, directory / "activemq.log", certificates
        )
        self._engine = replace(engine, java=_with_environment(engine.java, directory, environment))
        self.passwords = {"web": "a-Password-of-web-1", "worker": "a-Password-of-worker-1"}
        self._child: Child | None = None

    def start(self) -> None:
        """Start it on its data, and wait until it answers."""
        users = [BrokerUser(name, password) for name, password in self.passwords.items()]
        spec = BrokerSpec("chaos-grading", _broker_xml(self._home.directory), users)
        child = self._child = start_broker(self._engine, spec, self._home)
        ready = partial(broker_answers, self.port, self.ca_file, users[0])
        wait_until_ready(child, ready, _READY_SECONDS)

    def kill(self) -> None:
        """End it without any time to write."""
        _kill(self._child)

    def stop(self) -> None:
        """End it in order, as a reboot does."""
        if self._child is not None:
            self._child.stop(_STOP_SECONDS)

    def connect(self) -> Connection:
        """Connect as the web tier."""
        endpoint = f"stomp+ssl://localhost:{self.port}"
        password = self.passwords["web"]
        return connect([endpoint], "web", password, ca_file=self.ca_file)


class DatabaseServer:
    """
    MariaDB with an administrator, and the application user of the workers.

    Args:
        engine: The installed MariaDB.
        directory: Its data and log.
    """

    NAME = "grading"
    APPLICATION = "application"
    READER = "reader"

    def __init__(self, engine: MariaDbEngine, directory: Path) -> None:
        directory.mkdir()
        (self.port,) = free_ports(1)
        self._engine = engine
        self._home = DatabaseHome(directory / "server", self.port, directory / "mariadb.log")
        self._login = Database("grader", "a-Password-of-grader-1", self.NAME)
        self._child: Child | None = None
        prepare_data(engine, self._home)

    def start(self) -> None:
        """Start it on its data, and wait until it answers."""
        child = self._child = start_database(self._engine, self._login, self._home)
        wait_until_ready(child, lambda: database_answers(self.port), _READY_SECONDS)

    def kill(self) -> None:
        """End it without any time to write."""
        _kill(self._child)

    def stop(self) -> None:
        """End it in order."""
        if self._child is not None:
            self._child.stop(_STOP_SECONDS)

    def set_password(self, password: str) -> None:
        """Set the password of the application user, and create the user."""
        user = self.APPLICATION
        self.query(f"CREATE USER IF NOT EXISTS {user}")
        self.query(f"GRANT ALL ON {self.NAME}.* TO {user}")
        self.query(f"ALTER USER {user} IDENTIFIED BY '{password}'")

    def make_reader(self, password: str) -> None:
        """Create the user of the API, which may only read."""
        self.query(f"CREATE USER {self.READER} IDENTIFIED BY '{password}'")
        self.query(f"GRANT SELECT ON {self.NAME}.* TO {self.READER}")

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as the administrator."""
        connection = pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user=self._login.user,
            password=self._login.password,
            database=self.NAME,
            autocommit=True,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())


def _kill(child: Child | None) -> None:
    if child is not None:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()


def _with_environment(program: Path, directory: Path, environment: Mapping[str, str]) -> Path:
    """Write a script that starts a program with more environment variables."""
    script = directory / "java"
    words = " ".join(f"{name}='{value}'" for name, value in environment.items())
    script.write_text(f'#!/bin/sh\n{words} exec {program} "$@"\n')
    script.chmod(0o700)
    return script


def _broker_xml(directory: Path) -> str:
    """Limit the store of the module's broker, and let it free the space of read messages soon."""
    more = (
        f'<persistenceAdapter><kahaDB directory="{directory / "kahadb"}"'
        ' journalMaxFileLength="1mb" cleanupInterval="500"/></persistenceAdapter>'
        "<systemUsage><systemUsage><storeUsage>"
        f'<storeUsage limit="{STORE_MB} mb"/></storeUsage></systemUsage></systemUsage>'
    )
    return _XML.read_text().replace("</broker>", f"{more}</broker>")
