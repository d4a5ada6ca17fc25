"""Before the first apply, the rules of the root are checked together with what exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gradectl.adapters.aws.network_model import (
    Endpoint,
    GroupRule,
    NetworkSnapshot,
    Route,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
)
from gradectl.deploy.verify.endpoint_policies import Call
from gradectl.deploy.verify.network_rules import reach_state, subnet_states, vpc_states
from gradectl.deploy.verify.planned import conflicts, planned
from gradectl.deploy.verify.reachability import Host, reach_host, reach_service
from gradectl.deploy.verify.root_values import DEFAULTS, RootValues

ROOT = Path(__file__).resolve().parents[5]
REGION = "ap-northeast-2"
VPC = {
    "vpc_id": "vpc-1",
    "vpc_cidr_block": "10.0.0.0/16",
    "private_subnet_ids": ["subnet-a", "subnet-c"],
    "private_route_table_ids": ["rtb-1"],
}

ENDPOINTS = ["ecr.api", "ecr.dkr", "logs", "ssm"]
SECRET = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:example-AbCdEf"


def values(**variables: Any) -> RootValues:
    return RootValues("dev", "123456789012", REGION, variables)


def company(*endpoints: Endpoint, **changes: Any) -> NetworkSnapshot:
    """An existing VPC with two private subnets and without NAT."""
    subnets = (
        Subnet("subnet-a", "vpc-1", "10.0.0.0/20", f"{REGION}a"),
        Subnet("subnet-c", "vpc-1", "10.0.16.0/20", f"{REGION}c"),
    )
    local = (Route("10.0.0.0/16", "local"),)
    table = RouteTable("rtb-1", "vpc-1", local, ("subnet-a", "subnet-c"))
    return NetworkSnapshot(
        REGION,
        vpcs={"vpc-1": Vpc("vpc-1", ("10.0.0.0/16",))},
        subnets={one.subnet_id: one for one in subnets},
        tables=(table,),
        endpoints=endpoints,
        **changes,
    )


def obstacles(found: NetworkSnapshot, given: RootValues) -> dict[str, set[str]]:
    """Causes by service, for those that cannot be reached."""
    future = planned(found, given)
    reached = {
        name: {
            one.cause.value for one in reach_service(future.network, future.source, name).obstacles
        }
        for name in given.services
    }
    return {name: causes for name, causes in reached.items() if causes}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"vpc_nat_mode": "single"},
        {"availability_zone_suffixes": ["a", "b", "c"]},
        {"enable_ecs_exec": True},
        {"use_fargate": False},
        {"vpc_cidr_block": "10.3.0.0/24"},
        {"use_sqs_queue": True, "drain_other_transport": True},
        {"ecs_secret_arns": {"HANDLER_TOKEN": SECRET}},
        {"ecs_repository_credentials_arn": SECRET},
        {"ecs_sidecars": {"collector": {"image": "a", "repository_credentials_arn": SECRET}}},
    ],
)
def test_a_new_vpc_reaches_everything(variables: dict[str, Any]) -> None:
    """The root creates the endpoints that its other variables need."""
    given = values(**variables)
    future = planned(NetworkSnapshot(REGION), given)

    assert obstacles(NetworkSnapshot(REGION), given) == {}
    for host in (future.broker, future.database):
        assert reach_host(future.network, future.source, host).obstacles == ()


@pytest.mark.parametrize(
    ("variables", "unreachable"),
    [
        ({"vpc_interface_endpoints": ["ssm", "logs"]}, {"ecr.api", "ecr.dkr"}),
        (
            {"vpc_interface_endpoints": [], "vpc_nat_mode": "single"},
            {"ecr.api", "ecr.dkr", "logs", "ssm"},
        ),
        (
            {
                "vpc_interface_endpoints": [],
                "vpc_nat_mode": "single",
                "vpc_internet_egress_roles": ["worker"],
            },
            set(),
        ),
    ],
)
def test_a_missing_endpoint_is_found_before_it_is_missing(
    variables: dict[str, Any], unreachable: set[str]
) -> None:
    """NAT replaces an endpoint only with the egress rule for the workers."""
    assert set(obstacles(NetworkSnapshot(REGION), values(**variables))) == unreachable


def test_a_secret_needs_the_endpoint_of_its_service() -> None:
    """ECS reads it over the network of the task, before the worker starts."""
    chosen = values(ecs_secret_arns={"HANDLER_TOKEN": SECRET}, vpc_interface_endpoints=ENDPOINTS)

    assert set(obstacles(NetworkSnapshot(REGION), chosen)) == {"secretsmanager"}


def test_with_sqs_its_endpoint_is_needed_and_the_broker_is_not() -> None:
    """A group of the broker, and a rule to it, exist only with one."""
    alone = values(use_sqs_queue=True)
    draining = values(use_sqs_queue=True, drain_other_transport=True)
    few = values(use_sqs_queue=True, vpc_interface_endpoints=ENDPOINTS)

    assert obstacles(NetworkSnapshot(REGION), alone) == {}
    assert set(obstacles(NetworkSnapshot(REGION), few)) == {"sqs"}
    assert "dev-grading-broker" not in planned(NetworkSnapshot(REGION), alone).network.groups
    assert "dev-grading-broker" in planned(NetworkSnapshot(REGION), draining).network.groups


def test_the_endpoint_of_sqs_must_allow_the_queues() -> None:
    """A policy of a company endpoint often names other queues."""
    others = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*:others-*"}
    ours = {**others, "Resource": f"arn:aws:sqs:{REGION}:123456789012:dev-grading-*"}
    given = values(
        use_sqs_queue=True,
        vpc_existing={**VPC, "endpoints": {"security_group_ids": ["sg-e"]}},
    )
    rule = GroupRule(egress=False, from_port=443, to_port=443, cidr="10.0.0.0/16")
    calls = [Call(action, action, arn) for action, arn in given.queue_calls]

    def causes(statement: dict[str, Any]) -> list[str]:
        policy = json.dumps({"Statement": [statement]})
        endpoint = Endpoint(
            "vpce-1",
            "vpc-1",
            "sqs",
            subnet_ids=("subnet-a",),
            group_ids=("sg-e",),
            policy=policy,
        )
        found = company(endpoint, groups={"sg-e": SecurityGroup("sg-e", (rule,))})
        future = planned(found, given)
        reach = reach_service(future.network, future.source, "sqs", calls=calls)
        return [one.cause.value for one in reach.obstacles]

    assert causes(ours) == []
    assert set(causes(others)) == {"endpoint-policy"}
    assert len(causes({**ours, "Action": "sqs:ReceiveMessage"})) == 4  # count, extend, delete, send


def test_an_environment_with_an_api_has_the_parameters_of_its_database_user() -> None:
    """So that `verify` finds one that is missing or not encrypted."""
    names = [set(values(enable_api=on).parameters) for on in (True, False)]

    assert names[0] - names[1] == {"/dev/db-web/username", "/dev/db-web/password"}


def test_parameters_and_queues_follow_the_transport() -> None:
    """Those of the broker exist with the broker, those of SQS with its queues."""
    alone = values(use_sqs_queue=True, sqs_settings={"enable_priority_queue": False})
    both = values(drain_other_transport=True)

    assert {name.split("/")[2] for name in alone.parameters} == {"db", "db-app", "sqs"}
    assert sorted(name for name in alone.parameters if "/sqs/" in name) == [
        "/dev/sqs/active",
        "/dev/sqs/dead-letter-url",
        "/dev/sqs/requests-url",
        "/dev/sqs/results-url",
    ]
    assert {"/dev/mq/password", "/dev/sqs/priority-url"} <= set(both.parameters)
    assert set(values().queues) == set()
    assert both.queues["dead_letter"] == f"arn:aws:sqs:{REGION}:123456789012:dev-grading-dlq"


def test_parameters_follow_the_ways_in_and_out() -> None:
    """Those of the API, of Redis and of webhooks exist with these."""
    all_on = values(enable_api=True, enable_redis=True, enable_webhooks=True)
    existing = values(enable_redis=True, redis_existing={"url_parameter": "/shared/redis/url"})

    added = set(all_on.parameters.items()) - set(values().parameters.items())
    assert dict(added) == {
        "/dev/db-web/password": "SecureString",
        "/dev/db-web/username": "String",
        "/dev/redis/password": "SecureString",
        "/dev/redis/url": "String",
        "/dev/webhook/headers": "SecureString",
        "/dev/webhook/secret": "SecureString",
    }
    assert existing.parameters == values().parameters


def test_an_existing_vpc_gets_the_missing_endpoints() -> None:
    """Those that are chosen; by default none is made, because private DNS is for the whole VPC."""
    chosen = values(vpc_existing=VPC, vpc_interface_endpoints=ENDPOINTS)

    assert obstacles(company(), chosen) == {}
    assert conflicts(company(), chosen) == []
    assert set(obstacles(company(), values(vpc_existing=VPC))) == set(ENDPOINTS)


def test_existing_endpoints_are_reached_through_their_groups() -> None:
    """The workers may connect to the groups that are given, and these must allow the workers."""
    theirs = [
        Endpoint(f"vpce-{name}", "vpc-1", name, subnet_ids=("subnet-a",), group_ids=("sg-e",))
        for name in ENDPOINTS
    ]
    closed = SecurityGroup("sg-e")
    rule = GroupRule(egress=False, from_port=443, to_port=443, cidr="10.0.0.0/16")
    open_to_all = SecurityGroup("sg-e", (rule,))
    given = values(vpc_existing={**VPC, "endpoints": {"security_group_ids": ["sg-e"]}})

    assert obstacles(company(*theirs, groups={"sg-e": open_to_all}), given) == {}
    found = obstacles(company(*theirs, groups={"sg-e": closed}), given)
    assert found == {name: {"group-ingress"} for name in ENDPOINTS}


def test_route_tables_that_are_not_given_get_no_s3_endpoint() -> None:
    """The subnets need the tables that they really use."""
    wrong = {**VPC, "private_route_table_ids": ["rtb-other"]}
    given = values(vpc_existing=wrong, vpc_interface_endpoints=ENDPOINTS)

    assert obstacles(company(), given) == {"s3": {"no-route"}}


def test_an_endpoint_that_exists_clashes_with_a_new_one() -> None:
    """AWS rejects a second private DNS name, and a second S3 route."""
    theirs = Endpoint("vpce-1", "vpc-1", "logs", subnet_ids=("subnet-a",), group_ids=("sg-1",))
    gateway = Endpoint("vpce-2", "vpc-1", "s3", gateway=True, table_ids=("rtb-1",))
    given = values(vpc_existing=VPC, vpc_interface_endpoints=ENDPOINTS)
    found = conflicts(company(theirs, gateway), given)

    assert ["vpce-1" in text for text, _ in found] == [True, False]
    assert "vpc_interface_endpoints" in found[0][1]
    assert "s3_prefix_list_id" in found[1][1]


def test_an_existing_broker_admits_the_workers_after_the_apply() -> None:
    """Its groups cannot name the workers' group before apply has created it."""
    groups = {"sg-b": SecurityGroup("sg-b")}
    given = values(vpc_existing=VPC, mq_existing={"security_group_ids": ["sg-b"]})
    future = planned(company(groups=groups), given)
    host = Host("the broker", 61614, ("subnet-a",), ("sg-b",))
    reach = reach_host(future.network, future.source, host)

    before = reach_state("broker", reach, applied=False, admit="allow dev-grading-worker")
    after = reach_state("broker", reach, applied=True, admit="allow dev-grading-worker")
    assert (before.state.value, before.next_step) == ("warning", "allow dev-grading-worker")
    assert (after.state.value, after.next_step) == ("failed", "allow dev-grading-worker")


