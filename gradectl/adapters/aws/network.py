"""Reads VPCs with everything that decides about connections in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gradectl.adapters.aws.errors import translated
from gradectl.adapters.aws.network_model import (
    AclEntry,
    Endpoint,
    GroupRule,
    NatGateway,
    NetworkAcl,
    NetworkSnapshot,
    PrefixList,
    Route,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
)

#: Keys of a route that name its target, in the order of EC2's documentation.
_TARGETS = (
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
    "EgressOnlyInternetGatewayId",
    "GatewayId",
    "NetworkInterfaceId",
    "InstanceId",
)
#: States of an endpoint that is listed for a while after its deletion.
_GONE = ("deleted", "deleting")


class Network:
    """
    EC2 networks; every call is a read.

    Args:
        client: A boto3 client of `ec2`.
        region: Its region.
    """

    def __init__(self, client: Any, region: str) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client
        self._region = region

    def snapshot(self, vpc_ids: Iterable[str]) -> NetworkSnapshot:
        """Read some VPCs; those that do not exist are not in the snapshot."""
        wanted = sorted(set(vpc_ids))
        within = [{"Name": "vpc-id", "Values": wanted}]
        with translated("EC2"):
            groups = self._all("describe_security_groups", "SecurityGroups", within)
            lists = self._all("describe_prefix_lists", "PrefixLists")
            return NetworkSnapshot(
                region=self._region,
                vpcs={one["VpcId"]: self._vpc(one) for one in self._vpcs(within)},
                subnets={
                    one["SubnetId"]: _subnet(one)
                    for one in self._all("describe_subnets", "Subnets", within)
                },
                tables=tuple(
                    map(_table, self._all("describe_route_tables", "RouteTables", within))
                ),
                acls=tuple(map(_acl, self._all("describe_network_acls", "NetworkAcls", within))),
                groups={one["GroupId"]: _group(one) for one in groups},
                endpoints=tuple(
                    _endpoint(one)
                    for one in self._all("describe_vpc_endpoints", "VpcEndpoints", within)
                    if str(one.get("State", "")).lower() not in _GONE
                ),
                nats={
                    one["NatGatewayId"]: _nat(one)
                    for one in self._all("describe_nat_gateways", "NatGateways", within, "Filter")
                },
                prefix_lists={
                    **{one["PrefixListId"]: _prefix_list(one) for one in lists},
                    **self._own_lists(groups, {one["PrefixListId"] for one in lists}),
                },
            )

    def vpc_of_subnets(self, subnet_ids: Sequence[str]) -> set[str]:
        """IDs of the VPCs of those subnets that exist."""
        found = [{"Name": "subnet-id", "Values": list(subnet_ids)}]
        with translated("EC2"):
            subnets = self._all("describe_subnets", "Subnets", found)
        return {str(one["VpcId"]) for one in subnets}

    def regions(self) -> dict[str, str]:
        """Opt-in status by region of AWS."""
        with translated("EC2"):
            answer = self._client.describe_regions(AllRegions=True)["Regions"]
        return {one["RegionName"]: one.get("OptInStatus", "") for one in answer}

    def count_vpcs(self) -> int:
        """Number of VPCs in the region."""
        with translated("EC2"):
            return len(self._vpcs())

    def count_addresses(self) -> int:
        """Number of Elastic IP addresses in the region."""
        with translated("EC2"):
            return len(self._client.describe_addresses()["Addresses"])

    def _vpcs(self, filters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        return self._all("describe_vpcs", "Vpcs", filters)

    def _all(
        self, operation: str, key: str, filters: Sequence[Any] = (), argument: str = "Filters"
    ) -> list[dict[str, Any]]:
        """All pages of an operation."""
        arguments = {argument: list(filters)} if filters else {}
        pages = self._client.get_paginator(operation).paginate(**arguments)
        return [item for page in pages for item in page[key]]

    def _vpc(self, found: Mapping[str, Any]) -> Vpc:
        """A VPC with its DNS attributes, which have a call of their own."""
        vpc_id = str(found["VpcId"])
        cidrs = [one["CidrBlock"] for one in found.get("CidrBlockAssociationSet", ())]
        return Vpc(
            vpc_id,
            tuple(cidrs or [found["CidrBlock"]]),
            dns_support=self._attribute(vpc_id, "enableDnsSupport"),
            dns_hostnames=self._attribute(vpc_id, "enableDnsHostnames"),
        )

    def _attribute(self, vpc_id: str, name: str) -> bool:
        answer = self._client.describe_vpc_attribute(VpcId=vpc_id, Attribute=name)
        return bool(answer[name[0].upper() + name[1:]]["Value"])

    def _own_lists(
        self, groups: Iterable[Mapping[str, Any]], known: set[str]
    ) -> dict[str, PrefixList]:
        """The customer's prefix lists that rules of security groups use."""
        used = {rule.prefix_list_id for group in groups for rule in _group(group).rules}
        found = {}
        for list_id in sorted(used - known - {""}):
            pages = self._client.get_paginator("get_managed_prefix_list_entries").paginate(
                PrefixListId=list_id
            )
            cidrs = [entry["Cidr"] for page in pages for entry in page["Entries"]]
            found[list_id] = PrefixList(list_id, "", _ipv4(cidrs))
        return found


