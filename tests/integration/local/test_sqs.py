"""The emulated SQS, with the real client over real connections."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.exceptions import ClientError

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


@pytest.fixture(name="dead_letters")
def _dead_letters(sqs: Any, queue: str) -> Iterator[str]:
    """The URL of the dead-letter queue of this queue, which takes a message after one receive."""
    url: str = sqs.create_queue(QueueName=f"{queue.rpartition('/')[2]}-dead")["QueueUrl"]
    policy = {"deadLetterTargetArn": arn(sqs, url), "maxReceiveCount": 1}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps(policy)})
    yield url
    sqs.delete_queue(QueueUrl=url)


def arn(sqs: Any, queue: str) -> str:
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    return str(found["Attributes"]["QueueArn"])


def refusal(call: Callable[..., Any], **arguments: Any) -> str:
    """Return the code of the error with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


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


def test_a_policy_stays_when_another_attribute_is_set(sqs: Any, queue: str) -> None:
    """Terraform sets them in any order, and waits until it reads all of them."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for attribute in ({"Policy": policy}, {"VisibilityTimeout": "60"}):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=attribute)
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]
    assert json.loads(found["Policy"]) == json.loads(policy)

    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert "Policy" not in found


def test_redrive_policies_keep_their_text(sqs: Any, queue: str) -> None:
    """Terraform compares texts, and waits until it reads the one that it wrote."""
    policy = {"maxReceiveCount": 50, "deadLetterTargetArn": arn(sqs, queue)}
    texts = {
        "RedrivePolicy": json.dumps(policy, separators=(",", ":")),
        "RedriveAllowPolicy": '{"redrivePermission":"byQueue","sourceQueueArns":["arn:x"]}',
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=texts)
    for names in (["All"], list(texts)):
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        assert {name: found[name] for name in texts} == texts

    sqs.set_queue_attributes(QueueUrl=queue, Attributes=dict.fromkeys(texts, ""))
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert not texts.keys() & found.keys()


def test_the_handle_of_an_earlier_receive_has_no_effect(sqs: Any, queue: str) -> None:
    """A worker that lost its job cannot delete it; the errors are those of AWS."""
    sqs.send_message(QueueUrl=queue, MessageBody="a job")
    (first,) = receive(sqs, queue)
    extend = {"QueueUrl": queue, "VisibilityTimeout": 0}
    sqs.change_message_visibility(**extend, ReceiptHandle=first["ReceiptHandle"])
    not_in_flight = refusal(
        sqs.change_message_visibility, **extend, ReceiptHandle=first["ReceiptHandle"]
    )
    assert not_in_flight.endswith("MessageNotInflight")
    (second,) = receive(sqs, queue)

    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"])

    sqs.change_message_visibility(**extend, ReceiptHandle=second["ReceiptHandle"])
    for handle, code in (
        (first["ReceiptHandle"], "InvalidParameterValue"),
        ("none", "ReceiptHandleIsInvalid"),
    ):
        assert refusal(sqs.change_message_visibility, **extend, ReceiptHandle=handle) == code
    assert refusal(sqs.delete_message, QueueUrl=queue, ReceiptHandle="none") == code


def test_an_entry_that_is_refused_does_not_stop_its_batch(sqs: Any, queue: str) -> None:
    """Neither at a send nor at a change of visibility."""
    entries = [
        {"Id": "good", "MessageBody": "a job"},
        {"Id": "bad", "MessageBody": "a\0b"},
        {
            "Id": "large",
            "MessageBody": "x",
            "MessageAttributes": {
                f"a{number}": {"DataType": "String", "StringValue": "1"} for number in range(11)
            },
        },
    ]
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [each["Id"] for each in sent["Successful"]] == ["good"]
    assert {each["Id"]: each["Code"] for each in sent["Failed"]} == {
        "bad": "InvalidMessageContents",
        "large": "InvalidParameterValue",
    }
    (message,) = receive(sqs, queue)
    handles = {"good": message["ReceiptHandle"], "bad": "none"}
    changed = sqs.change_message_visibility_batch(
        QueueUrl=queue,
        Entries=[
            {"Id": each, "ReceiptHandle": handle, "VisibilityTimeout": 60}
            for each, handle in handles.items()
        ],
    )
    assert [each["Id"] for each in changed["Successful"]] == ["good"]
    assert [each["Code"] for each in changed["Failed"]] == ["ReceiptHandleIsInvalid"]
    long = {"QueueUrl": queue, "MessageBody": "x" * (2**20 + 1)}
    assert refusal(sqs.send_message, **long) == "InvalidParameterValue"


def test_dead_letters_move_back_to_their_queue(sqs: Any, queue: str, dead_letters: str) -> None:
    """Those of the redrive policy; the task says how many it has moved, and ends."""
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    assert receive(sqs, queue, VisibilityTimeout=0)
    assert receive(sqs, queue) == []  # the receive that moves it
    (dead,) = receive(sqs, dead_letters, VisibilityTimeout=0, MessageSystemAttributeNames=["All"])
    assert dead["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, queue)
    source = {"SourceArn": arn(sqs, dead_letters)}

    sqs.start_message_move_task(**source)

    (again,) = receive(sqs, queue, WaitTimeSeconds=LONG_POLL_SECONDS)
    assert (again["Body"], again["MessageId"] == dead["MessageId"]) == ("poison", False)
    (task,) = sqs.list_message_move_tasks(**source)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)


def test_a_message_that_was_sent_to_the_dead_letters_needs_a_destination(
    sqs: Any, queue: str, dead_letters: str
) -> None:
    """SQS knows no source for it; a task that runs can be cancelled, and is the only one."""
    for number in range(3):
        sqs.send_message(QueueUrl=dead_letters, MessageBody=str(number))
    source = {"SourceArn": arn(sqs, dead_letters)}
    sqs.start_message_move_task(**source)
    (failed,) = sqs.list_message_move_tasks(**source)["Results"]
    assert failed["FailureReason"] == "CouldNotDetermineMessageSource"

    slow = {"DestinationArn": arn(sqs, queue), "MaxNumberOfMessagesPerSecond": 1}
    handle = sqs.start_message_move_task(**source, **slow)["TaskHandle"]
    assert refusal(sqs.start_message_move_task, **source, **slow) == "InvalidParameterValue"
    (moved,) = receive(sqs, queue, WaitTimeSeconds=LONG_POLL_SECONDS)
    sqs.cancel_message_move_task(TaskHandle=handle)

    assert moved["Body"] in {"0", "1", "2"}
    tasks = sqs.list_message_move_tasks(**source, MaxResults=10)["Results"]
    assert [each["Status"] for each in tasks] == ["CANCELLED", "FAILED"]
    cancel = sqs.cancel_message_move_task
    assert refusal(cancel, TaskHandle=handle).endswith("UnsupportedOperation")
    assert refusal(cancel, TaskHandle="none") == "ResourceNotFoundException"


def test_only_a_dead_letter_queue_has_move_tasks(sqs: Any, queue: str, dead_letters: str) -> None:
    """And the destination exists."""
    here, there = arn(sqs, queue), arn(sqs, dead_letters)
    start = sqs.start_message_move_task
    assert refusal(start, SourceArn=here) == "InvalidParameterValue"
    assert refusal(start, SourceArn=f"{here}-none") == "ResourceNotFoundException"
    missing = {"SourceArn": there, "DestinationArn": f"{here}-none"}
    assert refusal(start, **missing) == "ResourceNotFoundException"
    fast = {"SourceArn": there, "MaxNumberOfMessagesPerSecond": 501}
    assert refusal(start, **fast) == "InvalidParameterValue"
    assert sqs.list_message_move_tasks(SourceArn=there).get("Results", []) == []


def test_a_queue_is_purged_once_a_minute(sqs: Any, queue: str) -> None:
    """Messages in flight go too."""
    for number in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody=str(number), DelaySeconds=number)
    receive(sqs, queue)
    sqs.purge_queue(QueueUrl=queue)
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    assert found == dict.fromkeys(names, "0")
    assert refusal(sqs.purge_queue, QueueUrl=queue).endswith("PurgeQueueInProgress")


def test_cloudwatch_has_the_metrics_of_a_queue(
    aws: Callable[[str], Any], sqs: Any, queue: str
) -> None:
    """As of now; AWS is a minute behind."""
    for number in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody=str(number))
    receive(sqs, queue)
    dimension = {"Name": "QueueName", "Value": queue.rpartition("/")[2]}
    now = datetime.now(UTC)
    names = {
        "visible": "ApproximateNumberOfMessagesVisible",
        "hidden": "ApproximateNumberOfMessagesNotVisible",
        "age": "ApproximateAgeOfOldestMessage",
    }
    answer = aws("cloudwatch").get_metric_data(
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        MetricDataQueries=[
            {
                "Id": key,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SQS",
                        "MetricName": name,
                        "Dimensions": [dimension],
                    },
                    "Period": 600,
                    "Stat": "Maximum",
                },
            }
            for key, name in names.items()
        ],
    )
    values = {each["Id"]: each["Values"] for each in answer["MetricDataResults"]}
    assert (values["visible"], values["hidden"]) == ([2.0], [1.0])
    assert 0 < values["age"][0] < 300


def test_a_fifo_queue_is_refused(sqs: Any) -> None:
    """The emulated SQS has standard queues only."""
    fifo = {"QueueName": "a.fifo", "Attributes": {"FifoQueue": "true"}}
    assert refusal(sqs.create_queue, **fifo).endswith("UnsupportedOperation")
