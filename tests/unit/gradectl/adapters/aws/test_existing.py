"""Resources that exist are found by their planned values, with the real client."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from gradectl.adapters.aws.existing import READS, Existing, ExistingResources

#: Types of the modules that are not looked for, and why.
NOT_SEARCHED = {
    "overwritten by AWS": (
        *("aws_appautoscaling_policy", "aws_appautoscaling_scheduled_action"),
        *("aws_appautoscaling_target", "aws_autoscaling_policy", "aws_cloudwatch_event_rule"),
        *("aws_cloudwatch_event_target", "aws_cloudwatch_log_metric_filter"),
        *("aws_cloudwatch_log_resource_policy", "aws_cloudwatch_metric_alarm"),
        *("aws_ecs_cluster_capacity_providers", "aws_s3_bucket_cors_configuration"),
        *("aws_s3_bucket_logging", "aws_s3_bucket_notification", "aws_sns_topic"),
        *("aws_s3_bucket_object_lock_configuration", "aws_s3_bucket_replication_configuration"),
        *("aws_sns_topic_policy", "aws_sns_topic_subscription", "aws_wafv2_web_acl_association"),
        *("aws_sqs_queue_policy", "aws_sqs_queue_redrive_policy"),
        "aws_sqs_queue_redrive_allow_policy",
    ),
    "adopted by Terraform itself": ("aws_default_security_group",),
    "only in the state": ("aws_acm_certificate_validation", "terraform_data"),
    "a new revision each time": ("aws_ecs_task_definition",),
    "without a name by which one could be found": (
        *("aws_acm_certificate", "aws_kms_key", "aws_kms_key_policy"),
    ),
    "rarely used, and refused by the apply with its name": (
        *("aws_ecs_capacity_provider", "aws_lambda_permission", "aws_route53_record"),
        *("aws_service_discovery_private_dns_namespace", "aws_service_discovery_service"),
        "aws_wafv2_web_acl",
    ),
}


@cache
def client(service: str) -> Any:
    return boto3.client(service, region_name="eu-west-1")


@pytest.fixture(scope="module")
def existing() -> Iterator[ExistingResources]:
    """Those of an account in which each test finds only its own."""
    with mock_aws():
        yield ExistingResources(client)


@pytest.fixture
def subnet(existing: ExistingResources) -> Any:  # noqa: ARG001 - the account comes first
    """A subnet of a new VPC."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]


def test_an_address_is_found_by_its_name_tag(existing: ExistingResources) -> None:
    """An address without the tag is somebody else's."""
    ec2 = client("ec2")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    values = {"domain": "vpc", "tags": {"Name": "dev-nat-a"}}
    before = existing.find("aws_eip", values)
    ec2.create_tags(Resources=[address], Tags=[{"Key": "Name", "Value": "dev-nat-a"}])

    assert before is None
    assert existing.find("aws_eip", values) == Existing(address)


def test_a_nat_gateway_is_found_by_its_subnet(existing: ExistingResources, subnet: Any) -> None:
    """AWS lists a deleted one for an hour: it is not found."""
    ec2 = client("ec2")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=subnet["SubnetId"], AllocationId=address)
    gateway = made["NatGateway"]["NatGatewayId"]
    values = {"subnet_id": subnet["SubnetId"], "allocation_id": address}
    found = existing.find("aws_nat_gateway", values)
    ec2.delete_nat_gateway(NatGatewayId=gateway)

    assert found == Existing(gateway)
    assert existing.find("aws_nat_gateway", values) is None
    assert existing.find("aws_nat_gateway", {"subnet_id": "subnet-of-others"}) is None


def test_a_route_and_an_association_are_found_in_their_table(
    existing: ExistingResources, subnet: Any
) -> None:
    """By destination and by subnet; a table of which the ID is not known yet has none."""
    ec2 = client("ec2")
    table, other = (
        ec2.create_route_table(VpcId=subnet["VpcId"])["RouteTable"]["RouteTableId"]
        for _ in range(2)
    )
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=subnet["VpcId"])
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet["SubnetId"])
    route = {
        "route_table_id": table,
        "destination_cidr_block": "0.0.0.0/0",
        "destination_ipv6_cidr_block": None,
        "destination_prefix_list_id": None,
    }
    association = {"route_table_id": table, "subnet_id": subnet["SubnetId"]}
    unknown = {key: value for key, value in route.items() if key != "route_table_id"}

    assert existing.find("aws_route", route) == Existing(f"{table}_0.0.0.0/0")
    for changed in ({"route_table_id": other}, {"destination_cidr_block": "10.9.0.0/16"}):
        assert existing.find("aws_route", {**route, **changed}) is None
    assert existing.find("aws_route", unknown) is None
    kind = "aws_route_table_association"
    assert existing.find(kind, association) == Existing(f"{subnet['SubnetId']}/{table}")
    assert existing.find(kind, {**association, "route_table_id": other}) is None


