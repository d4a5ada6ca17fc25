"""The meter of each type of resource, and the types that cost nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradectl.planning.meters import data, network, queues, workers
from gradectl.planning.meters.items import HOURS, Item, Meter, Side, fixed, used
from gradectl.planning.plan import Resource

#: Types without a charge of their own, as prefixes.
_FREE = (
    "aws_acm_certificate",
    "aws_appautoscaling_",
    "aws_autoscaling_policy",
    "aws_cloudwatch_event_",
    "aws_cloudwatch_log_resource_policy",
    "aws_db_parameter_group",
    "aws_db_subnet_group",
    "aws_default_",
    "aws_ecr_lifecycle_policy",
    "aws_ecr_repository_policy",
    "aws_ecs_capacity_provider",
    "aws_ecs_cluster_capacity_providers",
    "aws_ecs_task_definition",
    "aws_elasticache_subnet_group",
    "aws_iam_",
    "aws_internet_gateway",
    "aws_kms_alias",
    "aws_kms_key_policy",
    "aws_lambda_permission",
    "aws_launch_template",
    "aws_lb_",
    "aws_mq_configuration",
    "aws_network_acl",
    "aws_route53_record",
    "aws_route_table",
    "aws_s3_bucket_",
    "aws_security_group",
    "aws_sns_topic_policy",
    "aws_sns_topic_subscription",
    "aws_sqs_queue_policy",
    "aws_sqs_queue_redrive_",
    "aws_subnet",
    "aws_vpc_security_group_",
    "aws_wafv2_web_acl_association",
    "random_",
    "terraform_data",
)
_FREE_EXACT = frozenset({"aws_route", "aws_vpc"})

_METERS: dict[str, Meter] = {
    "aws_autoscaling_group": workers.instances,
    "aws_cloudwatch_composite_alarm": fixed("composite-alarm", "composite alarm", 1),
    "aws_cloudwatch_log_group": used(
        ("logs-ingested", "logs written"), ("logs-stored", "logs kept")
    ),
    "aws_cloudwatch_log_metric_filter": fixed("custom-metric", "metric", 1),
    "aws_cloudwatch_metric_alarm": data.alarm,
    "aws_db_instance": data.database,
    "aws_ecr_repository": used(("ecr-storage", "images")),
    "aws_ecs_cluster": workers.cluster,
    "aws_ecs_service": workers.service,
    "aws_elasticache_replication_group": data.cache,
    "aws_eip": fixed("public-ipv4", "public address", HOURS),
    "aws_flow_log": used(("logs-ingested", "flow logs")),
    "aws_kms_key": fixed("kms-key", "KMS key", 1),
    "aws_lb": network.load_balancer,
    "aws_mq_broker": queues.broker,
    "aws_nat_gateway": fixed(
        "nat-gateway", "NAT gateway", HOURS, ("nat-gateway-data", "data through the gateway")
    ),
    "aws_s3_bucket": used(("s3-storage", "files"), ("s3-writes", "PUT requests")),
    "aws_secretsmanager_secret": fixed("secret", "secret", 1),
    "aws_sns_topic": used(("sns-messages", "messages")),
    "aws_sqs_queue": queues.queue,
    "aws_ssm_parameter": data.parameter,
    "aws_vpc_endpoint": network.endpoint,
    "aws_wafv2_web_acl": network.web_acl,
}


def billed_items(resource: Resource, values: Mapping[str, Any], side: Side) -> list[Item]:
    """
    Give the billed items of a resource.

    Args:
        resource: The resource.
        values: Its values before or after the changes.
        side: All resources of the same side.

    Returns:
        The items; one without a quantity for a type that has no meter and is not known to be free.
    """
    meter = _METERS.get(resource.kind)
    if meter:
        return meter(resource, values, side)
    if resource.kind in _FREE_EXACT or resource.kind.startswith(_FREE):
        return []
    return [Item(resource.kind, resource.kind)]
