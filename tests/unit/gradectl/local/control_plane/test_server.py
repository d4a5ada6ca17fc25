"""The control plane tells apart calls that may change what must run, and has a port of its own."""

from __future__ import annotations

import socket
from http.client import HTTPConnection
from threading import Lock
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
def test_a_change_to_a_service_with_a_data_plane_is_told(service: str, target: str) -> None:
    """What must run may be another afterwards."""
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
def test_reads_and_calls_to_other_services_are_not_told(authorization: str, target: str) -> None:
    """Each graded submission writes to S3; nothing needs to look at the services for that."""
    assert not may_change(authorization, target)


@pytest.mark.parametrize(
    ("authorization", "alone"), [(signed("iam"), True), (signed("s3"), False), ("", False)]
)
def test_calls_to_the_control_plane_do_not_meet_and_those_with_files_do(
    authorization: str, alone: bool
) -> None:
    """A call that another one breaks is repeated, and then finds the half that it made."""
    lock = Lock()
    seen: list[bool] = []

    def application(_environ: Any, _start_response: Any) -> list[bytes]:
        seen.append(lock.locked())
        return []

    one_at_a_time(application, lock)({"HTTP_AUTHORIZATION": authorization}, None)

    assert (seen, lock.locked()) == ([alone], False)


def test_a_taken_port_is_said_in_one_sentence() -> None:
    """Werkzeug alone would end the process."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(TryAgainError) as caught:
        ControlPlane(port=server.getsockname()[1])

    assert caught.value.exit_code == ExitCode.TRY_AGAIN


def test_pages_of_ours_stand_beside_the_aws_api_and_the_port_is_given_back() -> None:
    """The status of the stack is asked where its API is, and after the end nobody answers."""
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