def test_redis_is_found_by_its_names(existing: ExistingResources, subnet: Any) -> None:
    """A group that an interrupted apply has left behind."""
    cache = client("elasticache")
    named = {
        "aws_elasticache_replication_group": {"replication_group_id": "dev-redis"},
        "aws_elasticache_subnet_group": {"name": "dev-redis"},
    }
    before = [existing.find(kind, values) for kind, values in named.items()]
    cache.create_cache_subnet_group(
        CacheSubnetGroupName="dev-redis",
        CacheSubnetGroupDescription="Redis",
        SubnetIds=[subnet["SubnetId"]],
    )
    cache.create_replication_group(
        ReplicationGroupId="dev-redis", ReplicationGroupDescription="Redis", Engine="redis"
    )

    assert before == [None, None]
    found = [existing.find(kind, values) for kind, values in named.items()]
    assert found == [Existing("dev-redis")] * 2


def test_a_flow_log_is_found_by_its_vpc(existing: ExistingResources, subnet: Any) -> None:
    """AWS refuses a second one of the same traffic to the same group."""
    client("logs").create_log_group(logGroupName="/vpc/dev")
    made = client("ec2").create_flow_logs(
        ResourceType="VPC",
        ResourceIds=[subnet["VpcId"]],
        TrafficType="REJECT",
        LogGroupName="/vpc/dev",
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/flow-logs",
    )
    values = {"vpc_id": subnet["VpcId"], "traffic_type": "REJECT"}

    assert existing.find("aws_flow_log", values) == Existing(made["FlowLogIds"][0])
    assert existing.find("aws_flow_log", {**values, "traffic_type": "ALL"}) is None


def test_a_queue_is_found_by_its_name_and_imported_by_its_url(existing: ExistingResources) -> None:
    """A queue of a similar name is not taken for it."""
    queues = client("sqs")
    values = {"name": "dev-grading-requests"}
    queues.create_queue(QueueName="dev-grading-requests-2")
    before = existing.find("aws_sqs_queue", values)
    url = queues.create_queue(QueueName="dev-grading-requests")["QueueUrl"]

    assert before is None
    assert existing.find("aws_sqs_queue", values) == Existing(url)


def test_the_web_tier_is_found_by_its_names(existing: ExistingResources, subnet: Any) -> None:
    """Load balancer, targets, listener, template and group of instances."""
    balancers, ec2, scaling = map(client, ("elbv2", "ec2", "autoscaling"))
    named = {"name": "dev-web"}
    kinds = ("aws_lb", "aws_lb_target_group", "aws_launch_template", "aws_autoscaling_group")
    before = [existing.find(kind, named) for kind in kinds]
    second = ec2.create_subnet(VpcId=subnet["VpcId"], CidrBlock="10.0.2.0/24")["Subnet"]
    subnets = [subnet["SubnetId"], second["SubnetId"]]
    made = balancers.create_load_balancer(Name="dev-web", Subnets=subnets)
    balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
    made = balancers.create_target_group(
        Name="dev-web", Protocol="HTTP", Port=8080, VpcId=subnet["VpcId"]
    )
    targets = made["TargetGroups"][0]["TargetGroupArn"]
    made = balancers.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": targets}],
    )
    listener = made["Listeners"][0]["ListenerArn"]
    made = ec2.create_launch_template(
        LaunchTemplateName="dev-web", LaunchTemplateData={"ImageId": "ami-12345678"}
    )
    template = made["LaunchTemplate"]["LaunchTemplateId"]
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="dev-web",
        LaunchTemplate={"LaunchTemplateId": template},
        MinSize=0,
        MaxSize=1,
        VPCZoneIdentifier=subnet["SubnetId"],
    )

    assert before == [None] * 4
    found = [existing.find(kind, named) for kind in kinds]
    assert found == [Existing(each) for each in (balancer, targets, template, "dev-web")]
    port = {"load_balancer_arn": balancer, "port": 80}
    assert existing.find("aws_lb_listener", port) == Existing(listener)
    assert existing.find("aws_lb_listener", {**port, "port": 443}) is None


def test_each_type_of_the_modules_is_looked_for_or_its_absence_is_explained() -> None:
    """A new type of resource must not be forgotten here."""
    modules = Path(__file__).resolve().parents[5] / "modules"
    kinds = {
        line.split('"')[1]
        for path in modules.glob("*/*.tf")
        for line in path.read_text().splitlines()
        if line.startswith("resource ")
    }
    explained = {kind for each in NOT_SEARCHED.values() for kind in each}

    assert kinds - set(READS) == explained
