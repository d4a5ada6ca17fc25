"""`gradectl queue list` without a broker, on an emulated account in this process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gradectl.local.loopback import free_ports


@pytest.fixture
def measured(dev: Any) -> Any:
    """An account with counters of CloudWatch, and a broker that is in a private subnet."""
    dimensions = [
        {"Name": "Broker", "Value": "dev-grading-mq-2"},  # the first of the pair is gone
        {"Name": "Queue", "Value": "grading-requests"},
    ]
    moment = {"Dimensions": dimensions, "Timestamp": datetime.now(UTC) - timedelta(minutes=2)}
    data = [{"MetricName": "QueueSize", "Value": 7}, {"MetricName": "ConsumerCount", "Value": 2}]
    dev.client("cloudwatch").put_metric_data(
        Namespace="AWS/AmazonMQ", MetricData=[{**each, **moment} for each in data]
    )
    (port,) = free_ports(1)
    values = {
        "broker-endpoint": f"stomp+ssl://localhost:{port}",
        "username": "admin",
        "password": "a-Password-1",
    }
    for key, value in values.items():
        dev.client("ssm").put_parameter(Name=f"/dev/mq/{key}", Value=value, Type="SecureString")
    return dev


@pytest.mark.parametrize("source", ["auto", "cloudwatch"])
def test_the_counters_of_cloudwatch_need_no_path_to_the_broker(measured: Any, source: str) -> None:
    """They have neither totals nor ages; where they come from is shown."""
    listed = measured.gradectl("queue", "list", "-e", "dev", "--source", source, "-o", "json")
    shown = measured.gradectl("queue", "list", "-e", "dev", "--source", source)

    assert listed.code == 0, listed.stderr
    assert listed.document["source"] == "cloudwatch"
    requests = listed.document["queues"][0]
    assert (requests["size"], requests["consumers"], requests["delayed"]) == (7, 2, None)
    assert "queues of dev, from cloudwatch" in shown.stdout
    (line,) = [each for each in shown.stdout.splitlines() if each.startswith("grading-requests")]
    assert line.split() == ["grading-requests", "7", "0", "-", "2", "-", "-", "-"]
    assert ("these counters are from CloudWatch" in shown.stderr) == (source == "auto")


def test_the_broker_alone_is_asked_on_request(measured: Any) -> None:
    """Counters that are minutes old would hide that it is gone."""
    assert measured.gradectl("queue", "list", "-e", "dev", "--source", "broker").code == 69


def test_without_any_counters_nothing_is_invented(dev: Any) -> None:
    """CloudWatch forgets a broker, or its name is another."""
    result = dev.gradectl("queue", "list", "-e", "dev", "--source", "cloudwatch")

    assert result.code == 69
    assert "CloudWatch has no counters of these queues" in result.stderr
    assert "gradectl status dev" in result.stderr