def test_workers_that_may_not_connect_to_a_broker_fail_before_the_apply() -> None:
    """Other groups than those of the broker are a mistake that no apply corrects."""
    groups = {"sg-b": SecurityGroup("sg-b")}
    given = values(vpc_existing=VPC, mq_existing={"security_group_ids": ["sg-other"]})
    future = planned(company(groups=groups), given)
    host = Host("the broker", 61614, ("subnet-a",), ("sg-b",))
    reach = reach_host(future.network, future.source, host)

    found = reach_state("broker", reach, applied=False, admit="allow dev-grading-worker")
    assert found.state.value == "failed"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vpc_id": "vpc-9"}, "vpc-9 does not exist"),
        ({"vpc_cidr_block": "10.7.0.0/16"}, "10.7.0.0/16"),
    ],
)
def test_a_wrong_vpc_is_named(change: dict[str, Any], words: str) -> None:
    """Its ID and its range are compared with the account."""
    found = vpc_states(company(), values(vpc_existing={**VPC, **change}))

    assert found
    assert found.state.value == "failed"
    assert words in found.found


def test_subnets_of_one_zone_are_not_enough() -> None:
    """The database and a broker pair need two; and each worker needs an address."""
    given = values(vpc_existing=VPC)
    few = values(vpc_existing=VPC, ecs_max_capacity=600)

    assert subnet_states(company(), ["subnet-a", "subnet-c"], given).state.value == "ok"
    assert subnet_states(company(), ["subnet-a"], given).state.value == "failed"
    assert subnet_states(company(), ["subnet-none"], given).state.value == "failed"
    assert subnet_states(company(), ["subnet-a", "subnet-c"], few).state.value == "warning"


def test_defaults_are_those_of_the_root() -> None:
    """A changed default of Terraform changes the checks."""
    text = "\n".join(path.read_text() for path in (ROOT / "environments").glob("variables*.tf"))
    different = {
        name: (found and found[1], value)
        for name, value in DEFAULTS.items()
        if not (
            found := re.search(rf'variable "{name}" {{.*?\n  default\s+= ([^\n]*)', text, re.DOTALL)
        )
        or found[1] != terraform(value)
    }

    assert different == {}


def terraform(value: Any) -> str:
    """A value in the notation of Terraform."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return "[" + ", ".join(map(terraform, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
