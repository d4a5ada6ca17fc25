"""What the emulated ECS remembers of a service, through the real client."""

from __future__ import annotations

import itertools
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

_numbers = itertools.count()
CIRCUIT_BREAKER = {
    "deploymentCircuitBreaker": {"enable": True, "rollback": True},
    "maximumPercent": 150,
    "minimumHealthyPercent": 50,
}


class Cluster:
    """One cluster of the emulated account."""

    def __init__(self, ecs: Any, *providers: str) -> None:
        """Make it, with capacity providers."""
        self.ecs, self.name = ecs, f"remembers-{next(_numbers)}"
        ecs.create_cluster(clusterName=self.name, capacityProviders=list(providers))
        container = {"name": "grading-worker", "image": "unused", "memory": 128}
        ecs.register_task_definition(family=self.name, containerDefinitions=[container])

    def create(self, **told: Any) -> dict[str, Any]:
        """Create its service; gives what DescribeServices says of it."""
        self.ecs.create_service(
            cluster=self.name,
            serviceName="grading",
            taskDefinition=self.name,
            desiredCount=0,
            **told,
        )
        return self.described()

    def update(self, **told: Any) -> dict[str, Any]:
        """Update its service; gives what DescribeServices says of it."""
        self.ecs.update_service(cluster=self.name, service="grading", **told)
        return self.described()

    def described(self) -> dict[str, Any]:
        """Give what DescribeServices says of its service."""
        (service,) = self.ecs.describe_services(cluster=self.name, services=["grading"])["services"]
        found: dict[str, Any] = service
        return found


@pytest.fixture(name="ecs")
def _ecs(moto_server: str) -> Any:
    return boto3.client(
        "ecs",
        endpoint_url=moto_server,
        region_name="ap-northeast-2",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def test_a_service_is_described_as_it_was_created(ecs: Any) -> None:
    """Terraform compares this with what it wants; what is forgotten is a difference for ever."""
    told = {
        "availabilityZoneRebalancing": "DISABLED",
        "deploymentConfiguration": CIRCUIT_BREAKER,
        "enableECSManagedTags": True,
        "enableExecuteCommand": True,
        "healthCheckGracePeriodSeconds": 60,
        "propagateTags": "SERVICE",
    }

    service = Cluster(ecs).create(launchType="FARGATE", **told)

    assert {name: service[name] for name in told} == told
    assert service["launchType"] == "FARGATE"


def test_a_changed_service_is_described_as_it_was_told_last(ecs: Any) -> None:
    """Also false and zero are told; what is not told stays."""
    cluster = Cluster(ecs)
    cluster.create(
        enableExecuteCommand=True,
        enableECSManagedTags=True,
        deploymentConfiguration=CIRCUIT_BREAKER,
        healthCheckGracePeriodSeconds=60,
    )

    service = cluster.update(
        enableExecuteCommand=False, enableECSManagedTags=False, healthCheckGracePeriodSeconds=0
    )

    assert not service["enableExecuteCommand"]
    assert not service["enableECSManagedTags"]
    assert service["healthCheckGracePeriodSeconds"] == 0
    assert service["deploymentConfiguration"] == CIRCUIT_BREAKER


def test_a_part_of_the_deployment_can_be_changed_alone(ecs: Any) -> None:
    """Terraform tells only what changes; the circuit breaker stays on."""
    cluster = Cluster(ecs)
    cluster.create(deploymentConfiguration=CIRCUIT_BREAKER)

    service = cluster.update(deploymentConfiguration={"maximumPercent": 200})

    assert service["deploymentConfiguration"] == CIRCUIT_BREAKER | {"maximumPercent": 200}


def test_a_service_on_capacity_providers_has_no_launch_type(ecs: Any) -> None:
    """It has one or the other, never both."""
    cluster = Cluster(ecs, "FARGATE", "FARGATE_SPOT")
    strategy = [
        {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "base": 0, "weight": 3},
    ]

    service = cluster.create(capacityProviderStrategy=strategy)

    assert service["capacityProviderStrategy"] == strategy
    assert "launchType" not in service
    assert service["deployments"][0]["capacityProviderStrategy"] == strategy


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"launchType": "FARGATE"}, "both a launch type and capacity provider strategy"),
        ({"capacityProviderStrategy": [{"capacityProvider": "mine"}]}, "not associated"),
    ],
)
def test_a_placement_that_ecs_refuses_is_refused(
    ecs: Any, told: dict[str, Any], reason: str
) -> None:
    """A mistake in a module shows on a laptop."""
    strategy = {"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]}

    with pytest.raises(ClientError, match=reason):
        Cluster(ecs, "FARGATE").create(**(strategy | told))
