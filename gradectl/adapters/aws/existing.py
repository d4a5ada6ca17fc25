"""Finds resources that exist by the values with which Terraform would create them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from gradectl.adapters.aws.errors import code_of, translated

#: Error codes for a resource that does not exist.
_ABSENT = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "CacheSubnetGroupNotFoundFault",
        "ClusterNotFoundException",
        "DBInstanceNotFound",
        "DBParameterGroupNotFound",
        "DBSubnetGroupNotFoundFault",
        "LoadBalancerNotFound",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "OwnershipControlsNotFoundError",
        "ParameterNotFound",
        "QueueDoesNotExist",
        "ReplicationGroupNotFoundFault",
        "RepositoryNotFoundException",
        "TargetGroupNotFound",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
#: A value of `matching` that is not an attribute of the resource.
_LITERAL = "="


@dataclass(frozen=True)
class Read:
    """
    How a type of resource is found.

    Attributes:
        service: The service, by its name in boto3.
        operation: The call.
        arguments: Argument -> attribute with its value.
        key: Where the answer lists resources; "" where a name is enough to find the only one.
        matching: Path in a listed resource -> attribute that must be equal, or `=` and a text.
        answer_id: Path of the ID in a listed resource, or in the answer without `key`.
        import_id: Import ID of Terraform, from the attributes and that ID as `found`.
        holds: Key that the answer must have, because AWS reports no error without it.
        inner: Where a listed resource lists those in question, which get its keys too.
    """

    service: str
    operation: str
    arguments: Mapping[str, str]
    key: str = ""
    matching: Mapping[str, str] | None = None
    answer_id: str = ""
    import_id: str = "{found}"
    holds: str = ""
    inner: str = ""


@dataclass(frozen=True)
class Existing:
    """
    A resource that exists.

    Attributes:
        import_id: Its ID for Terraform's import; "" when several match.
        secret: Whether Terraform would read a secret with it.
    """

    import_id: str
    secret: bool = False


def _named(service: str, operation: str, argument: str, attribute: str) -> Read:
    """A resource whose name is its ID."""
    return Read(service, operation, {argument: attribute}, import_id=f"{{{attribute}}}")


def _bucket(operation: str, holds: str = "") -> Read:
    """A bucket or a setting of it."""
    return Read("s3", operation, {"Bucket": "bucket"}, import_id="{bucket}", holds=holds)


def _listed(service: str, operation: str, key: str, answer_id: str, **matching: str) -> Read:
    """A resource that is found in a list."""
    return Read(service, operation, {}, key, matching, answer_id)


def _in_vpc(operation: str, key: str, answer_id: str, **matching: str) -> Read:
    """A part of a VPC, found by its attributes."""
    return _listed("ec2", operation, key, answer_id, VpcId="vpc_id", **matching)


def _in_table(inner: str, import_id: str, **matching: str) -> Read:
    """A part of a route table, which has no name."""
    arguments = {"RouteTableIds": "[route_table_id]"}
    matching = {"RouteTableId": "route_table_id", **matching}
    return Read(
        *("ec2", "describe_route_tables", arguments, "RouteTables", matching),
        import_id=import_id,
        inner=inner,
    )


def _balancer(operation: str, key: str, answer_id: str) -> Read:
    """A load balancer or a group of its targets."""
    return Read("elbv2", operation, {"Names": "[name]"}, key, {}, answer_id)


def _rule(egress: str) -> Read:
    """A rule of a security group, which has no name."""
    matching = {
        "CidrIpv4": "cidr_ipv4",
        "FromPort": "from_port",
        "GroupId": "security_group_id",
        "IpProtocol": "ip_protocol",
        "IsEgress": f"{_LITERAL}{egress}",
        "PrefixListId": "prefix_list_id",
        "ReferencedGroupInfo.GroupId": "referenced_security_group_id",
        "ToPort": "to_port",
    }
    operation, key = "describe_security_group_rules", "SecurityGroupRules"
    return _listed("ec2", operation, key, "SecurityGroupRuleId", **matching)


_TAG = {"Tags.Name": "tags.Name"}
#: Type of Terraform -> how it is found. Types are left out that AWS overwrites without a loss.
READS: Mapping[str, Read] = {
    "aws_autoscaling_group": _listed(
        *("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"),
        "AutoScalingGroupName",
        AutoScalingGroupName="name",
    ),
    "aws_cloudwatch_log_group": Read(
        "logs",
        "describe_log_groups",
        {"logGroupNamePrefix": "name"},
        "logGroups",
        {"logGroupName": "name"},
        "logGroupName",
    ),
    "aws_db_instance": _named("rds", "describe_db_instances", "DBInstanceIdentifier", "identifier"),
    "aws_db_parameter_group": _named(
        "rds", "describe_db_parameter_groups", "DBParameterGroupName", "name"
    ),
    "aws_db_subnet_group": _named("rds", "describe_db_subnet_groups", "DBSubnetGroupName", "name"),
    "aws_ecr_repository": _listed(
        *("ecr", "describe_repositories", "repositories", "repositoryName"), repositoryName="name"
    ),
    "aws_ecs_cluster": Read(
        "ecs",
        "describe_clusters",
        {"clusters": "[name]"},
        "clusters",
        {"clusterName": "name", "status": "=ACTIVE"},
        "clusterName",
    ),
    "aws_ecs_service": Read(
        "ecs",
        "describe_services",
        {"cluster": "cluster", "services": "[name]"},
        "services",
        {"serviceName": "name", "status": "=ACTIVE"},
        "serviceName",
        import_id="{cluster/}/{name}",
    ),
    "aws_eip": _listed(
        *("ec2", "describe_addresses", "Addresses", "AllocationId"), Domain="domain", **_TAG
    ),
    "aws_elasticache_replication_group": _named(
        *("elasticache", "describe_replication_groups", "ReplicationGroupId"),
        "replication_group_id",
    ),
    "aws_elasticache_subnet_group": _named(
        "elasticache", "describe_cache_subnet_groups", "CacheSubnetGroupName", "name"
    ),
    "aws_flow_log": _listed(
        *("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
        ResourceId="vpc_id",
        TrafficType="traffic_type",
    ),
    "aws_iam_instance_profile": _named(
        "iam", "get_instance_profile", "InstanceProfileName", "name"
    ),
    "aws_iam_role": _named("iam", "get_role", "RoleName", "name"),
    "aws_iam_role_policy": Read(
        "iam",
        "get_role_policy",
        {"RoleName": "role", "PolicyName": "name"},
        import_id="{role}:{name}",
    ),
    "aws_internet_gateway": _listed(
        *("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        **{"Attachments.VpcId": "vpc_id"},
    ),
    "aws_launch_template": _listed(
        *("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
        LaunchTemplateName="name",
    ),
    "aws_lb": _balancer("describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    "aws_lb_listener": Read(
        "elbv2",
        "describe_listeners",
        {"LoadBalancerArn": "load_balancer_arn"},
        "Listeners",
        {"Port": "port"},
        "ListenerArn",
    ),
    "aws_lb_target_group": _balancer("describe_target_groups", "TargetGroups", "TargetGroupArn"),
    "aws_mq_broker": _listed(
        *("mq", "list_brokers", "BrokerSummaries", "BrokerId"), BrokerName="broker_name"
    ),
    "aws_mq_configuration": _listed(
        *("mq", "list_configurations", "Configurations", "Id"), Name="name"
    ),
    "aws_nat_gateway": _listed(
        *("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
        SubnetId="subnet_id",
        State="=available",
    ),
    "aws_route": _in_table(
        "Routes",
        "{route_table_id}_{destination_cidr_block}",
        DestinationCidrBlock="destination_cidr_block",
        DestinationIpv6CidrBlock="destination_ipv6_cidr_block",
        DestinationPrefixListId="destination_prefix_list_id",
    ),
    "aws_route_table": _in_vpc("describe_route_tables", "RouteTables", "RouteTableId", **_TAG),
    "aws_route_table_association": _in_table(
        "Associations", "{subnet_id}/{route_table_id}", SubnetId="subnet_id"
    ),
    "aws_s3_bucket": _bucket("head_bucket"),
    "aws_s3_bucket_lifecycle_configuration": _bucket("get_bucket_lifecycle_configuration"),
    "aws_s3_bucket_ownership_controls": _bucket("get_bucket_ownership_controls"),
    "aws_s3_bucket_policy": _bucket("get_bucket_policy"),
    "aws_s3_bucket_public_access_block": _bucket("get_public_access_block"),
    "aws_s3_bucket_server_side_encryption_configuration": _bucket("get_bucket_encryption"),
    "aws_s3_bucket_versioning": _bucket("get_bucket_versioning", holds="Status"),
    "aws_security_group": _in_vpc(
        "describe_security_groups", "SecurityGroups", "GroupId", GroupName="name"
    ),
    "aws_sqs_queue": Read("sqs", "get_queue_url", {"QueueName": "name"}, answer_id="QueueUrl"),
    "aws_ssm_parameter": _named("ssm", "get_parameter", "Name", "name"),
    "aws_subnet": _in_vpc("describe_subnets", "Subnets", "SubnetId", CidrBlock="cidr_block"),
    "aws_vpc": _listed(*("ec2", "describe_vpcs", "Vpcs", "VpcId"), CidrBlock="cidr_block", **_TAG),
    "aws_vpc_endpoint": _in_vpc(
        "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", ServiceName="service_name"
    ),
    "aws_vpc_security_group_egress_rule": _rule("True"),
    "aws_vpc_security_group_ingress_rule": _rule("False"),
}


class ExistingResources:
    """
    The resources of an account; every call is a read.

    Args:
        client: Makes a boto3 client from the name of a service.
    """

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def find(self, kind: str, values: Mapping[str, Any]) -> Existing | None:
        """
        Find the resource that Terraform would create.

        Args:
            kind: Type of the resource.
            values: Its planned values; unknown ones are absent, and null is None.

        Returns:
            None when it does not exist, when its type is not in `READS`, or when a value that is
            needed to find it is not known yet.
        """
        read = READS.get(kind)
        needed = {*(read.arguments.values()), *(read.matching or {}).values()} if read else set()
        if read is None or not all(_known(values, each) for each in needed):
            return None
        client = self._client(read.service)
        with translated(f"{kind} in the account"):
            try:
                answers = list(_answers(client, read, values))
            except ClientError as error:
                if code_of(error) in _ABSENT:
                    return None
                raise
        if not read.key:
            there = not read.holds or read.holds in answers[0]
            secret = answers[0].get("Parameter", {}).get("Type") == "SecureString"
            own = _at(answers[0], read.answer_id) if read.answer_id else ""
            return Existing(_import_id(read, values, own), secret) if there else None
        found = [
            each
            for answer in answers
            for each in _elements(answer, read)
            if _matches(each, read, values)
        ]
        if not found:
            return None
        unique = len(found) == 1
        return Existing(_import_id(read, values, _at(found[0], read.answer_id)) if unique else "")


def _answers(client: Any, read: Read, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """All pages of the answer."""
    arguments = {name: _value(values, each) for name, each in read.arguments.items()}
    if client.can_paginate(read.operation):
        return client.get_paginator(read.operation).paginate(**arguments)
    return [getattr(client, read.operation)(**arguments)]


def _elements(answer: Mapping[str, Any], read: Read) -> Iterator[Mapping[str, Any]]:
    """The listed resources."""
    for outer in answer.get(read.key, ()):
        if read.inner:
            yield from ({**outer, **each} for each in outer.get(read.inner, ()))
        else:
            yield outer


def _matches(found: Mapping[str, Any], read: Read, values: Mapping[str, Any]) -> bool:
    """Whether a listed resource has the planned values; a missing key is null."""
    return all(
        str(_at(found, path)) == str(_value(values, attribute))
        for path, attribute in (read.matching or {}).items()
    )


def _known(values: Mapping[str, Any], attribute: str) -> bool:
    """Whether a planned value is known."""
    name = attribute.strip("[]").partition(".")[0]
    return attribute.startswith(_LITERAL) or name in values


def _value(values: Mapping[str, Any], attribute: str) -> Any:  # noqa: ANN401 - values of any type
    """A planned value: `=text`, `[attribute]` as a list, `tags.Name`, or an attribute."""
    if attribute.startswith(_LITERAL):
        return attribute.removeprefix(_LITERAL)
    if attribute.startswith("["):
        return [_at(values, attribute.strip("[]"))]
    return _at(values, attribute)


def _at(found: Any, path: str) -> Any:  # noqa: ANN401 - values of any type
    """The value at a path of keys; in a list of tags it is that of the key."""
    for key in path.split("."):
        if isinstance(found, list):
            tag = next((each for each in found if each.get("Key") == key), None)
            found = tag["Value"] if tag else (found[0].get(key) if found else None)
        else:
            found = (found or {}).get(key)
    return found


def _import_id(read: Read, values: Mapping[str, Any], found: object) -> str:
    """Fill the import ID; `{cluster/}` is the last part of an ARN or a name."""
    text = read.import_id.replace("{cluster/}", str(values.get("cluster", "")).rpartition("/")[2])
    return text.format_map({**values, "found": found})
