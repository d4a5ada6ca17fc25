"""States of queues of SQS, read with the real client from an emulated account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from gradectl.adapters.aws.sqs_states import SqsStates
from gradectl.adapters.aws.state_models import SqsQueueState
from gradectl.errors import PermissionDeniedError

NOW = datetime.now(UTC)


def client(service: str) -> Any:
    return boto3.client(service, region_name="eu-west-1")


@pytest.fixture
def states() -> Iterator[SqsStates]:
    with mock_aws():
        yield SqsStates(client)


def put(queue: str, metric: str, minutes_ago: int, value: float) -> None:
    """Put a value as SQS does."""
    data = {
        "MetricName": metric,
        "Dimensions": [{"Name": "QueueName", "Value": queue}],
        "Value": value,
        "Timestamp": NOW - timedelta(minutes=minutes_ago),
    }
    client("cloudwatch").put_metric_data(Namespace="AWS/SQS", MetricData=[data])


def test_a_queue_has_counters_policy_and_figures(states: SqsStates) -> None:
    """A message in flight does not wait; the age is the latest one."""
    sqs = client("sqs")
    letters = sqs.create_queue(QueueName="dev-grading-dlq")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])["Attributes"]
    policy = {"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": 50}
    url = sqs.create_queue(
        QueueName="dev-grading-requests", Attributes={"RedrivePolicy": json.dumps(policy)}
    )["QueueUrl"]
    for delay_seconds in (0, 0, 600):
        sqs.send_message(QueueUrl=url, MessageBody="{}", DelaySeconds=delay_seconds)
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)
    put("dev-grading-requests", "ApproximateAgeOfOldestMessage", 4, 100)
    put("dev-grading-requests", "ApproximateAgeOfOldestMessage", 3, 160)
    put("dev-grading-requests", "NumberOfEmptyReceives", 4, 3)
    put("dev-grading-requests", "NumberOfMessagesReceived", 3, 1)

    found = states.read({"grading-requests": url, "grading-dlq": letters}, NOW)

    assert found == {
        "grading-requests": SqsQueueState(
            "dev-grading-requests", 1, 1, 1, "dev-grading-dlq", 50, 160.0, 4
        ),
        "grading-dlq": SqsQueueState("dev-grading-dlq", 0, 0, 0),
    }


def test_a_missing_queue_is_none_and_does_not_hide_the_others(states: SqsStates) -> None:
    """It may just have been deleted."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="dev-grading-dlq")["QueueUrl"]

    found = states.read({"a": url, "b": url.replace("dlq", "results")})

    assert found == {"a": SqsQueueState("dev-grading-dlq", 0, 0, 0), "b": None}
    assert states.read({}) == {}


class Refused:
    """A client without rights."""

    def get_queue_attributes(self, **_: object) -> None:
        """Refuse."""
        answer: Any = {"Error": {"Code": "AccessDenied", "Message": "not authorized"}}
        raise ClientError(answer, "GetQueueAttributes")


def test_a_missing_right_is_not_a_missing_queue() -> None:
    """The error names the call."""
    refused = SqsStates(lambda _service: Refused())

    with pytest.raises(PermissionDeniedError, match="GetQueueAttributes"):
        refused.read({"a": "https://sqs.eu-west-1.amazonaws.com/1/a"})
