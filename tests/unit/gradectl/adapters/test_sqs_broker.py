"""The queues of SQS on an emulated account in this process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.adapters.sqs_broker import SqsBroker, open_queues, read_urls
from gradectl.errors import UsageError
from grader.errors import SettingsError
from grader.ports.messages import Outgoing

REGION, ACCOUNT, NAME = "ap-northeast-2", "123456789012", "dev"
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
    return open_queues(aws, NAME, read_urls(aws, NAME))


def test_counters_are_those_of_the_queue(aws: Aws, broker: SqsBroker) -> None:
    """Waiting, in flight and delayed; the age is of CloudWatch, consumers are unknown."""
    for number in range(3):
        broker.send(REQUESTS, b"%d" % number, {})
    broker.send_all([Outgoing(REQUESTS, b"later", delay_ms=60_000)])
    moment = datetime.now(UTC) - timedelta(minutes=2)
    datum: Any = {
        "MetricName": "ApproximateAgeOfOldestMessage",
        "Dimensions": [{"Name": "QueueName", "Value": f"{NAME}-{REQUESTS}"}],
        "Timestamp": moment,
        "Value": 90,
    }
    boto3.client("cloudwatch", region_name=REGION).put_metric_data(
        Namespace="AWS/SQS", MetricData=[datum]
    )
    with broker.hold(REQUESTS, 1):
        found = broker.inspector.statistics([REQUESTS, DEAD, "missing"])

    counters = found[REQUESTS]
    assert (counters.waiting, counters.in_flight, counters.delayed) == (2, 1, 1)
    assert counters.consumers is None
    assert counters.taken_at_ms - (counters.oldest_ms or 0) == 90_000
    assert (found[DEAD].size, found[DEAD].oldest_ms) == (0, None)
    assert "missing" not in found
    assert read_urls(aws, "other") == {}


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
