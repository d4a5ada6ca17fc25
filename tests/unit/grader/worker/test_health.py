"""The health page."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest

from grader.worker.health import Health, serving
from grader.worker.probe import query


def test_health_is_good_when_all_checks_are() -> None:
    """Each check is shown with its detail."""
    health = Health("database")
    health.good("database", "connected")

    with serving(health, 0) as port:
        good, page = query(port)

    assert good
    assert json.loads(page) == {
        "status": "ok",
        "checks": {"database": {"ok": True, "detail": "connected"}},
    }


def test_one_bad_check_makes_health_bad() -> None:
    """The reason is on the page."""
    health = Health("database", "broker-0")
    health.good("broker-0")
    health.bad("database", "waiting: connection refused")

    with serving(health, 0) as port:
        good, page = query(port)

    assert not good
    assert json.loads(page)["checks"]["database"]["detail"] == "waiting: connection refused"


def test_a_check_is_bad_until_it_is_set() -> None:
    """A starting worker is unhealthy."""
    assert not Health("database").report()[0]


def test_no_worker_is_unhealthy() -> None:
    """The text differs from that of an unhealthy worker."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]

    good, page = query(port)

    assert not good
    assert f"no answer from port {port}" in page


def test_other_pages_do_not_exist() -> None:
    """Every path other than /health is 404."""
    with serving(Health(), 0) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /other HTTP/1.0\r\n\r\n")
        assert b"404" in client.makefile("rb").readline()


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n{}", True),
        (b"HTTP/1.0 200\r\n\r\n{}", True),
        (b"HTTP/1.0 503 Service Unavailable\r\n\r\n 200 ", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"SSH-2.0-OpenSSH 200 \r\n\r\n", False),
        (b"\xff" * (1 << 20), False),
        (b"", False),
    ],
)
def test_only_a_whole_answer_of_200_is_good(answer: bytes, good: bool) -> None:
    """Another program on the port, or a worker that died in its answer, is not healthy."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        answering = pool.submit(_answer, server, answer)
        seen, page = query(server.getsockname()[1])
        answering.result()

    assert seen == good
    assert len(page) < 1 << 18


def test_a_silent_worker_is_unhealthy() -> None:
    """The probe answers before the health check gives up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        good, page = query(server.getsockname()[1], timeout=0.05)

    assert not good
    assert "timed out" in page


def _answer(server: socket.socket, text: bytes) -> None:
    connection, _ = server.accept()
    with connection, suppress(ConnectionError):
        connection.recv(1 << 16)
        connection.sendall(text)
