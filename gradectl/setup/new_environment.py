"""The text of a new environment.yaml, with an explanation above each value."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from gradectl.adapters.aws.models import BrokerNode, DatabaseNode
from gradectl.adapters.aws.network_model import NetworkSnapshot, Subnet
from gradectl.deploy.verify.reachability import S3

_WIDTH = 96
#: Variables by size; everything else keeps the default of the root.
SIZES: Mapping[str, Mapping[str, Any]] = {
    "small": {
        "db_enable_final_snapshot": False,
        "db_keep_backups": False,
        "ecs_desired_count": 1,
        "ecs_max_capacity": 2,
        "ecs_min_capacity": 1,
        "enable_data_protection": False,
    },
    "standard": {
        "ecs_desired_count": 2,
        "ecs_max_capacity": 10,
        "ecs_min_capacity": 1,
        "ecs_task_cpu": 1024,
        "ecs_task_memory": 2048,
        "enable_data_protection": True,
    },
    "production": {
        "db_backup_retention_days": 14,
        "db_instance_class": "db.m7g.large",
        "db_max_allocated_storage_gb": 200,
        "db_multi_az": True,
        "ecs_desired_count": 2,
        "ecs_max_capacity": 10,
        "ecs_min_capacity": 2,
        "ecs_task_cpu": 1024,
        "ecs_task_memory": 2048,
        "enable_data_protection": True,
        "mq_deployment_mode": "ACTIVE_STANDBY_MULTI_AZ",
        "mq_instance_type": "mq.m5.large",
    },
}
_ZONES = 2
ACTIVEMQ, SQS = "activemq", "sqs"
#: The ways in which requests reach the workers.
TRANSPORTS = (ACTIVEMQ, SQS)


@dataclass(frozen=True)
class NewEnvironment:
    """The keys of a new environment.yaml."""

    name: str
    account_id: str
    region: str
    external: bool
    variables: Mapping[str, Any]


def environment_text(new: NewEnvironment, descriptions: Mapping[str, str]) -> str:
    """
    Write environment.yaml.

    Args:
        new: Its values.
        descriptions: Description by variable of the root.
    """
    lines = [
        f"# The environment {new.name}; the only file of it that is written by hand.",
        "schema_version: 1",
        "# Prefix of all resource names; unique in the account.",
        f"name: {new.name}",
        "# The only account that gradectl may change for this environment.",
        f"account_id: {json.dumps(new.account_id)}",
        f"region: {new.region}",
    ]
    if new.external:
        lines.append("# Another project has its Terraform, so gradectl only operates it.")
        lines.append("terraform: external")
        return "\n".join(lines) + "\n"
    lines.append(
        "# Values of the Terraform root; all others have defaults, see environments/README.md."
    )
    lines.append("variables:")
    for name, value in sorted(new.variables.items()):
        lines += _comment(descriptions.get(name, ""))
        lines.append(f"  {name}: {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def size_variables(size: str, transport: str) -> dict[str, Any]:
    """
    Give the variables of a size; with SQS without those of the broker.

    Args:
        size: A key of `SIZES`.
        transport: One of `TRANSPORTS`.
    """
    if transport == ACTIVEMQ:
        return dict(SIZES[size])
    chosen = {name: value for name, value in SIZES[size].items() if not name.startswith("mq_")}
    return {**chosen, "use_sqs_queue": True}


def free_cidr(used: Collection[str]) -> str:
    """
    Choose a range for a new VPC that overlaps no other one.

    Raises:
        ValueError: No 10.x.0.0/16 is free.
    """
    taken = [IPv4Network(each) for each in used]
    for block in IPv4Network("10.0.0.0/8").subnets(new_prefix=16):
        if not any(block.overlaps(other) for other in taken):
            return str(block)
    text = "all of 10.0.0.0/8 is used by other environments"
    raise ValueError(text)


def adopted_vpc(network: NetworkSnapshot, vpc_id: str, endpoints: Sequence[str]) -> dict[str, Any]:
    """
    Describe an existing VPC as variables of the root.

    Args:
        network: The VPC, as EC2 describes it.
        vpc_id: Its ID.
        endpoints: Interface endpoints that the environment needs.

    Raises:
        ValueError: It does not exist, or has private subnets in fewer than two zones.
    """
    vpc = network.vpcs.get(vpc_id)
    if vpc is None:
        raise ValueError(f"{vpc_id} does not exist in {network.region}")
    subnets = [one for one in network.subnets.values() if one.vpc_id == vpc_id]
    private = _one_per_zone([one for one in subnets if not _is_public(network, one)])
    public = _one_per_zone([one for one in subnets if _is_public(network, one)])
    if len(private) < _ZONES:
        raise ValueError(f"{vpc_id} has private subnets in {len(private)} zone(s), two are needed")
    tables = {table.table_id for one in private if (table := network.table_of(one.subnet_id))}
    here = [one for one in network.endpoints if one.vpc_id == vpc_id]
    served = {table for one in here if one.service == S3 and one.gateway for table in one.table_ids}
    found: dict[str, Any] = {
        "vpc_id": vpc_id,
        "vpc_cidr_block": vpc.cidrs[0],
        "private_subnet_ids": [one.subnet_id for one in private],
    }
    if len(public) >= _ZONES:
        found["public_subnet_ids"] = [one.subnet_id for one in public]
    if tables <= served:
        found["s3_prefix_list_id"] = _s3_list(network)
    elif tables & served:
        text = f"only some route tables of {vpc_id} have an S3 endpoint; add it to all or none"
        raise ValueError(text)
    else:
        found["private_route_table_ids"] = sorted(tables)
    used = [one for one in here if not one.gateway and one.private_dns and one.service in endpoints]
    if groups := sorted({group for one in used for group in one.group_ids}):
        found["endpoints"] = {"security_group_ids": groups}
    variables: dict[str, Any] = {"vpc_existing": found}
    missing = sorted(set(endpoints) - {one.service for one in used})
    if missing and all(_has_way_out(network, one) for one in private):
        variables["vpc_internet_egress_roles"] = ["worker"]
    elif missing:
        variables["vpc_interface_endpoints"] = missing
    return variables


def adopted_broker(
    broker: BrokerNode, stomp_endpoints: Sequence[str], username: str
) -> dict[str, Any]:
    """
    Describe an existing broker as variables of the root.

    Raises:
        ValueError: It is not an ActiveMQ broker with STOMP.
    """
    if broker.engine != "ACTIVEMQ" or not stomp_endpoints:
        raise ValueError(f"{broker.name} is {broker.engine}; the workers need ActiveMQ with STOMP")
    nodes = [f"{broker.name}-{number}" for number in range(1, len(stomp_endpoints) + 1)]
    existing = {
        "name": broker.name,
        "node_names": nodes,
        "security_group_ids": list(broker.group_ids),
        "stomp_endpoints": list(stomp_endpoints),
    }
    return {"mq_admin_username": username, "mq_existing": existing}


def adopted_database(database: DatabaseNode) -> dict[str, Any]:
    """
    Describe an existing database as variables of the root.

    Raises:
        ValueError: It is not MySQL, or has no address yet.
    """
    if database.engine not in ("mysql", "mariadb"):
        raise ValueError(f"{database.identifier} is {database.engine}; the workers need MySQL")
    if not database.address:
        raise ValueError(f"{database.identifier} is {database.status} and has no address")
    existing = {
        "database_name": database.database_name or "grading",
        "endpoint": f"{database.address}:{database.port}",
        "identifier": database.identifier,
        "security_group_ids": list(database.group_ids),
    }
    return {"db_admin_username": database.username, "db_existing": existing}


def _is_public(network: NetworkSnapshot, subnet: Subnet) -> bool:
    """Whether the subnet has a route to an internet gateway."""
    table = network.table_of(subnet.subnet_id)
    return any(one.target.startswith("igw-") for one in (table.routes if table else ()))


def _has_way_out(network: NetworkSnapshot, subnet: Subnet) -> bool:
    """Whether the subnet has a default route, such as to a NAT or transit gateway."""
    table = network.table_of(subnet.subnet_id)
    return any(one.destination == "0.0.0.0/0" for one in (table.routes if table else ()))


def _one_per_zone(subnets: Sequence[Subnet]) -> list[Subnet]:
    """The subnet of each zone with most free addresses, in the order of the zones."""
    best: dict[str, Subnet] = {}
    for one in sorted(subnets, key=lambda each: (-each.free, each.subnet_id)):
        best.setdefault(one.zone, one)
    return [best[zone] for zone in sorted(best)]


def _s3_list(network: NetworkSnapshot) -> str:
    """ID of the prefix list of S3."""
    name = f"com.amazonaws.{network.region}.{S3}"
    return next((one.list_id for one in network.prefix_lists.values() if one.name == name), "")


def _comment(text: str) -> list[str]:
    """Lines of a comment."""
    return [f"  # {line}" for line in textwrap.wrap(text, _WIDTH)]
