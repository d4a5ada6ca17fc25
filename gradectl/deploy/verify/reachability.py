"""
Whether a task reaches AWS services, the broker and the database, and the cause when it does not.

It follows a connection as AWS does: DNS decides between an endpoint and the public address, the
route table of the subnet where packets go, network ACLs filter both directions between subnets,
and the security groups of both ends must allow the port.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network

from gradectl.adapters.aws.network_model import (
    Endpoint,
    NatGateway,
    NetworkSnapshot,
    PrefixList,
    Route,
    Subnet,
)
from gradectl.deploy.verify.endpoint_policies import Call, refused_by, s3_calls
from gradectl.deploy.verify.filters import EPHEMERAL, acl_allows, groups_allow

HTTPS = 443
S3 = "s3"
#: A public address of AWS, as a sample for all of them.
_PUBLIC = "52.94.0.1/32"
_ROUTERS = re.compile(r"(tgw|pcx|vgw|eni|vpce|i|lgw|cagw)-")


class Cause(StrEnum):
    """Why a connection fails; tests and programs compare these."""

    ACL_IN = "acl-in"
    ACL_OUT = "acl-out"
    ACL_RETURN = "acl-return"
    BLACKHOLE = "blackhole-route"
    DNS_OFF = "vpc-dns-off"
    ENDPOINT_DOWN = "endpoint-not-available"
    ENDPOINT_POLICY = "endpoint-policy"
    GROUP_EGRESS = "group-egress"
    GROUP_INGRESS = "group-ingress"
    NAT_DOWN = "nat-not-available"
    NAT_WITHOUT_INTERNET = "nat-without-internet"
    NO_PUBLIC_ADDRESS = "no-public-address"
    NO_ROUTE = "no-route"
    NO_ROUTE_BACK = "no-route-back"
    PRIVATE_DNS_OFF = "private-dns-off"
    SUBNET_MISSING = "subnet-missing"


@dataclass(frozen=True)
class Obstacle:
    """A cause with the resource that has it, and what to change."""

    cause: Cause
    text: str
    next_step: str


@dataclass(frozen=True)
class Source:
    """The end that connects: subnets and security groups of the tasks."""

    subnet_ids: tuple[str, ...]
    group_ids: tuple[str, ...]
    public_address: bool = False


@dataclass(frozen=True)
class Host:
    """The end that accepts: a broker or a database."""

    name: str
    port: int
    subnet_ids: tuple[str, ...]
    group_ids: tuple[str, ...]
    public: bool = False


@dataclass(frozen=True)
class Reach:
    """The way to a destination, and what stands in it."""

    via: str
    obstacles: tuple[Obstacle, ...] = ()


def reach_service(
    network: NetworkSnapshot,
    source: Source,
    service: str,
    own_bucket: str = "",
    calls: Sequence[Call] = (),
) -> Reach:
    """
    Follow the connection to an AWS service.

    Args:
        network: The snapshot.
        source: The tasks.
        service: Last part of the service's name, such as `ecr.api`.
        own_bucket: For S3, the bucket that the endpoint's policy must allow.
        calls: For others, the calls that the policy of the endpoint must allow.
    """
    missing = _missing(network, source.subnet_ids)
    if missing:
        return Reach("", missing)
    vpc_id = network.subnets[source.subnet_ids[0]].vpc_id
    own = [one for one in network.endpoints if (one.vpc_id, one.service) == (vpc_id, service)]
    named = next((one for one in own if not one.gateway and one.private_dns), None)
    if named:
        found = [*_dns(network, vpc_id, hostnames=True), *_to_endpoint(network, source, named)]
        found += _refused(named, calls)
        return Reach(f"endpoint {named.endpoint_id}", _distinct(found))
    gateway = next((one for one in own if one.gateway), None)
    if gateway:
        return _through_gateway(network, source, gateway, own_bucket)
    reach = reach_internet(network, source, HTTPS)
    silent = next((one for one in own if not one.gateway), None)
    if reach.obstacles and silent:
        text = f"endpoint {silent.endpoint_id} has private DNS off, so the name is public"
        step = f"turn on private DNS of {silent.endpoint_id}"
        return Reach("", (Obstacle(Cause.PRIVATE_DNS_OFF, text, step), *reach.obstacles))
    return reach


def reach_internet(network: NetworkSnapshot, source: Source, port: int) -> Reach:
    """Follow the connection to a public address."""
    missing = _missing(network, source.subnet_ids)
    if missing:
        return Reach("", missing)
    found: list[Obstacle] = []
    targets: set[str] = set()
    for subnet_id in source.subnet_ids:
        found += _dns(network, network.subnets[subnet_id].vpc_id)
        route = _route(network, subnet_id, _PUBLIC)
        found += _way_out(network, source, subnet_id, route, port)
        targets |= {route.target} if route else set()
        if route and route.active:
            found += _acls_one_side(network, subnet_id, [_PUBLIC], port, "public addresses")
    if not groups_allow(network, source.group_ids, port, egress=True, peer_cidrs=[_PUBLIC]):
        found.append(_group_egress(source, port, "public addresses"))
    return Reach(" and ".join(sorted(targets)), _distinct(found))


def reach_host(network: NetworkSnapshot, source: Source, host: Host) -> Reach:
    """Follow the connection to a broker or database."""
    missing = _missing(network, (*source.subnet_ids, *host.subnet_ids))
    if missing:
        return Reach("", missing)
    starts = [network.subnets[each] for each in source.subnet_ids]
    ends = [network.subnets[each] for each in host.subnet_ids]
    if host.public and starts[0].vpc_id != ends[0].vpc_id:
        return _to_public_host(network, source, host)
    found = list(_dns(network, starts[0].vpc_id))
    for start in starts:
        for end in ends:
            if start.vpc_id != end.vpc_id:
                found += _between_vpcs(network, start, end, host.name)
            found += _acls_between(network, start, end, host.port, host.name)
    found += _groups_between(network, source, host)
    same = starts[0].vpc_id == ends[0].vpc_id
    return Reach("the VPC" if same else "another VPC", _distinct(found))


def _missing(network: NetworkSnapshot, subnet_ids: Iterable[str]) -> tuple[Obstacle, ...]:
    """Subnets that do not exist."""
    return tuple(
        Obstacle(
            Cause.SUBNET_MISSING,
            f"subnet {each} does not exist in this account and region",
            "correct the subnet IDs",
        )
        for each in dict.fromkeys(subnet_ids)
        if each not in network.subnets
    )


def _dns(network: NetworkSnapshot, vpc_id: str, *, hostnames: bool = False) -> Iterator[Obstacle]:
    """DNS attributes of the VPC that are off."""
    vpc = network.vpcs.get(vpc_id)
    wanted = {"enableDnsSupport": vpc is None or vpc.dns_support}
    if hostnames:
        wanted["enableDnsHostnames"] = vpc is None or vpc.dns_hostnames
    for attribute, enabled in wanted.items():
        if not enabled:
            flag = "--enable-dns-" + attribute.removeprefix("enableDns").lower()
            yield Obstacle(
                Cause.DNS_OFF,
                f"{vpc_id} has {attribute} off",
                f"aws ec2 modify-vpc-attribute --vpc-id {vpc_id} {flag}",
            )


def _to_endpoint(network: NetworkSnapshot, source: Source, endpoint: Endpoint) -> list[Obstacle]:
    """The connection to an interface endpoint."""
    name = f"endpoint {endpoint.endpoint_id}"
    found = []
    if not endpoint.available:
        text = f"{name} is not available"
        step = f"aws ec2 describe-vpc-endpoints --vpc-endpoint-ids {endpoint.endpoint_id}"
        found.append(Obstacle(Cause.ENDPOINT_DOWN, text, step))
    host = Host(name, HTTPS, endpoint.subnet_ids, endpoint.group_ids)
    for start in source.subnet_ids:
        for end in endpoint.subnet_ids:
            if end in network.subnets:
                ends = (network.subnets[start], network.subnets[end])
                found += _acls_between(network, *ends, HTTPS, name)
    return [*found, *_groups_between(network, source, host)]


def _through_gateway(
    network: NetworkSnapshot, source: Source, gateway: Endpoint, own_bucket: str
) -> Reach:
    """The connection to S3 through its gateway endpoint; around it where it has no route."""
    listed = _service_list(network, gateway.service)
    found: list[Obstacle] = []
    around: list[str] = []
    for subnet_id in source.subnet_ids:
        table = network.table_of(subnet_id)
        if table and table.table_id in gateway.table_ids:
            cidrs = listed.cidrs or (_PUBLIC,)
            found += _acls_one_side(network, subnet_id, cidrs, HTTPS, "S3")
        else:
            around.append(subnet_id)
    if around:
        rest = Source(tuple(around), source.group_ids, source.public_address)
        obstacles = reach_internet(network, rest, HTTPS).obstacles
        if obstacles:
            tables = {table.table_id for each in around if (table := network.table_of(each))}
            text = f"{gateway.endpoint_id} has no route in {', '.join(sorted(tables)) or around[0]}"
            step = f"associate {gateway.endpoint_id} with the route table of the subnets"
            found.append(Obstacle(Cause.NO_ROUTE, text, step))
    if len(around) < len(source.subnet_ids):
        found += _gateway_filters(network, source, gateway, listed, own_bucket)
    return Reach(f"endpoint {gateway.endpoint_id}", _distinct(found))


def _gateway_filters(
    network: NetworkSnapshot,
    source: Source,
    gateway: Endpoint,
    listed: PrefixList,
    own_bucket: str,
) -> Iterator[Obstacle]:
    """Security groups and the policy on the way through a gateway endpoint."""
    allowed = groups_allow(
        network,
        source.group_ids,
        HTTPS,
        egress=True,
        peer_cidrs=listed.cidrs or (_PUBLIC,),
        peer_list=listed.list_id,
    )
    if not allowed:
        yield _group_egress(source, HTTPS, f"S3 (prefix list {listed.list_id or 'of S3'})")
    yield from _refused(gateway, s3_calls(network.region, own_bucket))


def _refused(endpoint: Endpoint, calls: Sequence[Call]) -> Iterator[Obstacle]:
    """The calls that the policy of an endpoint does not allow."""
    for what in refused_by(endpoint.policy, calls):
        text = f"the policy of {endpoint.endpoint_id} does not allow {what}"
        yield Obstacle(Cause.ENDPOINT_POLICY, text, "allow it in the policy of the endpoint")


def _service_list(network: NetworkSnapshot, service: str) -> PrefixList:
    """The prefix list of a service."""
    name = f"com.amazonaws.{network.region}.{service}"
    lists = network.prefix_lists.values()
    return next((one for one in lists if one.name == name), PrefixList("", name))


def _to_public_host(network: NetworkSnapshot, source: Source, host: Host) -> Reach:
    """A public host in another VPC: by its public address."""
    reach = reach_internet(network, source, host.port)
    # Its groups see the address of the NAT gateway, which is not in the snapshot.
    return Reach(f"its public address, {reach.via}", reach.obstacles)


def _route(network: NetworkSnapshot, subnet_id: str, cidr: str) -> Route | None:
    """The most specific route of a subnet to an address block."""
    table = network.table_of(subnet_id)
    wanted = IPv4Network(cidr)
    best: tuple[int, Route] | None = None
    for route in table.routes if table else ():
        known = network.prefix_lists.get(route.destination)
        blocks = known.cidrs if known else (route.destination,)
        for block in blocks:
            if ":" in block or block.startswith("pl-"):
                continue
            whole = IPv4Network(block)
            if wanted.subnet_of(whole) and (best is None or whole.prefixlen > best[0]):
                best = (whole.prefixlen, route)
    return best[1] if best else None


def _way_out(
    network: NetworkSnapshot, source: Source, subnet_id: str, route: Route | None, port: int
) -> Iterator[Obstacle]:
    """The route of a subnet to the internet."""
    table = network.table_of(subnet_id)
    name = table.table_id if table else f"the route table of {subnet_id}"
    if route is None:
        text = f"{name} ({subnet_id}) has no route to the internet, and there is no endpoint"
        yield Obstacle(Cause.NO_ROUTE, text, "add an interface endpoint for the service, or NAT")
    elif not route.active:
        text = f"the route to {route.destination} in {name} is a blackhole: {route.target} is gone"
        yield Obstacle(Cause.BLACKHOLE, text, f"replace the route in {name}")
    elif route.target.startswith("igw-") and not source.public_address:
        text = f"{name} routes {subnet_id} to {route.target}, but the tasks have no public address"
        step = "use private subnets with NAT or endpoints"
        yield Obstacle(Cause.NO_PUBLIC_ADDRESS, text, step)
    elif route.target.startswith("nat-"):
        yield from _through_nat(network, route.target)
        nat = network.nats.get(route.target)
        if nat and nat.subnet_id in network.subnets:
            yield from _acl_of_nat(network, nat, network.subnets[subnet_id], port)


def _through_nat(network: NetworkSnapshot, nat_id: str) -> Iterator[Obstacle]:
    """A NAT gateway and the way out of its subnet."""
    nat = network.nats.get(nat_id)
    if nat is None or not nat.available:
        text = f"{nat_id} is not available"
        step = f"aws ec2 describe-nat-gateways --nat-gateway-ids {nat_id}"
        yield Obstacle(Cause.NAT_DOWN, text, step)
        return
    route = _route(network, nat.subnet_id, _PUBLIC)
    if not nat.public or route is None or not route.active or route.target.startswith("nat-"):
        what = "is private" if not nat.public else f"is in {nat.subnet_id}, which has no way out"
        text = f"{nat_id} {what}"
        step = "use a public NAT gateway in a subnet with a route to an internet gateway"
        yield Obstacle(Cause.NAT_WITHOUT_INTERNET, text, step)


def _acl_of_nat(
    network: NetworkSnapshot, nat: NatGateway, start: Subnet, port: int
) -> Iterator[Obstacle]:
    """The network ACL of the NAT gateway's subnet, towards the tasks and towards the internet."""
    acl = network.acl_of(nat.subnet_id)
    peer = f"{nat.nat_id}, for {start.cidr}"
    if not acl_allows(acl, [start.cidr], [port], egress=False):
        yield _acl(Cause.ACL_IN, network, nat.subnet_id, f"port {port} to {peer}")
    if not acl_allows(acl, [_PUBLIC], [port], egress=True):
        yield _acl(Cause.ACL_OUT, network, nat.subnet_id, f"port {port} from {peer}")
    answers = (
        acl_allows(acl, [_PUBLIC], EPHEMERAL, egress=False),
        acl_allows(acl, [start.cidr], EPHEMERAL, egress=True),
    )
    if not all(answers):
        yield _acl(Cause.ACL_RETURN, network, nat.subnet_id, f"answers through {peer}")


