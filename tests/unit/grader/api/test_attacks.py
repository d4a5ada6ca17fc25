"""Hostile clients against the whole API on a real server: keys, bodies, bytes and streams."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import uvicorn
from memory_api import AwayStore, MemoryInspector, MemorySender, counters, graded

from grader.api.app import create_app
from grader.api.auth.gate import ApiGate, GateSettings
from grader.api.auth.keys import KeyStore
from grader.api.protection.connections import server_config
from grader.api.protection.stack import ProtectionSettings
from grader.api.services import Services
from grader.contract.api_keys import (
    ID_BYTES,
    SECRET_BYTES,
    ApiKeyRecord,
    Scope,
    format_key,
    hash_secret,
)
from grader.logs import Redactor, make_logger
from grader.testing import MemoryQueues, MemorySubmissions
from grader.testing.stores import MemoryParameterStore

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PROGRAM = {"problemId": "sum", "language": "python", "source": "print(1)"}
STREAMS = 20
SECONDS = 20.0


class Served:
    """An API with a key of ann and one of bob, served on loopback by a thread."""

    def __init__(self) -> None:
        self.parameters = MemoryParameterStore()
        self.keys = {name: self.add(number, name) for number, name in enumerate(("ann", "bob"), 1)}
        store = KeyStore(self.parameters, "/dev/api-keys/", lambda: 0.0)
        limits = GateSettings(rate_per_minute=100_000, concurrency=1000)
        self.gate = ApiGate(store, limits, clock=lambda: 0.0, now=lambda: NOW)
        self.rows = MemorySubmissions()
        self.rows.put(graded("req_done"))
        self.queues = MemoryQueues()
        app = create_app(
            Services(
                gate=self.gate,
                store=AwayStore(),
                sender=MemorySender(self.queues),
                reader=self.rows,
                open_inspector=MemoryInspector({"grading-requests": counters()}).open,
                log=make_logger("text", "ERROR", redactor=Redactor()),
                protection=ProtectionSettings(most_body_bytes=100_000, most_streams=STREAMS),
            )
        )
        self.server = uvicorn.Server(server_config(app, drain_seconds=1))
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def add(self, number: int, user: str) -> str:
        """Store a key of a user; returns its text."""
        key_id, secret, text = format_key(bytes([number] * ID_BYTES), bytes(SECRET_BYTES))
        record = ApiKeyRecord(
            hash=hash_secret(secret),
            name=user,
            user_id=user,
            scopes=frozenset({Scope.SUBMIT, Scope.READ_OWN}),
            created_at=NOW,
        )
        self.parameters.values[f"/dev/api-keys/{key_id}"] = record.to_json().decode()
        return text

    def _serve(self) -> None:
        asyncio.run(self.server._serve([self.listening]))

    def close(self) -> None:
        """Stop it."""
        self.server.should_exit = self.server.force_exit = True
        self._thread.join()
        self.listening.close()
        self.gate.close()

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), SECONDS)

    def answer(self, raw: bytes) -> tuple[int, bytes]:
        """Send bytes, and read the answer; 0 if the connection was closed without one."""
        with self.connect() as connection:
            connection.sendall(raw)
            answer = http.client.HTTPResponse(connection)
            try:
                answer.begin()
                return answer.status, answer.read()
            except (http.client.HTTPException, ConnectionError):
                return 0, b""
            finally:
                answer.close()

    def call(self, method: str, path: bytes, body: bytes = b"", *, key: str = "ann") -> int:
        """One call; returns the status."""
        return self.answer(self.head(method, path, len(body), key=key) + body)[0]

    def head(self, method: str, path: bytes, length: int, *, key: str = "ann") -> bytes:
        """The head of a call with a body."""
        text = self.keys.get(key, key)
        return (
            f"{method} ".encode()
            + path
            + f" HTTP/1.1\r\nhost: x\r\nx-api-key: {text}\r\nconnection: close\r\n".encode()
            + f"content-type: application/json\r\ncontent-length: {length}\r\n\r\n".encode()
        )

    def works(self) -> bool:
        """Whether a usual call is answered."""
        return self.call("GET", b"/v1/submissions/req_done") == 200


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """One API for all attacks: each must leave it working."""
    served = Served()
    yield served
    served.close()


def test_a_usual_client_is_served(served: Served) -> None:
    """Its submission is queued; another user's key does not see its result."""
    assert served.call("POST", b"/v1/submissions", json.dumps(PROGRAM).encode()) == 202
    assert len(served.queues.waiting("grading-requests")) == 1
    assert served.works()
    assert served.call("GET", b"/v1/submissions/req_done", key="bob") == 404


