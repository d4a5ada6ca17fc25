"""Faults planted in real rules of an emulated EC2 are found, each with its cause."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from gradectl.adapters.aws.network import Network
from gradectl.adapters.aws.network_model import NetworkSnapshot
from gradectl.deploy.verify.reachability import (
    Host,
    Reach,
    Source,
    reach_host,
    reach_service,
)

REGION = "ap-northeast-2"
SERVICES = ("ecr.api", "ecr.dkr", "logs", "ssm")
ANYWHERE = "0.0.0.0/0"


@dataclass
class Site:
    """A VPC of a company: two private subnets, one of data, one public."""

    ec2: Any
    vpc: str = ""
    tasks: tuple[str, ...] = ()
    data: str = ""
    public: str = ""
    table: str = ""
    worker: str = ""
    broker: str = ""
    database: str = ""
    inside: str = ""
    s3_list: str = ""

    def endpoint(self, service: str) -> str:
        found = self.mine("describe_vpc_endpoints", "VpcEndpoints")
        named = (one for one in found if one["ServiceName"].endswith(f".{service}"))
        return str(next(named)["VpcEndpointId"])

    def add_endpoint(self, service: str, *, private_dns: bool = True) -> None:
        self.ec2.create_vpc_endpoint(
            VpcId=self.vpc,
            ServiceName=f"com.amazonaws.{REGION}.{service}",
            VpcEndpointType="Interface",
            SubnetIds=list(self.tasks),
            SecurityGroupIds=[self.inside],
            PrivateDnsEnabled=private_dns,
        )

    def mine(self, operation: str, key: str, argument: str = "Filters") -> list[Any]:
        """What an operation lists in this VPC."""
        within = [{"Name": "vpc-id", "Values": [self.vpc]}]
        found: list[Any] = getattr(self.ec2, operation)(**{argument: within})[key]
        return found

    def acl(self, subnet: str) -> str:
        """Give a subnet an ACL of its own that allows everything by rule 1000."""
        acl = self.ec2.create_network_acl(VpcId=self.vpc)["NetworkAcl"]["NetworkAclId"]
        for egress in (True, False):
            self.entry(acl, 1000, egress=egress, action="allow")
        given = self.mine("describe_network_acls", "NetworkAcls")
        association = next(
            one["NetworkAclAssociationId"]
            for each in given
            for one in each["Associations"]
            if one["SubnetId"] == subnet
        )
        self.ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)
        return str(acl)

    def entry(  # noqa: PLR0913 - the parts of a rule
        self,
        acl: str,
        number: int,
        *,
        egress: bool,
        action: str = "deny",
        cidr: str = ANYWHERE,
        ports: tuple[int, int] | None = None,
    ) -> None:
        ranged = {"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}
        self.ec2.create_network_acl_entry(
            NetworkAclId=acl,
            RuleNumber=number,
            Protocol="6" if ports else "-1",
            RuleAction=action,
            Egress=egress,
            CidrBlock=cidr,
            **ranged,
        )

    def accept(self, own: str, port: int, *, egress: bool = False, **peer: Any) -> None:
        act = (
            self.ec2.authorize_security_group_egress
            if egress
            else self.ec2.authorize_security_group_ingress
        )
        act(GroupId=own, IpPermissions=[_permission(port, peer)])

    def refuse(self, own: str, port: int, *, egress: bool = False, **peer: Any) -> None:
        act = (
            self.ec2.revoke_security_group_egress
            if egress
            else self.ec2.revoke_security_group_ingress
        )
        act(GroupId=own, IpPermissions=[_permission(port, peer)])

    def attribute(self, **values: Any) -> None:
        self.ec2.modify_vpc_attribute(VpcId=self.vpc, **values)

    def snapshot(self, *others: str) -> NetworkSnapshot:
        return Network(self.ec2, REGION).snapshot([self.vpc, *others])

    @property
    def source(self) -> Source:
        return Source(self.tasks, (self.worker,))

    def reach(self, what: str) -> Reach:
        """Reach a service, the broker or the database."""
        hosts = {
            "broker": Host("the broker", 61614, (self.data,), (self.broker,)),
            "database": Host("the database", 3306, (self.data,), (self.database,)),
        }
        if what in hosts:
            return reach_host(self.snapshot(), self.source, hosts[what])
        return reach_service(self.snapshot(), self.source, what, "exams-grading-files")


def _permission(port: int, peer: dict[str, Any]) -> dict[str, Any]:
    peers: dict[str, Any] = {}
    if "group" in peer:
        peers["UserIdGroupPairs"] = [{"GroupId": peer["group"]}]
    if "cidr" in peer:
        peers["IpRanges"] = [{"CidrIp": peer["cidr"]}]
    if "prefix_list" in peer:
        peers["PrefixListIds"] = [{"PrefixListId": peer["prefix_list"]}]
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peers}


def subnet(ec2: Any, vpc: str, cidr: str, zone: str) -> str:
    answer = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}{zone}")
    return str(answer["Subnet"]["SubnetId"])


def group(ec2: Any, vpc: str, name: str) -> str:
    """A security group without any rule."""
    made = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}]
    ec2.revoke_security_group_egress(GroupId=made, IpPermissions=everything)
    return str(made)


@pytest.fixture(scope="module")
def ec2() -> Iterator[Any]:
    """An emulated EC2; each test has a VPC of its own."""
    with mock_aws():
        yield boto3.client(
            "ec2", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
        )


@pytest.fixture
def empty(ec2: Any) -> Site:
    """Subnets, and the groups of the module network with their rules; no way out yet."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    site = Site(ec2, vpc)
    site.attribute(EnableDnsHostnames={"Value": True})
    site.tasks = (subnet(ec2, vpc, "10.0.0.0/20", "a"), subnet(ec2, vpc, "10.0.16.0/20", "c"))
    site.data = subnet(ec2, vpc, "10.0.32.0/20", "a")
    site.public = subnet(ec2, vpc, "10.0.128.0/20", "a")
    site.table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    for each in site.tasks:
        ec2.associate_route_table(RouteTableId=site.table, SubnetId=each)
    for role in ("worker", "broker", "database", "inside"):
        setattr(site, role, group(ec2, vpc, role))
    lists = ec2.describe_prefix_lists()["PrefixLists"]
    name = f"com.amazonaws.{REGION}.s3"
    site.s3_list = next(x["PrefixListId"] for x in lists if x["PrefixListName"] == name)
    for role, port in (("broker", 61614), ("database", 3306), ("inside", 443)):
        there = getattr(site, role)
        site.accept(site.worker, port, egress=True, group=there)
        site.accept(there, port, group=site.worker)
    site.accept(site.worker, 443, egress=True, prefix_list=site.s3_list)
    return site


