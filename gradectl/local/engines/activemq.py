"""The data plane of Amazon MQ: an ActiveMQ process that runs the stored broker configuration."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gradectl.local.engines.broker_xml import BrokerUser, Connector, render_broker_xml
from gradectl.local.engines.find import ActiveMqEngine
from gradectl.local.engines.tls import Certificates, write_private
from gradectl.local.loopback import LOOPBACK
from gradectl.processes.child import Child, ProgramSpec

READY_SECONDS = 60.0
STOP_SECONDS = 15.0
_PROBE_SECONDS = 5.0
_ANSWER_BYTES = 1024
#: For a small broker: starts fast, and stays under 200 MB. Without the optimising compiler, start
#: and a thousand messages take 3.0 s of processor time instead of 5.2 s.
_JVM_OPTIONS = (
    "-Xms32m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
    "-XX:+ExitOnOutOfMemoryError",  # it would go on without the threads that answer
)
_LOG4J = """\
log4j.rootLogger=INFO, out
log4j.logger.org.springframework=WARN
log4j.logger.org.apache.xbean=WARN
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %-5p %m [%c{1}]%n
"""


@dataclass(frozen=True)
class BrokerSpec:
    """
    The settings of a broker in Amazon MQ.

    Args:
        name: Name of the broker.
        xml: The stored configuration, decoded.
        users: The users that may connect.
    """

    name: str
    xml: str
    users: Sequence[BrokerUser]


@dataclass(frozen=True)
class BrokerHome:
    """Directory, port, log file and certificates of a broker process."""

    directory: Path
    port: int
    log_file: Path
    certificates: Certificates


def start_broker(engine: ActiveMqEngine, broker: BrokerSpec, home: BrokerHome) -> Child:
    """
    Start a broker, without waiting until it is ready.

    Passwords are in files that only the owner can read, never on the command line.

    Raises:
        ConfigurationError: The stored configuration is not a broker XML.
    """
    home.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration, log4j = home.directory / "activemq.xml", home.directory / "log4j.properties"
    connector = Connector(home.port, home.certificates.key_store)
    data = home.directory / "data"
    xml = render_broker_xml(
        broker.xml, name=broker.name, users=broker.users, connector=connector, data=data
    )
    write_private(configuration, xml)
    log4j.write_text(_LOG4J)
    command = [
        str(engine.java),
        *_JVM_OPTIONS,
        f"-Dactivemq.home={engine.home}",
        f"-Dactivemq.base={home.directory}",
        f"-Djava.io.tmpdir={home.directory}",
        f"-Dlog4j.configuration={log4j.as_uri()}",
        "-classpath",
        ":".join(map(str, engine.class_path)),
        "org.apache.activemq.console.Main",
        "start",
        f"xbean:{configuration.as_uri()}",
    ]
    program = ProgramSpec("ActiveMQ", command, {"PATH": os.defpath}, home.directory, home.log_file)
    return Child(program)


def broker_answers(port: int, ca_file: Path, user: BrokerUser) -> bool:
    """Return True if a user can log in over TLS, verified with `ca_file`."""
    return _answer(port, ca_file, user).startswith(b"CONNECTED")


def broker_serves(port: int, ca_file: Path, user: BrokerUser) -> bool:
    """
    Return True if a broker is up and knows this user.

    A user without a group may not be authorized to connect. That is an error in the configuration,
    and not a failure of the broker.
    """
    answer = _answer(port, ca_file, user)
    return answer.startswith(b"CONNECTED") or b"not authorized" in answer


def _answer(port: int, ca_file: Path, user: BrokerUser) -> bytes:
    """Return the beginning of the answer to a login; empty if there is no answer."""
    context = ssl.create_default_context(cafile=ca_file)
    connect = (
        f"CONNECT\naccept-version:1.2\nhost:localhost\nlogin:{user.name}\n"
        f"passcode:{user.password}\n\n\0"
    )
    try:
        with (
            socket.create_connection((LOOPBACK, port), timeout=_PROBE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(connect.encode())
            answer = secure.recv(_ANSWER_BYTES).lstrip()
            with suppress(OSError):
                secure.unwrap()  # the broker logs a warning for a connection closed without it
            return answer
    except OSError:  # refused, reset, untrusted certificate, timeout
        return b""
