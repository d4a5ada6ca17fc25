"""The emulated SQS, with the real client over real connections."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

REGION = "ap-northeast-2"
LONG_POLL_SECONDS = 20


@pytest.fixture(name="sqs")
def _sqs(aws: Callable[[str], Any]) -> Any:
    return aws("sqs")


@pytest.fixture(name="queue")
def _queue(sqs: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a queue of this test alone."""
    name = f"queue-{abs(hash(request.node.name))}"
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture(name="in_background")
def _in_background() -> Iterator[Callable[..., Future[Any]]]:
    with ThreadPoolExecutor() as threads:
        yield threads.submit


def receive(sqs: Any, queue: str, **more: Any) -> list[Any]:
    found: list[Any] = sqs.receive_message(QueueUrl=queue, **more).get("Messages", [])
    return found


def test_a_long_poll_keeps_no_other_call_waiting(
    sqs: Any, queue: str, in_background: Callable[..., Future[Any]]
) -> None:
    """Otherwise one idle worker stops the account; a message ends the wait at once."""
    started = monotonic()
    poll = in_background(receive, sqs, queue, WaitTimeSeconds=LONG_POLL_SECONDS)
    for number in range(20):
        sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])
        assert not poll.done(), number
    sqs.send_message(QueueUrl=queue, MessageBody="a job")

    (message,) = poll.result()
    assert message["Body"] == "a job"
    assert monotonic() - started < LONG_POLL_SECONDS


def test_a_queue_has_a_wait_of_its_own(
    sqs: Any, queue: str, in_background: Callable[..., Future[Any]]
) -> None:
    """A call that names none has that of the queue; a call that names 0 does not wait."""
    wait = {"ReceiveMessageWaitTimeSeconds": str(LONG_POLL_SECONDS)}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=wait)
    poll = in_background(receive, sqs, queue)
    assert receive(sqs, queue, WaitTimeSeconds=0) == []

    sqs.send_message(QueueUrl=queue, MessageBody="a job")

    assert [each["Body"] for each in poll.result()] == ["a job"]


def test_a_postponed_message_ends_the_wait_when_its_time_comes(
    sqs: Any, queue: str, in_background: Callable[..., Future[Any]]
) -> None:
    """Visibility that ends by time wakes a long poll, and visibility 0 at once."""
    sqs.send_message(QueueUrl=queue, MessageBody="a job")
    for again_after_seconds in (1, 0):
        (message,) = receive(sqs, queue)
        poll = in_background(receive, sqs, queue, WaitTimeSeconds=LONG_POLL_SECONDS)
        sqs.change_message_visibility(
            QueueUrl=queue,
            ReceiptHandle=message["ReceiptHandle"],
            VisibilityTimeout=again_after_seconds,
        )
        (again,) = poll.result()
        assert again["MessageId"] == message["MessageId"]
        sqs.change_message_visibility(
            QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"], VisibilityTimeout=0
        )


def test_a_client_that_closed_its_connection_gets_no_message(
    moto_server: str, sqs: Any, queue: str
) -> None:
    """A worker that was killed during its long poll takes no message away, in either protocol."""
    scope = f"testing/20260101/{REGION}/sqs/aws4_request"
    common = (
        f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n"
        f"Host: {urlsplit(moto_server).netloc}\r\n"
    )
    json_body = json.dumps({"QueueUrl": queue, "WaitTimeSeconds": LONG_POLL_SECONDS})
    fields = {"Action": "ReceiveMessage", "Version": "2012-11-05", "WaitTimeSeconds": "20"}
    query_body = urlencode({**fields, "QueueUrl": queue})
    for kind, body in (
        ("application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.ReceiveMessage", json_body),
        ("application/x-www-form-urlencoded", query_body),
    ):
        address = urlsplit(moto_server)
        with socket.create_connection((address.hostname or "", address.port or 0)) as client:
            head = f"POST / HTTP/1.1\r\n{common}Content-Type: {kind}\r\n"
            client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            # a later call of the same kind was answered: the first one is under way
            receive(sqs, queue, WaitTimeSeconds=1)
        sqs.send_message(QueueUrl=queue, MessageBody="a job")

        (message,) = receive(sqs, queue, WaitTimeSeconds=LONG_POLL_SECONDS)
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_redrive_policies_keep_their_text(sqs: Any, queue: str) -> None:
    """Terraform compares texts, and waits until it reads the one that it wrote."""
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    texts = {
        "RedrivePolicy": json.dumps(
            {"maxReceiveCount": 50, "deadLetterTargetArn": arn["QueueArn"]}, separators=(",", ":")
        ),
        "RedriveAllowPolicy": '{"redrivePermission":"byQueue","sourceQueueArns":["arn:x"]}',
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=texts)
    for names in (["All"], list(texts)):
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        assert {name: found[name] for name in texts} == texts

    sqs.set_queue_attributes(QueueUrl=queue, Attributes=dict.fromkeys(texts, ""))
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert not texts.keys() & found.keys()