def _subnet(found: Mapping[str, Any]) -> Subnet:
    return Subnet(
        found["SubnetId"],
        found["VpcId"],
        found["CidrBlock"],
        found.get("AvailabilityZone", ""),
        int(found.get("AvailableIpAddressCount", 0)),
    )


def _table(found: Mapping[str, Any]) -> RouteTable:
    associations = found.get("Associations", ())
    return RouteTable(
        found["RouteTableId"],
        found["VpcId"],
        tuple(route for one in found.get("Routes", ()) if (route := _one_route(one))),
        tuple(one["SubnetId"] for one in associations if one.get("SubnetId")),
        main=any(one.get("Main") for one in associations),
    )


def _one_route(found: Mapping[str, Any]) -> Route | None:
    """A route for IPv4 addresses or a prefix list; None for one of IPv6."""
    destination = found.get("DestinationCidrBlock") or found.get("DestinationPrefixListId")
    target = next((str(found[key]) for key in _TARGETS if found.get(key)), "")
    if not destination:
        return None
    return Route(destination, target, active=found.get("State", "active") == "active")


def _acl(found: Mapping[str, Any]) -> NetworkAcl:
    return NetworkAcl(
        found["NetworkAclId"],
        tuple(one["SubnetId"] for one in found.get("Associations", ()) if one.get("SubnetId")),
        tuple(_entry(one) for one in found.get("Entries", ()) if one.get("CidrBlock")),
    )


def _entry(found: Mapping[str, Any]) -> AclEntry:
    ports = found.get("PortRange") or {}
    return AclEntry(
        int(found["RuleNumber"]),
        bool(found["Egress"]),
        found["RuleAction"] == "allow",
        found["CidrBlock"],
        str(found["Protocol"]),
        int(ports.get("From", 0)),
        int(ports.get("To", 65535)),
    )


def _group(found: Mapping[str, Any]) -> SecurityGroup:
    rules = [
        rule
        for key, egress in (("IpPermissions", False), ("IpPermissionsEgress", True))
        for one in found.get(key, ())
        for rule in _rules(one, egress=egress)
    ]
    return SecurityGroup(found["GroupId"], tuple(rules), found.get("GroupName", ""))


def _rules(found: Mapping[str, Any], *, egress: bool) -> list[GroupRule]:
    """The IPv4 rules of one permission, which lists several peers."""
    rule = GroupRule(
        egress,
        int(found.get("FromPort", 0)),
        int(found.get("ToPort", 65535)),
        str(found["IpProtocol"]),
    )
    groups = (one["GroupId"] for one in found.get("UserIdGroupPairs", ()) if one.get("GroupId"))
    lists = (one["PrefixListId"] for one in found.get("PrefixListIds", ()))
    return [
        *(replace(rule, cidr=one["CidrIp"]) for one in found.get("IpRanges", ())),
        *(replace(rule, group_id=one) for one in groups),
        *(replace(rule, prefix_list_id=one) for one in lists),
    ]


def _endpoint(found: Mapping[str, Any]) -> Endpoint:
    policy = str(found.get("PolicyDocument") or "")
    return Endpoint(
        found["VpcEndpointId"],
        found["VpcId"],
        _service(found["ServiceName"]),
        gateway=found.get("VpcEndpointType") == "Gateway",
        available=str(found.get("State", "")).lower() == "available",
        private_dns=bool(found.get("PrivateDnsEnabled")),
        subnet_ids=tuple(found.get("SubnetIds", ())),
        group_ids=tuple(one["GroupId"] for one in found.get("Groups", ())),
        table_ids=tuple(found.get("RouteTableIds", ())),
        policy="" if _allows_everything(policy) else policy,
    )


def _service(name: str) -> str:
    """`com.amazonaws.eu-west-1.ecr.api` as `ecr.api`."""
    parts = name.split(".")
    return ".".join(parts[3:]) if name.startswith("com.amazonaws.") else name


def _allows_everything(policy: str) -> bool:
    """Whether a policy is the default of EC2."""
    try:
        statements = json.loads(policy or "{}").get("Statement", [])
    except ValueError:
        return False
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return any(
        everything.items() <= one.items() and not one.get("Condition")
        for one in statements
        if isinstance(one, dict)
    ) and all(one.get("Effect") == "Allow" for one in statements)


def _nat(found: Mapping[str, Any]) -> NatGateway:
    return NatGateway(
        found["NatGatewayId"],
        found["SubnetId"],
        available=found.get("State") == "available",
        public=found.get("ConnectivityType", "public") == "public",
    )


def _prefix_list(found: Mapping[str, Any]) -> PrefixList:
    return PrefixList(
        found["PrefixListId"], found.get("PrefixListName", ""), _ipv4(found.get("Cidrs", ()))
    )


def _ipv4(cidrs: Iterable[str]) -> tuple[str, ...]:
    return tuple(cidr for cidr in cidrs if ":" not in cidr)
