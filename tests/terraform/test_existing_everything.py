"""The root for a cloud in which all but the workers exists: they start, others notice nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from gradectl.adapters.aws.network_model import GroupRule, NetworkSnapshot, SecurityGroup
from gradectl.deploy.verify.filters import groups_allow

ROOT = Path(__file__).resolve().parents[2]
REGION = "ap-northeast-2"
ADDRESS = "10.20.0.10/32"
ELSEWHERE = "203.0.113.9/32"
PREFIX_LIST = "pl-78a54011"
WAITS_AT_ONCE = "-parallelism=30"  # most resources only wait
PASSWORDS = {"broker": "a-Password-for-tests-1", "database": "a-Password-for-tests-2"}
EMULATED = """
provider "aws" {
  max_retries                 = 2
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"""

pytestmark = pytest.mark.engine
Maker = Callable[..., Any]
Serve = Callable[[Any], AbstractContextManager[Any]]


class Company:
    """An account with a VPC, its endpoints, and groups of broker, database, endpoints and web."""

    def __init__(self, url: str) -> None:
        session = boto3.Session("testing", "testing", region_name=REGION)
        self.ec2 = session.client("ec2", endpoint_url=url)
        self.vpc = self.ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(
                VpcId=self.vpc, CidrBlock=f"10.20.{16 * at}.0/20", AvailabilityZone=REGION + zone
            )["Subnet"]["SubnetId"]
            for at, zone in enumerate("ac")
        ]
        self.groups = {
            role: self.ec2.create_security_group(
                GroupName=f"shared-{role}", Description=role, VpcId=self.vpc
            )["GroupId"]
            for role in ("broker", "database", "endpoints", "web")
        }
        tables = self.ec2.describe_route_tables(Filters=self._within)["RouteTables"]
        gateway = {"VpcEndpointType": "Gateway", "RouteTableIds": [tables[0]["RouteTableId"]]}
        interface = {
            "VpcEndpointType": "Interface",
            "PrivateDnsEnabled": True,
            "SecurityGroupIds": [self.groups["endpoints"]],
            "SubnetIds": self.subnets,
        }
        kinds = {"s3": gateway} | dict.fromkeys(("ecr.api", "ecr.dkr", "logs", "ssm"), interface)
        for service, settings in kinds.items():
            name = f"com.amazonaws.{REGION}.{service}"
            self.ec2.create_vpc_endpoint(VpcId=self.vpc, ServiceName=name, **settings)

    @property
    def _within(self) -> list[dict[str, Any]]:
        return [{"Name": "vpc-id", "Values": [self.vpc]}]

    def values(self) -> dict[str, Any]:
        """What the root passes to the module grading-system, as a file that overrides it."""
        groups = {role: {"security_group_ids": [group]} for role, group in self.groups.items()}
        network = {
            "vpc_id": self.vpc,
            "vpc_cidr_block": "10.20.0.0/16",
            "private_subnet_ids": self.subnets,
            "s3_prefix_list_id": PREFIX_LIST,
            "endpoints": groups["endpoints"],
        }
        broker = {
            "node_names": ["shared-1"],
            "stomp_endpoints": ["stomp+ssl://mq.example.com:61614"],
            "username": "grading",
        }
        database = {
            "identifier": "shared",
            "endpoint": "db.example.com:3306",
            "database_name": "judge",
            "username": "grading",
        }
        given = {
            "network": network,
            "broker": broker | groups["broker"],
            "database": database | groups["database"],
        }
        return {"module": {"grading_system": given}}

    def described(self) -> list[Any]:
        """All that other teams rely on in the VPC: groups with rules, endpoints, routes."""
        own = {"GroupIds": list(self.groups.values())}
        return [
            self.ec2.describe_security_groups(**own)["SecurityGroups"],
            self.ec2.describe_vpc_endpoints(Filters=self._within)["VpcEndpoints"],
            self.ec2.describe_route_tables(Filters=self._within)["RouteTables"],
            self.ec2.describe_subnets(Filters=self._within)["Subnets"],
        ]


@pytest.fixture(name="company")
def _company(moto_server: str) -> Company:
    return Company(moto_server)


@pytest.fixture(name="workers")
def _workers(
    terraform_folder: Maker, serve: Serve, moto_server: str, company: Company
) -> Iterator[Any]:
    """The root of examples/existing in the account of the company, with one provider process."""
    with root(terraform_folder, serve, moto_server, company) as folder:
        yield folder


@contextmanager
def root(terraform_folder: Maker, serve: Serve, url: str, company: Company) -> Iterator[Any]:
    """Prepare the example as its README says, but for the account."""
    files = {
        "main.tf": (ROOT / "examples/existing/main.tf").read_text(),
        "provider_override.tf": EMULATED,
        "company_override.tf.json": json.dumps(company.values()),
    }
    folder = terraform_folder("examples/existing", files).within(
        AWS_ENDPOINT_URL=url, TF_VAR_passwords=json.dumps(PASSWORDS)
    )
    folder.run("init", "-no-color", "-input=false")
    with serve(folder) as served:
        yield served


def resources(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what will be, in all modules of a plan."""
    modules = [plan["planned_values"]["root_module"]]
    for module in modules:  # grows with the modules that these call
        modules += module.get("child_modules", [])
        yield from module.get("resources", [])


def snapshot(plan: Mapping[str, Any]) -> NetworkSnapshot:
    """Give the planned rules of all security groups by the group they are in."""
    rules: dict[str, list[GroupRule]] = {}
    for each in resources(plan):
        direction = each["type"].removeprefix("aws_vpc_security_group_")
        if direction in ("egress_rule", "ingress_rule"):
            value = each["values"]
            rule = GroupRule(
                direction == "egress_rule",
                value["from_port"],
                value["to_port"],
                value["ip_protocol"],
                cidr=value["cidr_ipv4"] or "",
                group_id=value["referenced_security_group_id"] or "",
                prefix_list_id=value["prefix_list_id"] or "",
            )
            rules.setdefault(value["security_group_id"], []).append(rule)
    groups = {key: SecurityGroup(key, tuple(found)) for key, found in rules.items()}
    return NetworkSnapshot(REGION, groups=groups)


def worker_groups(plan: Mapping[str, Any]) -> list[str]:
    """Give the security groups of the tasks, as the service has them."""
    (service,) = (each for each in resources(plan) if each["type"] == "aws_ecs_service")
    groups: list[str] = service["values"]["network_configuration"][0]["security_groups"]
    return groups


def assert_workers_reach_what_they_need(plan: Mapping[str, Any], company: Company) -> None:
    """The planned rules let the tasks reach what they need, and nothing else."""
    network, workers = snapshot(plan), worker_groups(plan)

    def may(port: int, **peer: Any) -> bool:
        return groups_allow(network, workers, port, egress=True, **peer)

    for role, port in {"broker": 61614, "database": 3306, "endpoints": 443}.items():
        assert may(port, peer_groups=[company.groups[role]], peer_cidrs=[ADDRESS]), role
        assert not may(port + 1, peer_groups=[company.groups[role]], peer_cidrs=[ADDRESS])
    assert may(443, peer_list=PREFIX_LIST)
    assert not may(443, peer_cidrs=[ELSEWHERE])
    assert not may(3306, peer_groups=[company.groups["broker"]])
    assert not may(443, peer_groups=[company.groups["web"]])


def test_the_planned_rules_let_the_workers_reach_all_that_exists(
    workers: Any, company: Company
) -> None:
    """Once the groups have IDs, the plan shows who may connect to what."""
    network = "module.grading_system.module.network"
    workers.run("apply", "-no-color", "-auto-approve", f"-target={network}")

    plan = workers.plan()
    assert_workers_reach_what_they_need(plan, company)
    assert not snapshot(plan).groups.keys() & set(company.groups.values()), "rules of others"


@pytest.mark.exhaustive
def test_the_whole_root_is_applied_and_destroyed_and_changes_nothing_of_others(
    workers: Any, company: Company
) -> None:
    """A second plan changes nothing; groups, endpoints and routes of others stay as they were."""
    before = company.described()

    workers.run("apply", "-no-color", "-auto-approve", WAITS_AT_ONCE)
    assert company.described() == before
    again = workers.plan()
    changes = {each["address"]: each["change"]["actions"] for each in again["resource_changes"]}
    assert {address for address, actions in changes.items() if actions != ["no-op"]} == set()
    assert_workers_reach_what_they_need(again, company)

    workers.run("destroy", "-no-color", "-auto-approve", WAITS_AT_ONCE)
    assert workers.run("state", "list").strip() == ""
    assert company.described() == before
