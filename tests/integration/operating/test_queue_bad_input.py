"""`gradectl queue` with wrong command lines, hostile messages, and brokers that misbehave."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import in_process
import pytest
import trustme

pytestmark = pytest.mark.engine

DLQ = "grading-dlq"
FROM = {"x-gradectl-original-queue": "grading-requests"}

#: Each verb that names a queue, with all that it needs to change something.
VERBS = {
    "inspect": (),
    "tail": ("--count", "1"),
    "redrive": ("--apply", "--yes"),
    "move": ("--to", "grading-requests", "--apply", "--yes"),
    "delete": ("--older-than", "0s", "--apply", "--yes"),
    "purge": ("--confirm", "unknown-queue"),
    "export": ("--to", "unknown.ndjson"),
    "send": ("--field", "a=b", "--yes"),
}
#: Those that ask before they change something, without an answer.
CHANGES = {
    "redrive": ("--apply",),
    "move": ("--to", "grading-requests", "--apply"),
    "delete": ("--older-than", "0s", "--apply"),
    "purge": (),
    "send": ("--field", "a=b"),
}


def test_no_verb_creates_an_unknown_queue(applied: Any) -> None:
    """A misspelt name is an error, and the next step lists the right ones."""
    broker = applied.open_broker()
    broker.send(DLQ, b"{}", {})
    assert applied.gradectl("queue", "export", DLQ, "--to", "some.ndjson").code == 0
    imported = ("import", "some.ndjson", "--to", "unknown-queue", "--apply", "--yes")

    for arguments in (
        *((verb, "unknown-queue", *options) for verb, options in VERBS.items()),
        ("move", DLQ, "--to", "unknown-queue", "--apply", "--yes"),
        imported,
    ):
        result = applied.gradectl("queue", *arguments)
        assert result.code == 1, result.stderr
        assert "queue 'unknown-queue' not found" in result.stderr
        assert "gradectl queue list" in result.stderr

    assert broker.inspector.statistics(["unknown-queue"]) == {}
    assert broker.inspector.statistics([DLQ])[DLQ].size == 1
    assert not (applied.root / "unknown.ndjson").exists()


def test_a_bad_selector_is_a_mistake_in_the_command_line(applied: Any) -> None:
    """The broker refuses it; its words are not those of the user."""
    applied.open_broker().send(DLQ, b"{}", {})

    for selector in ("JMSPriority >>> 5", "JMSType = 'a", "a\n:b", "((", "x = 'é' AND"):
        result = applied.gradectl("queue", "inspect", DLQ, "--selector", selector)
        assert result.code == 64, result.stderr
        assert f"the broker refuses the selector {selector!r}" in result.stderr
        assert "next:    a selector is like" in result.stderr


def test_a_bad_expression_changes_nothing(applied: Any) -> None:
    """Also one that fails only for the second of two messages."""
    broker = applied.open_broker()
    broker.send(DLQ, b'{"n": [1]}', FROM)
    broker.send(DLQ, b'{"n": 1}', FROM)

    for verb in ("redrive", "move", "delete", "export"):
        for expression in ("a ==", "sum(body.n) == `1`"):
            result = applied.gradectl("queue", verb, DLQ, "--where", expression, *VERBS[verb])
            assert result.code == 64, result.stderr
            assert "--where" in result.stderr

    assert broker.inspector.statistics([DLQ])[DLQ].size == 2
    assert not (applied.root / "unknown.ndjson").exists()


@contextmanager
def accepting(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Accept connections and serve each on a thread; yields the endpoint."""

    def accept(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=serve, args=[client], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=[server], daemon=True).start()
        try:
            yield f"stomp+ssl://localhost:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)


def stay_silent(client: socket.socket) -> None:
    """Read until the client gives up."""
    with client, suppress(OSError):
        while client.recv(65_536):
            pass


def presenting(context: ssl.SSLContext) -> Callable[[socket.socket], None]:
    """Make a server that does the handshake only."""

    def shake_hands(client: socket.socket) -> None:
        with client, suppress(OSError):
            context.wrap_socket(client, server_side=True).recv(1)

    return shake_hands


def test_a_silent_server_exits_with_69(applied: Any) -> None:
    """Without --timeout too; the error has the address."""
    with accepting(stay_silent) as endpoint:
        applied.set_parameter("mq/broker-endpoint", endpoint)
        given_up = applied.gradectl("queue", "list")
        stopped = applied.gradectl("--timeout", "0.5", "queue", "inspect", DLQ)

    assert given_up.code == 69, given_up.stderr
    assert endpoint in given_up.stderr
    assert "next:" in given_up.stderr
    assert stopped.code == 124, stopped.stderr