@pytest.mark.parametrize("place", ["body", "path", "query", "header", "key"])
@pytest.mark.parametrize("junk", [b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\x00"])
def test_bytes_that_are_not_utf_8_are_refused(served: Served, place: str, junk: bytes) -> None:
    """Wherever they are; never a fault of the service."""
    head = served.head("GET", b"/v1/submissions/req_done", 0)
    source = b'{"problemId": "sum", "language": "python", "source": "' + junk + b'"}'
    raw = {
        "body": served.head("POST", b"/v1/submissions", len(source)) + source,
        "path": head.replace(b"req_done", b"req_" + junk),
        "query": head.replace(b"req_done", b"req_done?limit=" + junk),
        "header": head.replace(b"host: x", b"host: x\r\nlast-event-id: " + junk),
        "key": head.replace(b"x-api-key: ", b"x-api-key: " + junk),
    }[place]

    status, _ = served.answer(raw)

    allowed = {400, 401, 404, 422} | ({200} if place in ("query", "header") else set())
    assert status in allowed
    assert served.works()


def test_escaped_bytes_in_a_path_are_not_found(served: Served) -> None:
    """Nor can they leave the path of the endpoint."""
    for path in (b"%ff%fe", b"%00", b"..%2f..%2fetc", b"%2e%2e", b"a%0d%0ab: c"):
        assert served.call("GET", b"/v1/submissions/" + path) in (400, 404)
    assert served.works()


@pytest.mark.parametrize(
    "body",
    [b"", b"[" * 90_000, b'{"a":' * 15_000, b"1e999999", b'"\\ud800"', b"{}" * 40_000, b"null"],
    ids=["empty", "brackets", "objects", "number", "half a character", "many", "null"],
)
def test_odd_json_is_refused(served: Served, body: bytes) -> None:
    """Deep nesting and huge numbers as well."""
    assert served.call("POST", b"/v1/submissions", body) in (400, 422)
    assert served.works()


def test_a_hundred_megabytes_are_refused_while_they_are_sent(served: Served) -> None:
    """The client sees the answer although it has not sent everything."""
    for key, status in (("ann", 413), ("none", 401)):
        with served.connect() as connection:
            connection.sendall(served.head("POST", b"/v1/submissions", 104_857_600, key=key))
            connection.sendall(b"x" * 500_000)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert (answer.status, answer.getheader("connection")) == (status, "close")
            answer.close()
    assert served.works()


def test_a_body_without_end_is_refused_while_it_is_sent(served: Served) -> None:
    """Chunked, so it has no length; the client stops when the connection is closed."""
    head = served.head("POST", b"/v1/submissions", 0)
    chunked = head.replace(b"content-length: 0", b"transfer-encoding: chunked")
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with served.connect() as connection:
        connection.sendall(chunked)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 64_000_000:
                connection.sendall(chunk)
                sent += 65_536
    assert sent < 64_000_000
    assert served.works()


def test_two_lengths_do_not_smuggle_a_call(served: Served) -> None:
    """A proxy might have read the other one."""
    inner = b"GET /v1/me HTTP/1.1\r\nhost: x\r\n\r\n"
    head = served.head("POST", b"/v1/submissions", 0)
    for lengths in (b"content-length: 5", b"transfer-encoding: chunked"):
        raw = head.replace(b"content-length: 0", b"content-length: 0\r\n" + lengths) + inner
        assert served.answer(raw)[0] == 400
    assert served.works()


def test_streams_beyond_the_limit_are_refused_and_calls_still_work(served: Served) -> None:
    """Over real connections: the first ones stay open, each further one has its answer at once."""
    path = b"/v1/submissions/"
    body = json.dumps(PROGRAM).encode()
    _, answered = served.answer(served.head("POST", b"/v1/submissions", len(body)) + body)
    events = path + json.loads(answered)["requestId"].encode() + b"/events"
    with contextlib.ExitStack() as stack:
        statuses = []
        for _ in range(STREAMS + 100):
            connection = stack.enter_context(served.connect())
            connection.sendall(served.head("GET", events, 0))
            answer = http.client.HTTPResponse(connection)
            stack.callback(answer.close)
            answer.begin()
            statuses.append(answer.status)
        assert statuses == [200] * STREAMS + [503] * 100
        assert served.works()


def test_many_idle_connections_do_not_stop_calls(served: Served) -> None:
    """They are closed after ten seconds; meanwhile calls are answered."""
    with contextlib.ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(served.connect()).sendall(b"GET / HT")
        assert served.works()
