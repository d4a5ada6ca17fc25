"""`gradectl status`, on an emulated account in this process."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gradectl.adapters.aws.state_models import ManagedState
from gradectl.commands.status import watch_status
from gradectl.errors import StoppedError
from gradectl.monitoring.observations import Observations
from gradectl.ui import Ui


def test_the_status_of_an_environment_is_valid_json(dev: Any) -> None:
    """A part that cannot be read has its reason, and the others are shown."""
    dev.create_service(dev.register("worker:1"), desired=2)

    found = dev.gradectl("status", "dev", "-o", "json").document

    assert found["service"]["desired"] == 2
    assert found["service"]["revision"] == "dev-grading-task:1"
    assert found["service"]["image"] == "worker:1"
    assert found["database"] is None
    assert found["queues"] is None
    assert "queues" in found["unknown"]
    assert found["healthy"] is False
    assert "only 0 of 2 workers are running" in [each["text"] for each in found["problems"]]


def test_without_the_broker_the_counters_come_from_cloudwatch(dev: Any) -> None:
    """A broker in private subnets cannot be reached from a laptop."""
    dev.create_service(dev.register("worker:1"))
    dimensions = [
        {"Name": "Broker", "Value": "dev-grading-mq-1"},
        {"Name": "Queue", "Value": "grading-requests"},
    ]
    data = [
        {
            "MetricName": name,
            "Dimensions": dimensions,
            "Value": value,
            "Timestamp": datetime.now(UTC) - timedelta(minutes=2),
        }
        for name, value in (("QueueSize", 7), ("ConsumerCount", 2))
    ]
    dev.client("cloudwatch").put_metric_data(Namespace="AWS/AmazonMQ", MetricData=data)

    result = dev.gradectl("status", "dev")

    assert result.code == 0, result.stderr
    assert "CloudWatch, some minutes old" in result.stdout
    (line,) = [each for each in result.stdout.splitlines() if each.startswith("grading-requests")]
    assert line.split() == ["grading-requests", "7", "0", "2"]


def on_sqs(dev: Any, *, active: str) -> Any:
    """Create the queues of the environment and their parameters; returns the client."""
    sqs, ssm = dev.client("sqs"), dev.client("ssm")
    values = {"active": active}
    for name, key in QUEUE_KEYS.items():
        values[key] = sqs.create_queue(QueueName=f"dev-{name}")["QueueUrl"]
    for key, value in values.items():
        ssm.put_parameter(Name=f"/dev/sqs/{key}", Value=value, Type="String")
    return sqs


QUEUE_KEYS = {
    "grading-requests": "requests-url",
    "grading-results": "results-url",
    "grading-dlq": "dead-letter-url",
}


def test_the_status_of_an_environment_on_sqs_needs_no_broker(dev: Any) -> None:
    """A queue that was deleted is missing; the priority queue is optional."""
    dev.create_service(dev.register("worker:1"))
    sqs = on_sqs(dev, active="true")
    url = sqs.get_queue_url(QueueName="dev-grading-requests")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="dev-grading-dlq")["QueueUrl"])

    found = dev.gradectl("status", "dev", "-o", "json").document

    assert (found["transport"], found["draining"], found["broker"]) == ("sqs", None, None)
    assert [(each["queue"], each["waiting"]) for each in found["queues"]] == [
        ("grading-requests", 1),
        ("grading-results", 0),
        ("grading-dlq", None),
    ]
    assert found["unknown"] == {}
    assert "grading-dlq: the queue does not exist" in [each["text"] for each in found["problems"]]
    assert not [each for each in found["problems"] if each["part"] == "broker"]


def test_queues_that_are_drained_leave_the_broker_active(dev: Any) -> None:
    """While an environment changes back to its broker."""
    dev.create_service(dev.register("worker:1"))
    on_sqs(dev, active="false")

    found = dev.gradectl("status", "dev", "-o", "json").document

    assert (found["transport"], found["draining"]) == ("activemq", "sqs")


def test_watching_prints_a_document_per_change(capsys: pytest.CaptureFixture[str]) -> None:
    """The first shows everything; a signal ends it."""
    starting = Observations(
        "dev", datetime.now(UTC), broker=ManagedState("mq", "CREATING", False, "ActiveMQ 5.19")
    )
    running = replace(starting, broker=ManagedState("mq", "RUNNING", True, "ActiveMQ 5.19"))
    looks = iter((starting, starting, running))

    def look() -> Observations:
        seen = next(looks, None)
        if seen is None:
            raise StoppedError(signal.SIGINT)
        return seen

    with pytest.raises(StoppedError):
        watch_status(Ui("json", {}), look, 0)

    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["broker"]["state"] for each in documents] == ["CREATING", "RUNNING"]
    assert {each["kind"] for each in documents} == {"status"}


def test_watching_ends_with_the_deadline(dev: Any) -> None:
    """Also when nothing changes."""
    dev.create_service(dev.register("worker:1"))

    assert dev.gradectl("--timeout", "1", "status", "dev", "--watch").code == 124


def test_an_unknown_environment_exits_with_78(dev: Any) -> None:
    """As with all commands."""
    assert dev.gradectl("status", "none").code == 78


def test_the_status_has_the_http_api_and_redis(dev: Any) -> None:
    """As the environment has them; what does not exist is wrong."""
    dev.create_service(dev.register("worker:1"))
    with (dev.root / "environments/dev/environment.yaml").open("a") as file:
        file.write("variables: {enable_api: true, enable_redis: true}\n")
    absent = dev.gradectl("status", "dev", "-o", "json").document
    assert (absent["api"], absent["redis"]) == (None, None)
    wrong = {each["part"]: each["next"] for each in absent["problems"]}
    assert (wrong["api"], wrong["redis"]) == ("gradectl apply dev", "gradectl apply dev")
    dev.client("ecs").create_service(
        cluster="dev-grading-cluster",
        serviceName="dev-grading-api",
        taskDefinition=dev.register("worker:1"),
        desiredCount=0,
    )
    dev.client("elasticache").create_replication_group(
        ReplicationGroupId="dev-grading-redis",
        ReplicationGroupDescription="Results by push.",
        Engine="valkey",
    )

    found = dev.gradectl("status", "dev", "-o", "json").document

    assert found["api"]["name"] == "dev-grading-api"
    assert found["redis"] == {
        "name": "dev-grading-redis",
        "state": "available",
        "engine": "valkey",
    }
