"""Each alarm of the module fires, is silent, and does the right thing where no data comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest
from metric_math import answer

pytestmark = pytest.mark.engine
Minute = Mapping[str, float]
#: Calls of the module that together have every form of every alarm.
CALLS = """
provider "aws" {
  region                      = "ap-northeast-2"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}

module "one" {
  source              = "../modules/monitoring"
  broker              = { node_names = ["mq-1"], instance_type = "mq.t3.micro" }
  database_identifier = "db"
  service             = { cluster_name = "cluster", service_name = "service" }
}

module "pair" {
  source                = "../modules/monitoring"
  queue_size_alarm_name = "pair"
  broker                = { node_names = ["mq-1", "mq-2"] }
  service               = { cluster_name = "cluster", service_name = "rests", min_tasks = 0 }
}

module "rabbit" {
  source                = "../modules/monitoring"
  queue_size_alarm_name = "rabbit"
  broker                = { node_names = ["mq"], engine_type = "RabbitMQ" }
}

module "sqs" {
  source                = "../modules/monitoring"
  queue_size_alarm_name = "sqs"
  sqs_queue_names       = { dead_letter = "dlq", priority = "urgent", requests = "requests" }
  service               = { cluster_name = "cluster", service_name = "rests", min_tasks = 0 }
}

