"""Calls to the emulated API whose answer is lost, over real connections."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import pytest

KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
REGION = "ap-northeast-2"
DEADLINE_SECONDS = 300.0
AT_ONCE = 30  # as many as Terraform sends with -parallelism=30


@pytest.fixture(name="ec2")
def _ec2(moto_server: str) -> Any:
    return boto3.client("ec2", REGION, endpoint_url=moto_server, **KEYS)


def send(url: str, service: str, invocation: str, attempt: int, **fields: str) -> HTTPConnection:
    """Send a call as an SDK does, and leave its answer to be read."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=DEADLINE_SECONDS)
    scope = f"testing/20260101/{REGION}/{service}/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
        "Amz-Sdk-Invocation-Id": invocation,
        "Amz-Sdk-Request": f"attempt={attempt}; max=3",
    }
    connection.request("POST", "/", urlencode(fields), headers)
    return connection


def test_a_delete_whose_answer_was_lost_succeeds_when_repeated(moto_server: str, ec2: Any) -> None:
    """The SDK sends it again; it must not learn that there is nothing to delete."""
    template = ec2.create_launch_template(
        LaunchTemplateName="lost-answer", LaunchTemplateData={"InstanceType": "m6i.large"}
    )["LaunchTemplate"]["LaunchTemplateId"]
    delete = {
        "Action": "DeleteLaunchTemplate",
        "Version": "2016-11-15",
        "LaunchTemplateId": template,
    }
    lost = send(moto_server, "ec2", "lost-delete", 1, **delete)
    assert lost.sock
    lost.sock.recv(1, socket.MSG_PEEK)  # the call is done, and nobody reads its answer
    lost.close()

    repeated = send(moto_server, "ec2", "lost-delete", 2, **delete)
    answer = repeated.getresponse()

    assert (answer.status, template in answer.read().decode()) == (200, True)
    repeated.close()


def test_a_template_that_is_not_there_has_the_error_code_of_aws(ec2: Any) -> None:
    """The provider takes this code, and no other, for the end of a destroy."""
    with pytest.raises(ec2.exceptions.ClientError) as caught:
        ec2.delete_launch_template(LaunchTemplateId="lt-0123456789abcdef0")

    assert caught.value.response["Error"]["Code"] == "InvalidLaunchTemplateId.NotFound"


def test_no_answer_is_lost_when_many_call_at_once(moto_server: str) -> None:
    """Each call is answered on its first attempt, and the connection is closed after the answer."""

    def create_and_delete(number: int) -> list[tuple[int, str | None]]:
        name, seen = f"at-once-{number}", []
        for action in ("CreateRole", "GetRole", "DeleteRole"):
            fields = {"Action": action, "Version": "2010-05-08", "RoleName": name}
            if action == "CreateRole":
                fields["AssumeRolePolicyDocument"] = '{"Version": "2012-10-17", "Statement": []}'
            connection = send(moto_server, "iam", f"{name}-{action}", 1, **fields)
            answer = connection.getresponse()
            answer.read()
            seen.append((answer.status, answer.getheader("Connection")))
            connection.close()
        return seen

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = [each for seen in threads.map(create_and_delete, range(90)) for each in seen]

    assert set(answers) == {(200, "close")}
    assert len(answers) == 270