def certificate(folder: Path, name: str, **validity: datetime) -> tuple[ssl.SSLContext, Path]:
    """Make the context of a server, and the file of the authority that signed its certificate."""
    authority = trustme.CA()
    issued = authority.issue_cert(name, **validity)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    return context, ca_file


def test_an_expired_certificate_exits_with_78(applied: Any, tmp_path: Path) -> None:
    """The authority is trusted, so the advice is not to trust it."""
    last_year = datetime.now(UTC) - timedelta(days=365)
    validity = {"not_before": last_year, "not_after": last_year + timedelta(days=1)}
    context, ca_file = certificate(tmp_path, "localhost", **validity)
    with accepting(presenting(context)) as endpoint:
        applied.set_parameter("mq/broker-endpoint", endpoint)
        result = applied.gradectl("queue", "list", SSL_CERT_FILE=str(ca_file))

    assert result.code == 78, result.stderr
    assert "certificate has expired" in result.stderr
    assert endpoint in result.stderr
    assert "next:    renew the certificate" in result.stderr


def test_a_certificate_for_another_host_exits_with_78(applied: Any, tmp_path: Path) -> None:
    """The advice is about the name; a tunnel to localhost is the usual cause."""
    context, ca_file = certificate(tmp_path, "b-1.mq.example.com")
    with accepting(presenting(context)) as endpoint:
        applied.set_parameter("mq/broker-endpoint", endpoint)
        result = applied.gradectl("queue", "list", SSL_CERT_FILE=str(ca_file))

    assert result.code == 78, result.stderr
    assert "not valid for 'localhost'" in result.stderr
    assert endpoint in result.stderr
    assert "next:    connect by a name of the certificate" in result.stderr


def test_ten_megabytes_come_back_byte_for_byte(applied: Any) -> None:
    """Through the plan, a file, the journal and the queue; a table stays small."""
    broker = applied.open_broker()
    body = b'{"requestId": "req_large", "pad": "' + b"x" * 10_000_000 + b'"}'
    broker.send(DLQ, body, FROM)

    listed = applied.gradectl("queue", "inspect", DLQ)
    exported = applied.gradectl("queue", "export", DLQ, "--to", "large.ndjson")
    moved = applied.gradectl("queue", "move", DLQ, "--to", "grading-priority", "--apply", "--yes")
    imported = applied.gradectl("queue", "import", "large.ndjson", "--apply", "--yes")

    assert listed.code == exported.code == moved.code == imported.code == 0, moved.stderr
    assert "req_large" in listed.stdout
    assert len(listed.stdout) < 10_000
    for queue in (DLQ, "grading-priority"):
        (message,) = broker.inspector.browse(queue)
        assert hashlib.sha256(message.body).digest() == hashlib.sha256(body).digest()
        purged = applied.gradectl("queue", "purge", queue, "--confirm", queue)
        assert purged.code == 0, purged.stderr


def test_a_file_that_is_too_large_or_is_no_export_is_refused(applied: Any) -> None:
    """Before anything is sent."""
    (applied.root / "large").write_bytes(b"x" * 10_000_000)
    (applied.root / "binary").write_bytes(b"\xff\x00\xfe")

    sent = applied.gradectl("queue", "send", DLQ, "--file", "large", "--raw", "--yes")
    imported = applied.gradectl("queue", "import", "binary", "--apply", "--yes")

    assert sent.code == 64, sent.stderr
    assert imported.code == 78, imported.stderr
    assert applied.open_broker().inspector.statistics([DLQ])[DLQ].size == 0


HOSTILE = {
    "x-note": "a:b\nc\r\\d\x1b[31m",
    "x-gradectl-reason": "two\nlines: and a colon",
    "x:colon\nline": "v",
    "correlation-id": "req:1\nreq:2",
}