module "both" {
  source                = "../modules/monitoring"
  queue_size_alarm_name = "both"
  broker                = { node_names = ["mq-1"] }
  sqs_queue_names       = { dead_letter = "dlq", requests = "requests" }
}
"""
NOTHING: Minute = {}
GB = 1024**3
#: By alarm: what the metrics say when it fires, and when it does not. One metric is `value`.
STATES: dict[str, tuple[list[Minute], list[Minute]]] = {
    "one.queue_size": ([{"value": 101}], [{"value": 100}]),
    "one.dead_letters": ([{"value": 1}], [{"value": 0}]),
    "one.no_consumer": (
        [{"s0": 1, "c0": 0}, {"s0": 1}],
        [{"s0": 1, "c0": 1}, {"s0": 0, "c0": 0}, {"c0": 0}],
    ),
    "one.oldest_message_requests": (
        [{"s0": 1, "d0": 0}, {"s0": 1}],
        [{"s0": 1, "d0": 1}, {"s0": 0}],
    ),
    "one.oldest_message_priority": ([{"s0": 1, "d0": 0}], [{"s0": 1, "d0": 1}, {"s0": 0}]),
    "one.broker_cpu_1": ([{"value": 81}], [{"value": 80}]),
    "one.broker_memory_1": ([{"value": 86}], [{"value": 85}]),
    "one.broker_storage_1": ([{"value": 71}], [{"value": 70}]),
    "one.broker_cpu_credits_1": ([{"value": 19}], [{"value": 20}]),
    "one.database_connections": ([{"value": 51}], [{"value": 50}]),
    "one.database_cpu": ([{"value": 81}], [{"value": 80}]),
    "one.database_storage": ([{"value": 2 * GB - 1}], [{"value": 2 * GB}]),
    "one.no_running_task": ([{"value": 0}, NOTHING], [{"value": 1}]),
    "one.task_restarts": ([{"value": 3}], [{"value": 2}]),
    "pair.queue_size": ([{"s0": 60, "s1": 60}, {"s1": 101}], [{"s0": 60}, {"s0": 0, "s1": 0}]),
    "pair.dead_letters": ([{"s0": 1}, {"s0": 0, "s1": 1}], [{"s0": 0}]),
    "pair.no_consumer": ([{"s1": 1, "c1": 0}], [{"s1": 1, "c1": 2}, {"s0": 0, "c0": 0}]),
    "pair.oldest_message_requests": ([{"s1": 1, "d1": 0}], [{"s1": 1, "d0": 1}]),
    "pair.oldest_message_priority": ([{"s1": 1, "d1": 0}], [{"s1": 1, "d0": 1}]),
    **{
        f"pair.{kind}_{node}": ([{"value": limit + 1}], [{"value": limit}])
        for kind, limit in (("broker_cpu", 80), ("broker_memory", 85), ("broker_storage", 70))
        for node in (1, 2)
    },
    "pair.no_running_task": (
        [{"w0": 1}, {"w3": 1}, {"desiredtaskcount": 1, "runningtaskcount": 0}],
        [{"w0": 0}, {"w0": 1, "desiredtaskcount": 1, "runningtaskcount": 1}],
    ),
    "pair.task_restarts": ([{"value": 3}], [{"value": 2}]),
    "rabbit.queue_size": ([{"value": 101}], [{"value": 100}]),
    "rabbit.dead_letters": ([{"value": 1}], [{"value": 0}]),
    "rabbit.no_consumer": ([{"s0": 1, "c0": 0}], [{"s0": 1, "c0": 1}]),
    "rabbit.broker_cpu_1": ([{"value": 81}], [{"value": 80}]),
    "rabbit.broker_memory_1": ([{"m0": 86, "m1": 100}], [{"m0": 85, "m1": 100}, {"m0": 86}]),
    "rabbit.broker_storage_1": ([{"m0": 71, "m1": 100}], [{"m0": 70, "m1": 100}]),
    "sqs.queue_size": ([{"value": 101}], [{"value": 100}]),
    "sqs.dead_letters": ([{"value": 1}], [{"value": 0}]),
    "sqs.no_consumer": (
        [{"visible": 1, "empty": 0, "received": 0, "inflight": 0}, {"visible": 1}],
        [
            {"visible": 1, "received": 1},
            {"visible": 1, "inflight": 1},  # all workers are busy
            {"visible": 0, "empty": 3},
            {"visible": 0},
        ],
    ),
    "sqs.oldest_message_requests": ([{"value": 901}], [{"value": 900}]),
    "sqs.oldest_message_priority": ([{"value": 901}], [{"value": 900}]),
    "sqs.no_running_task": (
        [{"w0": 1}, {"w1": 1}, {"desiredtaskcount": 1, "runningtaskcount": 0}],
        [{"w0": 0}, {"w0": 1, "desiredtaskcount": 1, "runningtaskcount": 1}],
    ),
    "sqs.task_restarts": ([{"value": 3}], [{"value": 2}]),
    "both.queue_size": ([{"s0": 60, "visible": 41}, {"visible": 101}], [{"s0": 60, "visible": 40}]),
    "both.dead_letters": ([{"s0": 1}, {"s0": 0, "visible": 1}], [{"s0": 0, "visible": 0}]),
    "both.no_consumer": (
        [{"s0": 1, "c0": 0, "visible": 0, "empty": 3}, {"s0": 0, "c0": 2, "visible": 1}],
        [{"s0": 1, "c0": 1, "visible": 1, "empty": 3}, {"s0": 0, "visible": 0}],
    ),
    "both.oldest_message_requests": ([{"s0": 1, "d0": 0}], [{"s0": 1, "d0": 1}, {"s0": 0}]),
    "both.oldest_message_priority": ([{"s0": 1, "d0": 0}], [{"s0": 1, "d0": 1}]),
    "both.oldest_message_requests_sqs": ([{"value": 901}], [{"value": 900}]),
    **{
        f"both.{kind}_1": ([{"value": limit + 1}], [{"value": limit}])
        for kind, limit in (("broker_cpu", 80), ("broker_memory", 85), ("broker_storage", 70))
    },
}


@pytest.fixture(name="alarms", scope="module")
def _alarms(
    terraform_folder: Callable[..., Any],
    serve: Callable[[Any], AbstractContextManager[Any]],
    moto_server: str,
) -> dict[str, Mapping[str, Any]]:
    """Plan the calls; give the attributes of each alarm by `<call>.<key>`."""
    folder = terraform_folder("alarms", {"main.tf": CALLS}).within(AWS_ENDPOINT_URL=moto_server)
    folder.run("init", "-no-color", "-input=false")
    with serve(folder) as served:
        plan = served.plan()
    return {
        f"{each['module_address'].removeprefix('module.')}.{each['index']}": each["change"]["after"]
        for each in plan["resource_changes"]
        if each["type"] == "aws_cloudwatch_metric_alarm"
    }


def fires(alarm: Mapping[str, Any], minute: Minute) -> bool:
    """Tell whether an alarm is on when all of its periods are as this minute."""
    expressions = [each["expression"] for each in alarm["metric_query"] if each["expression"]]
    value = answer(expressions[0], **minute) if expressions else minute.get("value")
    if value is None:
        return bool(alarm["treat_missing_data"] == "breaching")
    compared = {
        "GreaterThanOrEqualToThreshold": value >= alarm["threshold"],
        "GreaterThanThreshold": value > alarm["threshold"],
        "LessThanThreshold": value < alarm["threshold"],
    }
    return compared[alarm["comparison_operator"]]


def test_the_states_of_every_alarm_are_told(alarms: dict[str, Mapping[str, Any]]) -> None:
    """An alarm without them may never fire, and nobody would notice."""
    assert set(STATES) == set(alarms)


@pytest.mark.parametrize("name", STATES)
def test_an_alarm_fires_and_is_silent_as_told(
    alarms: dict[str, Mapping[str, Any]], name: str
) -> None:
    """For the same values in all of its periods."""
    firing, silent = STATES[name]

    assert [minute for minute in firing if not fires(alarms[name], minute)] == []
    assert [minute for minute in silent if fires(alarms[name], minute)] == []


@pytest.mark.parametrize("name", STATES)
def test_missing_data_fires_only_where_a_task_should_run(
    alarms: dict[str, Mapping[str, Any]], name: str
) -> None:
    """Most metrics are missing where a part is unused or idle; that of running tasks is not."""
    assert fires(alarms[name], NOTHING) is (name == "one.no_running_task")