@pytest.fixture
def site(empty: Site) -> Site:
    """With endpoints and without NAT, as the root creates it."""
    for service in SERVICES:
        empty.add_endpoint(service)
    empty.ec2.create_vpc_endpoint(
        VpcId=empty.vpc,
        ServiceName=f"com.amazonaws.{REGION}.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[empty.table],
    )
    return empty


@pytest.fixture
def nat_site(empty: Site) -> Site:
    """With NAT and without endpoints."""
    ec2 = empty.ec2
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=empty.vpc)
    table = ec2.create_route_table(VpcId=empty.vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=empty.public)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=empty.public, AllocationId=address)["NatGateway"]
    ec2.create_route(
        RouteTableId=empty.table,
        DestinationCidrBlock=ANYWHERE,
        NatGatewayId=nat["NatGatewayId"],
    )
    empty.accept(empty.worker, 443, egress=True, cidr=ANYWHERE)
    return empty


def nat_of(site: Site) -> str:
    found = site.mine("describe_nat_gateways", "NatGateways", "Filter")
    return str(found[0]["NatGatewayId"])


@pytest.mark.parametrize("what", [*SERVICES, "s3", "broker", "database"])
def test_a_sound_network_with_endpoints_has_no_obstacle(site: Site, what: str) -> None:
    """The rules of the module network are enough."""
    assert site.reach(what).obstacles == ()


@pytest.mark.parametrize("what", [*SERVICES, "s3", "broker", "database"])
def test_a_sound_network_with_nat_has_no_obstacle(nat_site: Site, what: str) -> None:
    """No endpoint is needed then."""
    assert nat_site.reach(what).obstacles == ()


