"""The network as it will be after an apply: what exists, and what the root adds to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from gradectl.adapters.aws.network_model import (
    Endpoint,
    GroupRule,
    NatGateway,
    NetworkSnapshot,
    PrefixList,
    Route,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
)
from gradectl.deploy.verify.reachability import HTTPS, S3, Host, Source
from gradectl.deploy.verify.root_values import RootValues

BROKER_PORT = 61614
DATABASE_PORT = 3306
#: Port by the role that the workers connect to.
_PORTS = {"broker": BROKER_PORT, "database": DATABASE_PORT, "endpoints": HTTPS}
#: Marks what does not exist yet, in IDs that people see.
_NEW = "new"


@dataclass(frozen=True)
class PlannedNetwork:
    """The network after an apply, with the tasks and the hosts that the root creates."""

    network: NetworkSnapshot
    source: Source
    broker: Host
    database: Host


def planned(found: NetworkSnapshot, values: RootValues) -> PlannedNetwork:
    """
    Add to a snapshot what the root creates.

    Args:
        found: The existing VPC; empty for a new one.
        values: Variables of the environment.
    """
    network = found if values.vpc else _with_vpc(found, values)
    subnets = _private_subnets(network, values)
    groups = {role: f"{values.prefix}-{role}" for role in (*_PORTS, "worker")}
    s3_list = _s3_list(network)
    network = replace(
        network,
        prefix_lists={**network.prefix_lists, s3_list.list_id: s3_list},
        groups={**network.groups, **_groups(groups, values, s3_list.list_id)},
        endpoints=(
            *network.endpoints,
            *_endpoints(network, values, subnets, groups["endpoints"]),
        ),
    )
    return PlannedNetwork(
        network,
        Source(subnets, (groups["worker"],)),
        Host("the broker", BROKER_PORT, subnets[:1], (groups["broker"],)),
        Host("the database", DATABASE_PORT, subnets, (groups["database"],)),
    )


def conflicts(found: NetworkSnapshot, values: RootValues) -> list[tuple[str, str]]:
    """List what AWS would reject in an existing VPC, with the next step."""
    if not values.vpc:
        return []
    vpc_id = values.vpc["vpc_id"]
    here = [one for one in found.endpoints if one.vpc_id == vpc_id]
    wanted = set(values.endpoints)
    double = [
        (
            f"{one.endpoint_id} already has the private DNS name of {one.service} in {vpc_id}",
            f"remove {one.service} from vpc_interface_endpoints",
        )
        for one in here
        if not one.gateway and one.private_dns and one.service in wanted
    ]
    tables = set(values.vpc.get("private_route_table_ids") or ())
    gateways = [
        (
            f"route table {table} already has the S3 endpoint {one.endpoint_id}",
            "set vpc_existing.s3_prefix_list_id instead of private_route_table_ids",
        )
        for one in here
        if one.gateway and one.service == S3
        for table in sorted(tables & set(one.table_ids))
    ]
    return [*double, *gateways]


def _with_vpc(found: NetworkSnapshot, values: RootValues) -> NetworkSnapshot:
    """Add the new VPC with its subnets, routes and NAT gateways."""
    vpc_id = f"{_NEW}-vpc"
    region = values.region
    block = IPv4Network(values["vpc_cidr_block"])
    parts = list(block.subnets(new_prefix=min(block.prefixlen + 4, 28)))
    zones = [str(each) for each in values["availability_zone_suffixes"]]
    private = [
        Subnet(f"{_NEW}-private-{zone}", vpc_id, str(parts[at]), f"{region}{zone}")
        for at, zone in enumerate(zones)
    ]
    public = [
        Subnet(f"{_NEW}-public-{zone}", vpc_id, str(parts[8 + at]), f"{region}{zone}")
        for at, zone in enumerate(zones)
    ]
    local = Route(str(block), "local")
    nat = values["vpc_nat_mode"] != "none"
    out = (Route("0.0.0.0/0", f"nat-{_NEW}"),) if nat else ()
    tables = (
        RouteTable(f"{_NEW}-private", vpc_id, (local, *out), tuple(x.subnet_id for x in private)),
        RouteTable(
            f"{_NEW}-public",
            vpc_id,
            (local, Route("0.0.0.0/0", f"igw-{_NEW}")),
            tuple(x.subnet_id for x in public),
        ),
    )
    return replace(
        found,
        vpcs={**found.vpcs, vpc_id: Vpc(vpc_id, (str(block),))},
        subnets={**found.subnets, **{one.subnet_id: one for one in (*private, *public)}},
        tables=(*found.tables, *tables),
        nats={**found.nats, f"nat-{_NEW}": NatGateway(f"nat-{_NEW}", public[0].subnet_id)},
    )


def _private_subnets(network: NetworkSnapshot, values: RootValues) -> tuple[str, ...]:
    """The subnets of the tasks."""
    if values.vpc:
        return tuple(values.vpc["private_subnet_ids"])
    return tuple(each for each in network.subnets if each.startswith(f"{_NEW}-private"))


def _s3_list(network: NetworkSnapshot) -> PrefixList:
    """The prefix list of S3."""
    name = f"com.amazonaws.{network.region}.{S3}"
    lists = network.prefix_lists.values()
    return next((one for one in lists if one.name == name), PrefixList(f"pl-{_NEW}-s3", name))


def _groups(ids: dict[str, str], values: RootValues, s3_list: str) -> dict[str, SecurityGroup]:
    """The security groups of the module network, with the rules of the workers."""
    own = {"endpoints"} if values.endpoints else set[str]()
    hosts = ("broker", "database") if values.uses_broker else ("database",)
    own |= {role for role in hosts if values.existing_peers(role) is None}
    out = [_rule(_PORTS[role], egress=True, group_id=ids[role]) for role in _PORTS if role in own]
    out += [
        _rule(port, egress=True, **peer)
        for role, port in _PORTS.items()
        for peer in values.existing_peers(role) or ()
    ]
    out.append(_rule(HTTPS, egress=True, prefix_list_id=s3_list))
    if "worker" in values["vpc_internet_egress_roles"]:
        out.append(_rule(HTTPS, egress=True, cidr="0.0.0.0/0"))
    accepting = {
        ids[role]: SecurityGroup(ids[role], (_rule(port, egress=False, group_id=ids["worker"]),))
        for role, port in _PORTS.items()
        if role in own
    }
    return {**accepting, ids["worker"]: SecurityGroup(ids["worker"], tuple(out))}


def _rule(port: int, *, egress: bool, **peer: str) -> GroupRule:
    """A rule for one port."""
    return GroupRule(egress, port, port, **peer)


def _endpoints(
    network: NetworkSnapshot, values: RootValues, subnets: tuple[str, ...], group: str
) -> Iterable[Endpoint]:
    """The endpoints of the module network."""
    vpc_id = values.vpc["vpc_id"] if values.vpc else f"{_NEW}-vpc"
    for service in values.endpoints:
        name = f"{_NEW}-{service}"
        yield Endpoint(name, vpc_id, service, subnet_ids=subnets, group_ids=(group,))
    tables = (
        tuple(values.vpc.get("private_route_table_ids") or ())
        if values.vpc
        else tuple(one.table_id for one in network.tables if one.table_id == f"{_NEW}-private")
    )
    if tables:
        name = f"{_NEW}-{S3}"
        yield Endpoint(name, vpc_id, S3, gateway=True, private_dns=False, table_ids=tables)
