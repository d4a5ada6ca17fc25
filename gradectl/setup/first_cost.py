"""Estimates the month of an environment from its variables alone, before there is a plan."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gradectl.deploy.verify.root_values import RootValues
from gradectl.planning.cost import Estimate, PriceTable, cost_change
from gradectl.planning.plan import Plan, Resource

#: Billed resources whose number depends on the modules, for messages.
ONLY_IN_A_PLAN = "alarms and metrics"


def first_estimate(values: RootValues, prices: PriceTable) -> Estimate:
    """
    Estimate the month that an apply of these variables would cost.

    The quantities are those of a plan, by the same arithmetic. Alarms and metrics are left out:
    only a plan knows how many there are.

    Args:
        values: Variables of the environment, for workers on Fargate and no web tier.
        prices: The prices.
    """
    resources = tuple(
        Resource(address, _kind(address), address.rpartition(".aws_")[0], None, after)
        for address, after in _resources(values)
    )
    return cost_change(Plan((), (), resources=resources), prices, values.region).after


def _resources(values: RootValues) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Address and values of each billed resource of the root."""
    yield from _network(values)
    yield from _workers(values)
    yield from _queues(values)
    if values.own_broker:
        yield (
            "module.messaging[0].aws_mq_broker.this[0]",
            {
                "deployment_mode": values["mq_deployment_mode"],
                "host_instance_type": values["mq_instance_type"],
            },
        )
    if values["db_existing"] is None:
        yield (
            "module.database.aws_db_instance.this[0]",
            {
                "allocated_storage": values["db_allocated_storage_gb"],
                "engine": "mysql",
                "instance_class": values["db_instance_class"],
                "max_allocated_storage": values["db_max_allocated_storage_gb"],
                "multi_az": values["db_multi_az"],
                "storage_type": "gp3",
            },
        )
    yield "module.storage.aws_s3_bucket.this", {}


def _network(values: RootValues) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """NAT gateways with their addresses, and interface endpoints."""
    for number in range(values.addresses):
        yield f"module.network.aws_eip.nat[{number}]", {}
        yield f"module.network.aws_nat_gateway.this[{number}]", {}
    subnets = (
        list(values.vpc["private_subnet_ids"])
        if values.vpc
        else list(values["availability_zone_suffixes"])
    )
    for service in values.endpoints:
        address = f'module.network.aws_vpc_endpoint.interface["{service}"]'
        yield address, {"subnet_ids": subnets, "vpc_endpoint_type": "Interface"}


def _queues(values: RootValues) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The queues of SQS that apply creates."""
    if values["sqs_existing"] is not None:
        return
    for purpose, arn in values.queues.items():
        queue = {"name": arn.rpartition(":")[2], "kms_master_key_id": values["kms_key_arn"]}
        yield f'module.sqs[0].aws_sqs_queue.this["{purpose}"]', queue


def _workers(values: RootValues) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The service on Fargate with its task definition, bounds, cluster and log group."""
    module = "module.ecs_grading"
    yield (
        f"{module}.aws_ecs_task_definition.this",
        {
            "container_definitions": json.dumps([{"environment": _settings(values)}]),
            "cpu": values["ecs_task_cpu"],
            "memory": values["ecs_task_memory"],
            "runtime_platform": [{"cpu_architecture": values["ecs_architecture"]}],
        },
    )
    yield f"{module}.aws_ecs_service.this[0]", {"desired_count": values["ecs_desired_count"]}
    scaled = values["enable_ecs_autoscaling"]
    if scaled:
        bounds = {
            "max_capacity": values["ecs_max_capacity"],
            "min_capacity": values["ecs_min_capacity"],
        }
        yield f"{module}.aws_appautoscaling_target.this", bounds
    insights = "enabled" if scaled else "disabled"
    yield f"{module}.aws_ecs_cluster.this", {"setting": [{"value": insights}]}
    yield f"{module}.aws_cloudwatch_log_group.this", {}


def _settings(values: RootValues) -> list[dict[str, str]]:
    """The environment of the workers, as far as the month depends on it."""
    given = {
        "SQS_WAIT_SECONDS": values["sqs_settings"].get("wait_seconds"),
        "WORKER_SLOTS": values["grading_worker_settings"].get("WORKER_SLOTS"),
    }
    return [{"name": name, "value": str(value)} for name, value in given.items() if value]


def _kind(address: str) -> str:
    """The type of a resource."""
    return "aws_" + address.rpartition(".aws_")[2].partition(".")[0]
