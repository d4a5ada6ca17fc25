"""The control plane detects calls that may change the desired state, and owns one port."""

from __future__ import annotations

import io
import socket
from http.client import HTTPConnection
from threading import Event, Lock
from typing import Any

import pytest

from gradectl.errors import ExitCode, TryAgainError
from gradectl.local.control_plane.server import ControlPlane, may_change, one_at_a_time


def signed(service: str) -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential=testing/20240820/ap-northeast-2/{service}/aws4_request,"
        " SignedHeaders=host, Signature=0"
    )


@pytest.mark.parametrize(
    ("service", "target"),
    [
        ("mq", ""),
        ("rds", ""),
        ("ecs", "AmazonEC2ContainerServiceV20141113.UpdateService"),
        ("ssm", "AmazonSSM.PutParameter"),
    ],
)
def test_a_change_to_a_service_with_a_data_plane_is_reported(service: str, target: str) -> None:
    """The desired state may have changed."""
    assert may_change(signed(service), target)


@pytest.mark.parametrize(
    ("authorization", "target"),
    [
        (signed("ecs"), "AmazonEC2ContainerServiceV20141113.DescribeServices"),
        (signed("ssm"), "AmazonSSM.GetParameters"),
        (signed("s3"), ""),
        (signed("logs"), "Logs_20140328.PutLogEvents"),
        ("", ""),
        ("Basic abc", ""),
    ],
)
def test_reads_and_calls_to_other_services_are_not_reported(
    authorization: str, target: str
) -> None:
    """Each graded submission writes to S3, which must not trigger a reconciliation."""
    assert not may_change(authorization, target)


@pytest.mark.parametrize(
    ("authorization", "serialized"), [(signed("iam"), True), (signed("s3"), False), ("", False)]
)
def test_all_calls_but_those_to_s3_are_serialized(authorization: str, serialized: bool) -> None:
    """Since moto is not thread-safe; a call to S3 may take long and does not need the lock."""
    lock = Lock()
    seen: list[bool] = []

    def application(_environ: Any, _start_response: Any) -> list[bytes]:
        seen.append(lock.locked())
        return []

    one_at_a_time(application, lock)({"HTTP_AUTHORIZATION": authorization}, None)

    assert (seen, lock.locked()) == ([serialized], False)


class Body(io.BytesIO):
    """A body that is sent while the lock must be free."""

    def __init__(self, content: bytes, lock: Any) -> None:
        super().__init__(content)
        self.lock = lock

    def read(self, size: int | None = -1) -> bytes:
        assert not self.lock.locked()
        return super().read(size)


@pytest.mark.parametrize(("sent", "answered"), [(b"{}", b"{}"), (b"{", b"")])
def test_a_call_is_made_when_it_has_arrived(sent: bytes, answered: bytes) -> None:
    """A client that stops in the middle of a call stops no other one; its call is not made."""
    lock, heads = Lock(), []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    call = {
        "HTTP_AUTHORIZATION": signed("sqs"),
        "CONTENT_LENGTH": "2",
        "wsgi.input": Body(sent, lock),
    }
    answer = one_at_a_time(application, lock)(call, lambda status, _headers: heads.append(status))

    assert b"".join(answer) == answered
    assert heads == ["200 OK" if answered else "400 Bad Request"]


def test_a_port_in_use_raises_try_again_error() -> None:
    """Werkzeug itself would exit the process."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(TryAgainError) as caught:
        ControlPlane(port=server.getsockname()[1])

    assert caught.value.exit_code == ExitCode.TRY_AGAIN


def test_additional_pages_are_served_and_the_port_is_released() -> None:
    """The status page shares the port of the API; after `stop` the port refuses connections."""
    control_plane = ControlPlane(pages={"/_gradectl/status": lambda query: b"%b" % query.encode()})
    control_plane.start()
    address = control_plane.url.removeprefix("http://")
    connection = HTTPConnection(address)
    connection.request("GET", "/_gradectl/status?7")

    assert connection.getresponse().read() == b"7"
    connection.close()
    control_plane.stop()
    with pytest.raises(ConnectionRefusedError):
        HTTPConnection(address).connect()


class CountingSocket(socket.socket):
    """A connection that keeps what each system call sent."""

    pieces: list[bytes]

    def send(self, data: Any, flags: int = 0) -> int:
        self.pieces.append(bytes(data))
        return super().send(data, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.pieces.append(bytes(data))
        super().sendall(data, flags)


def test_an_answer_is_sent_in_one_piece() -> None:
    """After a head without a body the AWS provider may give up, and send its call again."""
    control_plane = ControlPlane(pages={"/page": lambda _query: b"{}"})
    client, server = socket.socketpair()
    connection = CountingSocket(fileno=server.detach())
    connection.pieces = []
    with client, connection:
        client.sendall(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        control_plane._server.finish_request(connection, ("127.0.0.1", 0))
    control_plane._server.server_close()

    (answer,) = connection.pieces
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"{}" in answer


def test_an_upload_goes_on_at_once() -> None:
    """A client that sends `Expect: 100-continue` waits for this line before it sends the body."""
    received = Event()
    control_plane = ControlPlane(pages={"/page": lambda _query: b"%d" % received.wait(60)})
    control_plane.start()
    port = int(control_plane.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=120) as client:
        client.sendall(
            b"PUT /page HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        first = client.recv(1000)
        received.set()
    control_plane.stop()

    assert first.startswith(b"HTTP/1.1 100 Continue")
    assert b"200 OK" not in first
