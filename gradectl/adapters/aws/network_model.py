"""A network as EC2 describes it, without boto3's types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Vpc:
    """A VPC; both DNS attributes must be on for private DNS names."""

    vpc_id: str
    cidrs: tuple[str, ...]
    dns_support: bool = True
    dns_hostnames: bool = True


@dataclass(frozen=True)
class Subnet:
    """A subnet; `free` is the number of unused addresses."""

    subnet_id: str
    vpc_id: str
    cidr: str
    zone: str = ""
    free: int = 250


@dataclass(frozen=True)
class Route:
    """
    A route.

    Attributes:
        destination: CIDR block or ID of a prefix list.
        target: `local` or the ID of a gateway, such as `nat-...`.
        active: False for a blackhole, whose target is gone.
    """

    destination: str
    target: str
    active: bool = True


@dataclass(frozen=True)
class RouteTable:
    """A route table; the main one applies to subnets without a table of their own."""

    table_id: str
    vpc_id: str
    routes: tuple[Route, ...] = ()
    subnet_ids: tuple[str, ...] = ()
    main: bool = False


@dataclass(frozen=True)
class AclEntry:
    """An IPv4 rule of a network ACL; the lowest matching number decides. `-1` is any protocol."""

    number: int
    egress: bool
    allow: bool
    cidr: str
    protocol: str = "-1"
    from_port: int = 0
    to_port: int = 65535


@dataclass(frozen=True)
class NetworkAcl:
    """A network ACL, which filters the traffic between subnets in both directions."""

    acl_id: str
    subnet_ids: tuple[str, ...] = ()
    entries: tuple[AclEntry, ...] = ()


@dataclass(frozen=True)
class GroupRule:
    """A rule of a security group; exactly one of `cidr`, `group_id` and `prefix_list_id` is set."""

    egress: bool
    from_port: int = 0
    to_port: int = 65535
    protocol: str = "tcp"
    cidr: str = ""
    group_id: str = ""
    prefix_list_id: str = ""


@dataclass(frozen=True)
class SecurityGroup:
    """A security group; answers to an allowed connection are always allowed."""

    group_id: str
    rules: tuple[GroupRule, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Endpoint:
    """
    A VPC endpoint.

    Attributes:
        endpoint_id: `vpce-...`.
        vpc_id: Its VPC.
        service: Last part of the service name, such as `ecr.api`.
        gateway: True for a gateway endpoint, which needs routes; False for an interface endpoint.
        available: Whether it is in the state `available`.
        private_dns: Whether the service's public name resolves to the endpoint in the VPC.
        subnet_ids: Subnets of an interface endpoint.
        group_ids: Security groups of an interface endpoint.
        table_ids: Route tables of a gateway endpoint.
        policy: Its policy document; "" for the default, which allows everything.
    """

    endpoint_id: str
    vpc_id: str
    service: str
    gateway: bool = False
    available: bool = True
    private_dns: bool = True
    subnet_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    table_ids: tuple[str, ...] = ()
    policy: str = ""


@dataclass(frozen=True)
class NatGateway:
    """A NAT gateway; a private one has no access to the internet."""

    nat_id: str
    subnet_id: str
    available: bool = True
    public: bool = True


@dataclass(frozen=True)
class PrefixList:
    """A prefix list; `name` is `com.amazonaws.<region>.s3` for that of S3."""

    list_id: str
    name: str
    cidrs: tuple[str, ...] = ()


@dataclass(frozen=True)
class NetworkSnapshot:
    """Everything that decides about connections in some VPCs, by ID."""

    region: str
    vpcs: Mapping[str, Vpc] = field(default_factory=dict)
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    tables: tuple[RouteTable, ...] = ()
    acls: tuple[NetworkAcl, ...] = ()
    groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    endpoints: tuple[Endpoint, ...] = ()
    nats: Mapping[str, NatGateway] = field(default_factory=dict)
    prefix_lists: Mapping[str, PrefixList] = field(default_factory=dict)

    def table_of(self, subnet_id: str) -> RouteTable | None:
        """The route table of a subnet: its own or the main one of its VPC."""
        own = next((table for table in self.tables if subnet_id in table.subnet_ids), None)
        subnet = self.subnets.get(subnet_id)
        if own or subnet is None:
            return own
        mains = (each for each in self.tables if each.main and each.vpc_id == subnet.vpc_id)
        return next(mains, None)

    def acl_of(self, subnet_id: str) -> NetworkAcl | None:
        """The network ACL of a subnet."""
        return next((acl for acl in self.acls if subnet_id in acl.subnet_ids), None)