def _between_vpcs(
    network: NetworkSnapshot, start: Subnet, end: Subnet, name: str
) -> Iterator[Obstacle]:
    """The routes between subnets of two VPCs, in both directions."""
    ways = ((start, end, Cause.NO_ROUTE, "to"), (end, start, Cause.NO_ROUTE_BACK, "back from"))
    for here, there, cause, word in ways:
        route = _route(network, here.subnet_id, there.cidr)
        if route and not route.active:
            text = f"the route of {here.subnet_id} {word} {name} is a blackhole: "
            text += f"{route.target} is gone"
            yield Obstacle(Cause.BLACKHOLE, text, f"replace the route to {there.cidr}")
        elif route is None or not _ROUTERS.match(route.target):
            text = f"{name} is in {end.vpc_id}, and {here.subnet_id} has no route to {there.cidr}"
            step = f"use the broker's or database's VPC, or peer {start.vpc_id} with {end.vpc_id}"
            yield Obstacle(cause, text, step)


def _acls_one_side(
    network: NetworkSnapshot, subnet_id: str, cidrs: Iterable[str], port: int, peer: str
) -> Iterator[Obstacle]:
    """The network ACL of the tasks' subnet, for a peer outside the VPC."""
    acl = network.acl_of(subnet_id)
    blocks = list(cidrs)
    if not acl_allows(acl, blocks, [port], egress=True):
        yield _acl(Cause.ACL_OUT, network, subnet_id, f"port {port} to {peer}")
    if not acl_allows(acl, blocks, EPHEMERAL, egress=False):
        yield _acl(Cause.ACL_RETURN, network, subnet_id, f"answers from {peer} to 32768-60999")