def without_endpoint(site: Site) -> None:
    site.ec2.delete_vpc_endpoints(VpcEndpointIds=[site.endpoint("ssm")])


def private_dns_off(site: Site) -> None:
    site.ec2.delete_vpc_endpoints(VpcEndpointIds=[site.endpoint("logs")])
    site.add_endpoint("logs", private_dns=False)


def endpoint_group_closed(site: Site) -> None:
    site.refuse(site.inside, 443, group=site.worker)


def endpoint_group_of_another_port(site: Site) -> None:
    site.refuse(site.inside, 443, group=site.worker)
    site.accept(site.inside, 80, group=site.worker)


def worker_may_not_leave(site: Site) -> None:
    site.refuse(site.worker, 443, egress=True, group=site.inside)


def s3_list_not_allowed(site: Site) -> None:
    site.refuse(site.worker, 443, egress=True, prefix_list=site.s3_list)


def s3_without_route(site: Site) -> None:
    endpoint = site.endpoint("s3")
    site.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveRouteTableIds=[site.table])


def s3_policy_without_layers(site: Site) -> None:
    document = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": ["arn:aws:s3:::exams-*", "arn:aws:s3:::exams-*/*"],
            }
        ]
    }
    site.ec2.modify_vpc_endpoint(
        VpcEndpointId=site.endpoint("s3"), PolicyDocument=json.dumps(document)
    )


def dns_off(site: Site) -> None:
    site.attribute(EnableDnsSupport={"Value": False})


def hostnames_off(site: Site) -> None:
    site.attribute(EnableDnsHostnames={"Value": False})


def broker_closed(site: Site) -> None:
    site.refuse(site.broker, 61614, group=site.worker)


def broker_of_another_port(site: Site) -> None:
    site.refuse(site.broker, 61614, group=site.worker)
    site.accept(site.broker, 61617, group=site.worker)


def broker_for_one_subnet(site: Site) -> None:
    site.refuse(site.broker, 61614, group=site.worker)
    site.accept(site.broker, 61614, cidr="10.0.0.0/20")


def database_egress_missing(site: Site) -> None:
    site.refuse(site.worker, 3306, egress=True, group=site.database)


def data_acl_denies_entry(site: Site) -> None:
    site.entry(site.acl(site.data), 10, egress=False, cidr="10.0.16.0/20", ports=(3306, 3306))


def data_acl_denies_answers(site: Site) -> None:
    site.entry(site.acl(site.data), 10, egress=True, ports=(1024, 65535))


def task_acl_denies_exit(site: Site) -> None:
    site.entry(site.acl(site.tasks[1]), 10, egress=True, ports=(443, 443))


def task_acl_denies_answers(site: Site) -> None:
    site.entry(site.acl(site.tasks[0]), 10, egress=False, ports=(32768, 60999))


@pytest.mark.parametrize(
    ("plant", "what", "cause"),
    [
        (without_endpoint, "ssm", "no-route"),
        (private_dns_off, "logs", "private-dns-off"),
        (endpoint_group_closed, "ecr.api", "group-ingress"),
        (endpoint_group_of_another_port, "ecr.dkr", "group-ingress"),
        (worker_may_not_leave, "ecr.api", "group-egress"),
        (s3_list_not_allowed, "s3", "group-egress"),
        (s3_without_route, "s3", "no-route"),
        (s3_policy_without_layers, "s3", "endpoint-policy"),
        (dns_off, "broker", "vpc-dns-off"),
        (hostnames_off, "ssm", "vpc-dns-off"),
        (broker_closed, "broker", "group-ingress"),
        (broker_of_another_port, "broker", "group-ingress"),
        (broker_for_one_subnet, "broker", "group-ingress"),
        (database_egress_missing, "database", "group-egress"),
        (data_acl_denies_entry, "database", "acl-in"),
        (data_acl_denies_answers, "broker", "acl-return"),
        (task_acl_denies_exit, "s3", "acl-out"),
        (task_acl_denies_answers, "database", "acl-return"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_fault_is_found_with_its_cause(
    site: Site, plant: Callable[[Site], None], what: str, cause: str
) -> None:
    """The first obstacle names the cause, and each has a next step."""
    plant(site)

    obstacles = site.reach(what).obstacles

    assert obstacles, "the fault was not found"
    assert obstacles[0].cause == cause
    assert all(one.text and one.next_step for one in obstacles)


def nat_deleted(site: Site) -> None:
    site.ec2.delete_nat_gateway(NatGatewayId=nat_of(site))


def nat_in_a_private_subnet(site: Site) -> None:
    nat = site.ec2.create_nat_gateway(SubnetId=site.data, ConnectivityType="private")["NatGateway"]
    site.ec2.replace_route(
        RouteTableId=site.table,
        DestinationCidrBlock=ANYWHERE,
        NatGatewayId=nat["NatGatewayId"],
    )


def route_to_internet_gateway(site: Site) -> None:
    attached = [{"Name": "attachment.vpc-id", "Values": [site.vpc]}]
    found = site.ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]
    gateway = found[0]["InternetGatewayId"]
    site.ec2.replace_route(
        RouteTableId=site.table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway
    )


def default_route_deleted(site: Site) -> None:
    site.ec2.delete_route(RouteTableId=site.table, DestinationCidrBlock=ANYWHERE)


def internet_not_allowed(site: Site) -> None:
    site.refuse(site.worker, 443, egress=True, cidr=ANYWHERE)


def nat_acl_denies_answers(site: Site) -> None:
    site.entry(site.acl(site.public), 10, egress=False, ports=(1024, 65535))


@pytest.mark.parametrize(
    ("plant", "cause"),
    [
        (nat_deleted, "nat-not-available"),
        (nat_in_a_private_subnet, "nat-without-internet"),
        (route_to_internet_gateway, "no-public-address"),
        (default_route_deleted, "no-route"),
        (internet_not_allowed, "group-egress"),
        (nat_acl_denies_answers, "acl-return"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_fault_of_nat_is_found_with_its_cause(
    nat_site: Site, plant: Callable[[Site], None], cause: str
) -> None:
    """The images of ECR do not arrive, and the cause is the way out."""
    plant(nat_site)

    obstacles = nat_site.reach("ecr.api").obstacles

    assert {one.cause for one in obstacles} == {cause}


def test_a_broker_in_another_vpc_needs_peering(site: Site) -> None:
    """Without a route there is none; with routes both ways, the security groups decide."""
    ec2 = site.ec2
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    far = subnet(ec2, other, "10.9.0.0/20", "a")
    open_group = group(ec2, other, "far")
    site.accept(open_group, 61614, cidr="10.0.0.0/16")
    site.accept(site.worker, 61614, egress=True, cidr="10.9.0.0/16")
    host = Host("the broker", 61614, (far,), (open_group,))
    alone = reach_host(site.snapshot(other), site.source, host)

    peering = ec2.create_vpc_peering_connection(VpcId=site.vpc, PeerVpcId=other)
    peer = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.create_route(
        RouteTableId=site.table,
        DestinationCidrBlock="10.9.0.0/16",
        VpcPeeringConnectionId=peer,
    )
    one_way = reach_host(site.snapshot(other), site.source, host)
    back = next(
        each.table_id for each in site.snapshot(other).tables if each.main and each.vpc_id == other
    )
    ec2.create_route(
        RouteTableId=back, DestinationCidrBlock="10.0.0.0/16", VpcPeeringConnectionId=peer
    )
    both = reach_host(site.snapshot(other), site.source, host)

    assert {one.cause for one in alone.obstacles} == {"no-route", "no-route-back"}
    assert {one.cause for one in one_way.obstacles} == {"no-route-back"}
    assert both.obstacles == ()


def test_a_subnet_that_does_not_exist_is_named(site: Site) -> None:
    """A typing error in vpc_existing is the cause, not a missing route."""
    reach = reach_service(site.snapshot(), Source(("subnet-none",), (site.worker,)), "ssm")

    assert [one.cause for one in reach.obstacles] == ["subnet-missing"]
    assert "subnet-none" in reach.obstacles[0].text
