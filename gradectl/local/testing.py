"""Context managers that run real engines for tests and benchmarks in a given directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gradectl.local.engines.activemq import BrokerHome, BrokerSpec, broker_answers, start_broker
from gradectl.local.engines.find import Engines, find_registry
from gradectl.local.engines.mariadb import (
    Database,
    DatabaseHome,
    database_answers,
    prepare_data,
    start_database,
)
from gradectl.local.engines.registry import RegistryAccess, prepare_registry, start_registry
from gradectl.local.engines.tls import make_certificates
from gradectl.local.loopback import free_ports, is_listening
from gradectl.processes.child import Child, ProgramSpec, wait_until_ready

_READY_SECONDS = 300.0  # a limit for a hung engine, not a measurement
_STOP_SECONDS = 20.0
_PASSWORD = "a-Password-for-tests-2"  # noqa: S105 - of a temporary server


@dataclass(frozen=True)
class RunningBroker:
    """The address and the credentials of a broker."""

    endpoint: str  # stomp+ssl://localhost:PORT
    port: int
    user: str
    password: str = field(repr=False)
    ca_file: Path


@dataclass(frozen=True)
class RunningDatabase:
    """The address and the credentials of a database server, or of one database on it."""

    endpoint: str  # 127.0.0.1:PORT
    port: int
    user: str
    password: str = field(repr=False)
    name: str = ""
    ca_file: Path | None = None


@contextmanager
def running_broker(
    engines: Engines, directory: Path, broker: BrokerSpec
) -> Iterator[RunningBroker]:
    """Run a broker with TLS; the result holds the credentials of its first user."""
    (port,) = free_ports(1)
    certificates = make_certificates(directory, "localhost", "127.0.0.1")
    home = BrokerHome(directory / "broker", port, directory / "activemq.log", certificates)
    user = broker.users[0]
    with _stopping(start_broker(engines.activemq, broker, home)) as child:
        wait_until_ready(
            child, lambda: broker_answers(port, certificates.ca_file, user), _READY_SECONDS
        )
        endpoint = f"stomp+ssl://localhost:{port}"
        yield RunningBroker(endpoint, port, user.name, user.password, certificates.ca_file)


@contextmanager
def running_database(engines: Engines, directory: Path) -> Iterator[RunningDatabase]:
    """Run a database server with TLS and one user with all privileges."""
    (port,) = free_ports(1)
    certificates = make_certificates(directory, "localhost", "127.0.0.1")
    home = DatabaseHome(directory / "server", port, directory / "mariadb.log", certificates)
    prepare_data(engines.mariadb, home)
    database = Database("grader", _PASSWORD)
    with _stopping(start_database(engines.mariadb, database, home)) as child:
        wait_until_ready(child, lambda: database_answers(port), _READY_SECONDS)
        yield RunningDatabase(
            f"127.0.0.1:{port}",
            port,
            database.user,
            database.password,
            ca_file=certificates.ca_file,
        )


@contextmanager
def running_registry(directory: Path) -> Iterator[RegistryAccess]:
    """
    Run a registry of images with TLS and one user.

    Raises:
        ConfigurationError: It is not installed.
    """
    (port,) = free_ports(1)
    certificates = make_certificates(directory, "localhost", "127.0.0.1")
    engine, home = find_registry(), directory / "registry"
    access = prepare_registry(engine, home, port, certificates)
    with _stopping(start_registry(engine, home, directory / "registry.log")) as child:
        wait_until_ready(child, lambda: is_listening(port), _READY_SECONDS)
        yield access


@contextmanager
def running_control_plane(directory: Path, registry: RegistryAccess | None = None) -> Iterator[str]:
    """Run an AWS API without data planes in its own process; yields its URL."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "gradectl.local.control_plane.server", str(port)]
    if registry:
        registry.write(directory / "registry.json")
        command.append(str(directory / "registry.json"))
    log_file = directory / "moto.log"
    program = ProgramSpec("moto", command, {"PATH": os.defpath}, directory, log_file)
    with _stopping(Child(program)) as child:
        wait_until_ready(child, lambda: is_listening(port), _READY_SECONDS)
        yield f"http://localhost:{port}"


@contextmanager
def _stopping(child: Child) -> Iterator[Child]:
    try:
        yield child
    finally:
        child.stop(_STOP_SECONDS)