def _acls_between(
    network: NetworkSnapshot, start: Subnet, end: Subnet, port: int, peer: str
) -> Iterator[Obstacle]:
    """The network ACLs of two subnets; traffic within a subnet is not filtered."""
    if start.subnet_id == end.subnet_id:
        return
    yield from _acls_one_side(network, start.subnet_id, [end.cidr], port, peer)
    acl = network.acl_of(end.subnet_id)
    if not acl_allows(acl, [start.cidr], [port], egress=False):
        yield _acl(Cause.ACL_IN, network, end.subnet_id, f"port {port} from {start.cidr}")
    if not acl_allows(acl, [start.cidr], EPHEMERAL, egress=True):
        what = f"answers of {peer} to 32768-60999 of {start.cidr}"
        yield _acl(Cause.ACL_RETURN, network, end.subnet_id, what)


def _acl(cause: Cause, network: NetworkSnapshot, subnet_id: str, what: str) -> Obstacle:
    """The obstacle of a network ACL."""
    acl = network.acl_of(subnet_id)
    name = acl.acl_id if acl else "the network ACL"
    return Obstacle(cause, f"{name} of {subnet_id} denies {what}", f"allow it in {name}")


def _groups_between(network: NetworkSnapshot, source: Source, host: Host) -> Iterator[Obstacle]:
    """The security groups of both ends."""
    starts = [network.subnets[each].cidr for each in source.subnet_ids]
    ends = [network.subnets[each].cidr for each in host.subnet_ids if each in network.subnets]
    out = groups_allow(
        network,
        source.group_ids,
        host.port,
        egress=True,
        peer_groups=host.group_ids,
        peer_cidrs=ends,
    )
    if not out:
        yield _group_egress(source, host.port, f"{host.name} ({', '.join(host.group_ids)})")
    accepted = groups_allow(
        network,
        host.group_ids,
        host.port,
        egress=False,
        peer_groups=source.group_ids,
        peer_cidrs=starts,
    )
    if not accepted:
        names = ", ".join(host.group_ids) or "no security group"
        text = f"{names} of {host.name} does not accept port {host.port}"
        text += f" from {', '.join(source.group_ids)}"
        step = f"add an ingress rule for TCP {host.port} to {names}"
        yield Obstacle(Cause.GROUP_INGRESS, text, step)


def _group_egress(source: Source, port: int, peer: str) -> Obstacle:
    """The obstacle of the tasks' own security groups."""
    names = ", ".join(source.group_ids) or "no security group"
    text = f"{names} of the tasks does not allow port {port} to {peer}"
    return Obstacle(Cause.GROUP_EGRESS, text, f"add an egress rule for TCP {port} to {names}")


def _distinct(found: Iterable[Obstacle]) -> tuple[Obstacle, ...]:
    """The obstacles without repetitions."""
    return tuple(dict.fromkeys(found))
