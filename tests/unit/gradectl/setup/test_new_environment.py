"""A new environment.yaml explains each value, and existing resources become variables."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from gradectl.adapters.aws.models import BrokerNode, DatabaseNode
from gradectl.adapters.aws.network_model import (
    Endpoint,
    NetworkSnapshot,
    PrefixList,
    Route,
    RouteTable,
    Subnet,
    Vpc,
)
from gradectl.setup.new_environment import (
    SIZES,
    NewEnvironment,
    adopted_broker,
    adopted_database,
    adopted_vpc,
    environment_text,
    free_cidr,
    size_variables,
)

REGION = "eu-west-1"
NEEDED = ("ecr.api", "ecr.dkr", "logs", "ssm")
LOCAL = Route("10.0.0.0/16", "local")
OUT = Route("0.0.0.0/0", "igw-1")
VPC = NetworkSnapshot(
    REGION,
    vpcs={"vpc-1": Vpc("vpc-1", ("10.0.0.0/16",))},
    subnets={
        name: Subnet(name, "vpc-1", cidr, zone, free)
        for name, cidr, zone, free in (
            ("small-a", "10.0.0.0/28", "a", 11),
            ("large-a", "10.0.16.0/20", "a", 4000),
            ("large-c", "10.0.32.0/20", "c", 4000),
            ("public-a", "10.0.48.0/20", "a", 4000),
        )
    },
    tables=(
        RouteTable("rtb-private", "vpc-1", (LOCAL,), (), main=True),
        RouteTable("rtb-public", "vpc-1", (LOCAL, OUT), ("public-a",)),
    ),
    prefix_lists={"pl-1": PrefixList("pl-1", f"com.amazonaws.{REGION}.s3")},
)
S3 = Endpoint("vpce-s3", "vpc-1", "s3", gateway=True, table_ids=("rtb-private",))
BROKER = BrokerNode("b-1", "judge", "RUNNING", "ACTIVEMQ", False, (), ("sg-b",))
DATABASE = DatabaseNode(
    "db-1", "available", "vpc-1", 3306, False, (), ("sg-d",), "mysql", "db-1.rds", "", "root"
)


def test_each_value_has_its_description_above_it() -> None:
    """The file is valid YAML, and strings that look like numbers stay strings."""
    new = NewEnvironment("exams", "012345678901", REGION, False, {"ecs_max_capacity": 2})

    text = environment_text(new, {"ecs_max_capacity": "Maximum number of workers."})

    assert yaml.safe_load(text) == {
        "schema_version": 1,
        "name": "exams",
        "account_id": "012345678901",
        "region": REGION,
        "variables": {"ecs_max_capacity": 2},
    }
    assert "  # Maximum number of workers.\n  ecs_max_capacity: 2\n" in text


def test_an_external_environment_has_no_variables() -> None:
    """Its values are where its Terraform is."""
    text = environment_text(NewEnvironment("exams", "012345678901", REGION, True, {}), {})

    assert yaml.safe_load(text)["terraform"] == "external"
    assert "variables" not in text


def test_a_new_vpc_overlaps_no_other_one() -> None:
    """So that environments can be peered later."""
    assert free_cidr([]) == "10.0.0.0/16"
    assert free_cidr(["10.0.0.0/16", "10.1.0.0/20", "192.168.0.0/16"]) == "10.2.0.0/16"
    with pytest.raises(ValueError, match=r"all of 10\.0\.0\.0/8"):
        free_cidr(["10.0.0.0/8"])


def test_a_vpc_is_described_by_its_subnets_and_route_tables() -> None:
    """One private subnet per zone, that with most free addresses."""
    assert adopted_vpc(VPC, "vpc-1", NEEDED) == {
        "vpc_existing": {
            "vpc_id": "vpc-1",
            "vpc_cidr_block": "10.0.0.0/16",
            "private_subnet_ids": ["large-a", "large-c"],
            "private_route_table_ids": ["rtb-private"],
        },
        "vpc_interface_endpoints": ["ecr.api", "ecr.dkr", "logs", "ssm"],
    }


def test_endpoints_that_exist_are_not_created_again() -> None:
    """AWS would reject the second private DNS name, and a second S3 route."""
    logs = Endpoint("vpce-logs", "vpc-1", "logs", group_ids=("sg-logs",))

    found = adopted_vpc(replace(VPC, endpoints=(logs, S3)), "vpc-1", NEEDED)

    assert found["vpc_existing"]["s3_prefix_list_id"] == "pl-1"
    assert "private_route_table_ids" not in found["vpc_existing"]
    assert found["vpc_existing"]["endpoints"] == {"security_group_ids": ["sg-logs"]}
    assert found["vpc_interface_endpoints"] == ["ecr.api", "ecr.dkr", "ssm"]


def test_a_way_to_the_internet_replaces_endpoints() -> None:
    """Private DNS of a new endpoint would change the traffic of the whole VPC."""
    nat = RouteTable("rtb-private", "vpc-1", (LOCAL, Route("0.0.0.0/0", "nat-1")), (), main=True)

    found = adopted_vpc(replace(VPC, tables=(nat, VPC.tables[1])), "vpc-1", NEEDED)

    assert found["vpc_internet_egress_roles"] == ["worker"]
    assert "vpc_interface_endpoints" not in found


def test_an_unusable_vpc_is_refused() -> None:
    """One that does not exist, and one with private subnets in a single zone."""
    one_zone = replace(VPC, subnets={"large-a": VPC.subnets["large-a"]})

    with pytest.raises(ValueError, match="does not exist"):
        adopted_vpc(VPC, "vpc-9", NEEDED)
    with pytest.raises(ValueError, match="two are needed"):
        adopted_vpc(one_zone, "vpc-1", NEEDED)


def test_a_broker_and_a_database_are_described_by_their_addresses() -> None:
    """With the names of the metrics' dimensions, and the login of the workers."""
    endpoints = ["stomp+ssl://one:61614", "stomp+ssl://two:61614"]

    broker = adopted_broker(BROKER, endpoints, "grader")
    database = adopted_database(DATABASE)

    assert broker["mq_existing"]["node_names"] == ["judge-1", "judge-2"]
    assert broker["mq_existing"]["stomp_endpoints"] == endpoints
    assert broker["mq_existing"]["security_group_ids"] == ["sg-b"]
    assert broker["mq_admin_username"] == "grader"
    assert database["db_existing"]["endpoint"] == "db-1.rds:3306"
    assert database["db_existing"]["database_name"] == "grading"
    assert database["db_existing"]["security_group_ids"] == ["sg-d"]
    assert database["db_admin_username"] == "root"


def test_another_engine_is_refused() -> None:
    """RabbitMQ speaks no STOMP on Amazon MQ, and the schema is for MySQL."""
    with pytest.raises(ValueError, match="RABBITMQ"):
        adopted_broker(replace(BROKER, engine="RABBITMQ"), [], "grader")
    with pytest.raises(ValueError, match="postgres"):
        adopted_database(replace(DATABASE, engine="postgres"))
    with pytest.raises(ValueError, match="no address"):
        adopted_database(replace(DATABASE, address="", status="creating"))


def test_with_sqs_a_size_has_no_values_of_a_broker() -> None:
    """They would have no effect."""
    assert size_variables("production", "activemq") == SIZES["production"]
    found = size_variables("production", "sqs")

    assert found == {
        **{name: value for name, value in SIZES["production"].items() if name[:3] != "mq_"},
        "use_sqs_queue": True,
    }
    assert len(found) == len(SIZES["production"]) - 1
