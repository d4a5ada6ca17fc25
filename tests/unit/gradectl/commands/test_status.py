"""`gradectl status`, on an emulated account in this process."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any


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


def test_watching_prints_a_line_per_change_without_a_terminal(dev: Any) -> None:
    """And a document per change with --output json; the first shows everything."""
    dev.create_service(dev.register("worker:1"))

    result = dev.gradectl(
        "--timeout", "2", "status", "dev", "--watch", "--interval", "0.1", "-o", "json"
    )

    assert result.code == 124
    (only,) = result.stdout.splitlines()
    assert json.loads(only)["kind"] == "status"


def test_an_unknown_environment_exits_with_78(dev: Any) -> None:
    """As with all commands."""
    assert dev.gradectl("status", "none").code == 78
