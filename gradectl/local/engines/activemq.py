"""The data plane of Amazon MQ: a real ActiveMQ that runs a stored broker configuration."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gradectl.local.engines.broker_xml import BrokerUser, Connector, render
from gradectl.local.engines.find import ActiveMqEngine
from gradectl.local.engines.tls import Certificates, write_private
from gradectl.local.loopback import LOOPBACK
from gradectl.processes.child import Child, Program

READY_SECONDS = 60.0
STOP_SECONDS = 15.0
_PROBE_SECONDS = 5.0
_ANSWER_BYTES = 1024
#: One core's worth of a small broker: starts fast and stays under 200 MB.
_JVM_OPTIONS = (
    "-Xms32m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
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
    A broker as Amazon MQ knows it.

    Args:
        name: Name of the broker.
        xml: Its configuration as Amazon MQ stores it, decoded.
        users: Who may connect.
    """

    name: str
    xml: str
    users: Sequence[BrokerUser]


@dataclass(frozen=True)
class BrokerHome:
    """Where one broker lives: its directory, its port, its log, what it proves itself with."""

    directory: Path
    port: int
    log_file: Path
    certificates: Certificates


def start_broker(engine: ActiveMqEngine, broker: BrokerSpec, home: BrokerHome) -> Child:
    """
    Start a broker; it does not answer yet.

    Passwords stand in files that only the owner can read, never on the command line.

    Raises:
        ConfigurationError: The stored configuration is not a broker's XML.
    """
    home.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration, log4j = home.directory / "activemq.xml", home.directory / "log4j.properties"
    connector = Connector(home.port, home.certificates.key_store)
    data = home.directory / "data"
    xml = render(broker.xml, name=broker.name, users=broker.users, connector=connector, data=data)
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
    program = Program("ActiveMQ", command, {"PATH": os.defpath}, home.directory, home.log_file)
    return Child(program)


def broker_answers(port: int, ca_file: Path, user: BrokerUser) -> bool:
    """Tell whether a broker lets this user in, over TLS that `ca_file` vouches for."""
    return _answer(port, ca_file, user).startswith(b"CONNECTED")


def broker_serves(port: int, ca_file: Path, user: BrokerUser) -> bool:
    """
    Tell whether a broker is up, and knows this user.

    A user without a group may have no right to connect at all. That is for its owner to mend, while
    the broker runs as it was told to.
    """
    answer = _answer(port, ca_file, user)
    return answer.startswith(b"CONNECTED") or b"not authorized" in answer


def _answer(port: int, ca_file: Path, user: BrokerUser) -> bytes:
    """Give the beginning of what a broker answers to a login; nothing when it does not."""
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
                secure.unwrap()  # the broker warns of a connection that just goes away
            return answer
    except OSError:  # refused, reset, not trusted, silent: it does not answer
        return b""