def test_headers_with_newlines_and_colons_are_shown_on_one_line_and_kept(applied: Any) -> None:
    """In tables, documents, journals and copies."""
    broker = applied.open_broker()
    broker.send(DLQ, b"\xff", {**FROM, **HOSTILE})
    (message,) = broker.inspector.browse(DLQ)

    listed = applied.gradectl("queue", "inspect", DLQ)
    shown = applied.gradectl("queue", "inspect", DLQ, "--id", message.message_id)
    document = applied.gradectl("queue", "inspect", DLQ, "--id", message.message_id, "-o", "json")
    moved = applied.gradectl(
        *("queue", "move", DLQ, "--to", "grading-priority", "--apply", "--yes", "-o", "json")
    )

    assert listed.code == shown.code == document.code == moved.code == 0, moved.stderr
    assert not {"\x1b", "\r"} & set(listed.stdout + shown.stdout + moved.stderr)
    assert len([line for line in listed.stdout.splitlines() if "colon" in line]) == 1
    (copy,) = broker.inspector.browse("grading-priority")
    for name, value in HOSTILE.items():
        assert document.document["message"]["headers"][name] == value
        assert copy.headers[name] == value
    assert copy.body == b"\xff"
    taking = json.loads(Path(moved.document["journal"]).read_text().splitlines()[0])
    assert taking["headers"]["x-note"] == HOSTILE["x-note"]


def test_without_a_terminal_nothing_is_changed_unasked(applied: Any) -> None:
    """The error names the option that answers."""
    broker = applied.open_broker()
    broker.send(DLQ, b"{}", FROM)

    for verb, arguments in CHANGES.items():
        result = applied.gradectl("queue", verb, DLQ, *arguments)
        assert result.code == 5, result.stderr
        assert "no terminal" in result.stderr
        assert "--yes" in result.stderr or f"--confirm {DLQ}" in result.stderr

    found = broker.inspector.statistics([DLQ, "grading-requests"])
    assert {name: each.size for name, each in found.items()} == {DLQ: 1, "grading-requests": 0}


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize("columns", [80, 200])
def test_the_width_of_a_terminal_cuts_no_id(applied: Any, columns: int) -> None:
    """Of all tables of queues."""
    broker = applied.open_broker()
    broker.send(DLQ, b'{"requestId": "req_0123456789"}', {**FROM, "x-gradectl-reason": "why " * 40})
    (message,) = broker.inspector.browse(DLQ)
    environ = applied.environ(COLUMNS=str(columns), NO_COLOR="1", TERM="xterm")
    output = {}
    for verb in ("list", "inspect", "redrive"):
        name = () if verb == "list" else (DLQ,)
        out, err = Terminal(), Terminal()
        done = in_process.run(applied.root, environ, "queue", verb, *name, out=out, errors=err)
        assert done.code == 0, done.stderr
        output[verb] = done.stdout + done.stderr

    assert message.message_id in output["inspect"].split()
    assert message.message_id in output["redrive"].split()
    assert "req_0123456789" in output["inspect"].split()
    table = [line for line in output["list"].splitlines() if "grading-" in line and ":" not in line]
    assert max(map(len, table)) <= columns


class Gone(io.StringIO):
    """Standard output whose reader has gone."""

    def write(self, _text: str) -> int:
        """Fail, as a pipe does."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def test_a_reader_that_has_gone_ends_an_inspection_quietly(applied: Any) -> None:
    """As `gradectl queue inspect grading-dlq | head -1` does."""
    applied.open_broker().send(DLQ, b"{}", {})

    done = in_process.run(applied.root, applied.environ(), "queue", "inspect", DLQ, out=Gone())

    assert (done.code, done.stderr) == (141, "")


#: What a broker sends before it falls silent: a login, and a part of a large message.
_SPOKEN_BYTES = 100_000


@contextmanager
def falling_silent(broker: Any) -> Iterator[str]:
    """An endpoint of the broker that passes on only so much to each client."""

    def pass_on(near: socket.socket, far: socket.socket, most: float) -> None:
        with suppress(OSError):
            while chunk := near.recv(65_536):
                most -= len(chunk)
                if most > 0:
                    far.sendall(chunk)
        with suppress(OSError):
            far.shutdown(socket.SHUT_RDWR)

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", broker.port)) as engine:
            sending = threading.Thread(target=pass_on, args=[client, engine, float("inf")])
            sending.start()
            pass_on(engine, client, _SPOKEN_BYTES)
            sending.join()

    with accepting(serve) as endpoint:
        yield endpoint


def test_a_broker_that_falls_silent_in_the_middle_exits_with_69(applied: Any) -> None:
    """A cut network leaves a half-open connection; the error has the time that it waited."""
    applied.open_broker().send(DLQ, b"x" * 10 * _SPOKEN_BYTES, {})
    with falling_silent(applied.broker) as endpoint:
        applied.set_parameter("mq/broker-endpoint", endpoint)
        result = applied.gradectl("queue", "inspect", DLQ)

    assert result.code == 69, result.stderr
    assert "no answer within 10 s" in result.stderr
    assert "next:" in result.stderr
