"""The queues of SQS on an emulated account in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.adapters.aws.queues import Queues
from gradectl.adapters.sqs_broker import SqsBroker, SqsInspector, open_queues, read_urls
from gradectl.errors import PermissionDeniedError, UsageError
from grader.adapters.sqs.client import SqsClient
from grader.errors import SettingsError
from grader.ports.messages import Outgoing

REGION, ACCOUNT, NAME = "ap-northeast-2", "123456789012", "dev"
BUCKET = "dev-grading-files"
REQUESTS, DEAD = "grading-requests", "grading-dlq"
KEYS = {REQUESTS: "requests", "grading-priority": "priority", "grading-results": "results"}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An account with the queues of `dev`, and their parameters."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        sqs, ssm = (boto3.client(each, region_name=REGION) for each in ("sqs", "ssm"))
        for queue, key in {**KEYS, DEAD: "dead-letter"}.items():
            url = sqs.create_queue(QueueName=f"{NAME}-{queue}")["QueueUrl"]
            ssm.put_parameter(Name=f"/{NAME}/sqs/{key}-url", Value=url, Type="String")
        yield Aws(AwsSettings(REGION, ACCOUNT))


@pytest.fixture
def broker(aws: Aws) -> SqsBroker:
    """The queues of `dev`."""
    return open_queues(aws, NAME, read_urls(aws, NAME), BUCKET)


def test_counters_are_those_of_the_queue(aws: Aws, broker: SqsBroker) -> None:
    """Waiting, in flight and delayed; consumers are unknown."""
    for number in range(3):
        broker.send(REQUESTS, b"%d" % number, {})
    broker.send_all([Outgoing(REQUESTS, b"later", delay_ms=60_000)])
    with broker.hold(REQUESTS, 1):
        found = broker.inspector.statistics([REQUESTS, DEAD, "missing"])

    counters = found[REQUESTS]
    assert (counters.waiting, counters.in_flight, counters.delayed) == (2, 1, 1)
    assert counters.consumers is None
    assert found[DEAD].size == 0
    assert "missing" not in found
    assert read_urls(aws, "other") == {}


class Metrics:
    """CloudWatch with the age of one queue, or without the right to read it."""

    def __init__(self, queue: str, age: float | None) -> None:
        self._queue = queue
        self._age = age

    def get_metric_data(self, *, MetricDataQueries: list[Any], **_range: Any) -> Any:  # noqa: N803 - boto3's name
        """Answer the call."""
        if self._age is None:
            answer: Any = {"Error": {"Code": "AccessDenied", "Message": "not allowed"}}
            raise ClientError(answer, "GetMetricData")
        return {
            "MetricDataResults": [
                {"Id": each["Id"], "Values": [self._age] if self._is_own(each) else []}
                for each in MetricDataQueries
            ]
        }

    def _is_own(self, query: Any) -> bool:
        (dimension,) = query["MetricStat"]["Metric"]["Dimensions"]
        return bool(dimension == {"Name": "QueueName", "Value": self._queue})


def test_ages_are_of_cloudwatch(aws: Aws) -> None:
    """By the name of the queue in AWS; without the right to read metrics it says so."""
    urls = read_urls(aws, NAME)
    sqs = boto3.client("sqs", region_name=REGION)

    def inspector(age: float | None) -> SqsInspector:
        metrics = Metrics(f"{NAME}-{REQUESTS}", age)
        return SqsBroker(SqsClient(sqs, urls), Queues(sqs, metrics)).inspector

    known, unknown = inspector(90.0), inspector(None)
    found = known.statistics([REQUESTS, DEAD])
    nothing = unknown.statistics([REQUESTS])[REQUESTS]

    assert found[REQUESTS].taken_at_ms - (found[REQUESTS].oldest_ms or 0) == 90_000
    assert (found[DEAD].oldest_ms, nothing.oldest_ms) == (None, None)
    assert (known.age_failure, "not allowed" in unknown.age_failure) == ("", True)


def test_a_queue_of_another_name_is_found_in_the_account(broker: SqsBroker) -> None:
    """By its name, with or without the one of the environment in front."""
    sqs = boto3.client("sqs", region_name=REGION)
    for name in ("dev-held", "elsewhere"):
        sqs.create_queue(QueueName=name)

    broker.send_all([Outgoing("held", b"a"), Outgoing("elsewhere", b"b")])

    found = broker.inspector.statistics(["held", "elsewhere"])
    assert {queue: counters.size for queue, counters in found.items()} == {
        "held": 1,
        "elsewhere": 1,
    }
    with pytest.raises(SettingsError, match="'nowhere' not found"):
        broker.send_all([Outgoing("nowhere", b"")])


class Rights:
    """An account in which a login has no right on queues except some."""

    def __init__(self, *allowed: str) -> None:
        self.asked: list[str] = []
        self._allowed = allowed

    def get_queue_url(self, *, QueueName: str) -> Any:  # noqa: N803 - boto3's name
        """Answer as IAM does, which decides before SQS looks for the queue."""
        self.asked.append(QueueName)
        if QueueName in self._allowed:
            return {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{QueueName}"}
        answer: Any = {"Error": {"Code": "AccessDenied", "Message": "not allowed"}}
        raise ClientError(answer, "GetQueueUrl")


def test_a_queue_without_a_right_on_the_name_in_the_environment_is_found(aws: Aws) -> None:
    """The rights of an operator name no queue that does not exist."""
    rights = Rights("judge-requests")
    aws.__dict__["queues"] = Queues(rights, None)
    broker = open_queues(aws, NAME, {}, BUCKET)

    assert broker.url("judge-requests").endswith("/judge-requests")
    assert rights.asked == ["dev-judge-requests", "judge-requests"]
    with pytest.raises(PermissionDeniedError, match="not allowed"):
        broker.url("nowhere")


def test_a_queue_of_ours_without_a_parameter_does_not_exist(aws: Aws) -> None:
    """An operator of an environment without urgent requests may not look for their queue."""
    rights = Rights()
    aws.__dict__["queues"] = Queues(rights, Metrics(REQUESTS, None))
    urls = read_urls(aws, NAME)
    del urls["grading-priority"]

    inspector = open_queues(aws, NAME, urls, BUCKET).inspector

    assert list(inspector.statistics([REQUESTS, "grading-priority"])) == [REQUESTS]
    assert rights.asked == []


def test_a_message_that_is_too_large_for_sqs_is_read_and_moved(broker: SqsBroker) -> None:
    """It travels through the bucket, alone or in a batch."""
    boto3.client("s3", region_name=REGION).create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    body = b"x" * 1_100_000
    broker.send(DEAD, body, {"x-note": "n"})

    with broker.hold(DEAD, 1) as held, broker.mover() as mover:
        shown = held[0]
        mover.replace(DEAD, [shown.message_id], lambda _found: [Outgoing(REQUESTS, body)])

    assert (shown.body, shown.headers) == (body, {"x-note": "n"})
    with broker.hold(REQUESTS, 1) as moved:
        assert moved[0].body == body


def test_messages_are_not_browsed(broker: SqsBroker) -> None:
    """To read them they have to be received, which the error says."""
    with pytest.raises(UsageError, match="without receiving") as caught:
        broker.inspector.browse(REQUESTS)

    assert "--sample" in caught.value.next_step


def test_what_is_held_is_hidden_until_the_end(broker: SqsBroker) -> None:
    """Other consumers do not get it; it returns to the queue, also after an error."""
    for number in range(25):
        broker.send(REQUESTS, b"%d" % number, {"x-a": "b"})

    def hold_and_fail() -> None:
        with broker.hold(REQUESTS, 100) as messages:
            assert sorted(int(each.body) for each in messages) == list(range(25))
            assert messages[0].headers == {"x-a": "b"}
            assert broker.inspector.statistics([REQUESTS])[REQUESTS].waiting == 0
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        hold_and_fail()

    assert broker.inspector.statistics([REQUESTS])[REQUESTS].waiting == 25


def test_a_held_message_is_moved_and_the_others_stay(broker: SqsBroker) -> None:
    """The copy is sent before the message is deleted."""
    for number in range(12):
        broker.send(DEAD, b"%d" % number, {})

    with broker.hold(DEAD, 100) as messages, broker.mover() as mover:
        chosen = [each.message_id for each in messages if int(each.body) % 2]
        done = mover.replace(
            DEAD, [*chosen, "gone"], lambda found: [Outgoing(REQUESTS, each.body) for each in found]
        )

    assert sorted(done) == sorted(chosen)
    with broker.hold(DEAD, 100) as left, broker.hold(REQUESTS, 100) as copies:
        assert sorted(int(each.body) for each in left) == [0, 2, 4, 6, 8, 10]
        assert sorted(int(each.body) for each in copies) == [1, 3, 5, 7, 9, 11]
