"""States of managed services, read with the real client from an emulated account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from gradectl.adapters.aws.services import Services
from gradectl.adapters.aws.states import States


def client(service: str) -> Any:
    return boto3.client(service, region_name="eu-west-1")


@pytest.fixture
def states() -> Iterator[States]:
    with mock_aws():
        yield States(client)


def test_a_broker_is_found_by_its_name(states: States) -> None:
    """With its users and STOMP endpoints; an unknown one is None."""
    client("mq").create_broker(
        BrokerName="dev-grading-mq",
        EngineType="ACTIVEMQ",
        EngineVersion="5.18",
        DeploymentMode="SINGLE_INSTANCE",
        HostInstanceType="mq.t3.micro",
        PubliclyAccessible=False,
        AutoMinorVersionUpgrade=True,
        SecurityGroups=["sg-1"],
        Users=[{"Username": "admin", "Password": "throw-away-password-1"}],
    )

    found = states.broker("dev-grading-mq")

    assert found
    assert (found.state, found.ready, found.users) == ("RUNNING", True, ("admin",))
    assert found.security_groups == ("sg-1",)
    assert found.endpoints
    assert all(each.startswith("stomp") for each in found.endpoints)
    assert states.broker("dev-grading") is None


def test_a_database_is_found_by_its_identifier(states: States) -> None:
    """An unknown one is None."""
    client("rds").create_db_instance(
        DBInstanceIdentifier="dev-grading",
        Engine="mysql",
        DBInstanceClass="db.t3.micro",
        MasterUsername="admin",
        MasterUserPassword="database-password-1",
        AllocatedStorage=20,
    )

    found = states.database("dev-grading")

    assert found
    assert (found.state, found.ready) == ("available", True)
    assert states.database("none") is None


def test_the_bounds_of_scaling_are_those_of_the_service(states: States) -> None:
    """None without autoscaling."""
    assert states.scaling_bounds("c", "s") is None
    client("ecs").create_cluster(clusterName="c")
    client("ecs").register_task_definition(
        family="f", containerDefinitions=[{"name": "n", "image": "i", "memory": 128}]
    )
    client("ecs").create_service(cluster="c", serviceName="s", taskDefinition="f", desiredCount=0)
    client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/c/s",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=7,
    )

    assert states.scaling_bounds("c", "s") == (1, 7)


def test_the_use_of_the_cpu_is_that_of_the_service(states: States) -> None:
    """None without a value of the last minutes."""
    assert states.cpu_percent("c", "s") is None
    for service, percent in (("s", 96.5), ("other", 3.0)):
        dimensions = [
            {"Name": "ClusterName", "Value": "c"},
            {"Name": "ServiceName", "Value": service},
        ]
        data = {"MetricName": "CPUUtilization", "Dimensions": dimensions, "Value": percent}
        client("cloudwatch").put_metric_data(Namespace="AWS/ECS", MetricData=[data])

    assert states.cpu_percent("c", "s", datetime.now(UTC) + timedelta(minutes=1)) == 96.5


def test_ingress_of_groups_and_of_addresses(states: States) -> None:
    """A rule for addresses has no source group; UDP is left out."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    worker, broker = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("worker", "broker")
    )
    stomp = {"IpProtocol": "tcp", "FromPort": 61614, "ToPort": 61614}
    udp = {
        "IpProtocol": "udp",
        "FromPort": 1,
        "ToPort": 65535,
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
    }
    rules = [
        {**stomp, "UserIdGroupPairs": [{"GroupId": worker}]},
        {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 90, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
        udp,
    ]
    ec2.authorize_security_group_ingress(GroupId=broker, IpPermissions=rules)

    found = states.ingress([broker])

    assert {(each.from_port, each.to_port, each.source_group) for each in found} == {
        (61614, 61614, worker),
        (80, 90, ""),
    }
    assert any(each.accepts(61614, (worker,)) for each in found)
    assert not any(each.accepts(61614, ("sg-other",)) for each in found)
    assert any(each.accepts(85, ("sg-other",)) for each in found)
    assert states.ingress([]) == ()


@pytest.mark.parametrize(("value", "slots"), [(None, 1), ("3", 3), ("many", 1)])
def test_a_revision_says_how_many_requests_a_worker_judges_at_a_time(
    states: States, value: str | None, slots: int
) -> None:
    """One where the task definition does not set it; others are for the worker to refuse."""
    assert states
    setting = [{"name": "WORKER_SLOTS", "value": value}] if value else []
    container = {"name": "worker", "image": "i", "memory": 128, "environment": setting}
    arn = client("ecs").register_task_definition(family="f", containerDefinitions=[container])[
        "taskDefinition"
    ]["taskDefinitionArn"]

    assert Services(client("ecs")).revision(arn, "worker").slots == slots
