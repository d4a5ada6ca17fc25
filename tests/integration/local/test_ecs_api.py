"""The settings of a service in the emulated ECS, with the real client."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

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
        """Create it with capacity providers."""
        self.ecs, self.name = ecs, f"stores-{next(_numbers)}"
        ecs.create_cluster(clusterName=self.name, capacityProviders=list(providers))
        container = {"name": "grading-worker", "image": "unused", "memory": 128}
        ecs.register_task_definition(family=self.name, containerDefinitions=[container])

    def create(self, **settings: Any) -> dict[str, Any]:
        """Create its service; returns the answer of DescribeServices."""
        self.ecs.create_service(
            cluster=self.name,
            serviceName="grading",
            taskDefinition=self.name,
            desiredCount=0,
            **settings,
        )
        return self.describe()

    def update(self, **settings: Any) -> dict[str, Any]:
        """Update its service; returns the answer of DescribeServices."""
        self.ecs.update_service(cluster=self.name, service="grading", **settings)
        return self.describe()

    def describe(self) -> dict[str, Any]:
        """Return its service from DescribeServices."""
        (service,) = self.ecs.describe_services(cluster=self.name, services=["grading"])["services"]
        found: dict[str, Any] = service
        return found


@pytest.fixture(name="ecs")
def _ecs(aws: Callable[[str], Any]) -> Any:
    return aws("ecs")


def test_a_service_is_described_as_it_was_created(ecs: Any) -> None:
    """Terraform compares them with its configuration; a lost setting is a change in every plan."""
    settings = {
        "availabilityZoneRebalancing": "DISABLED",
        "deploymentConfiguration": CIRCUIT_BREAKER,
        "enableECSManagedTags": True,
        "enableExecuteCommand": True,
        "healthCheckGracePeriodSeconds": 60,
        "propagateTags": "SERVICE",
    }

    service = Cluster(ecs).create(launchType="FARGATE", **settings)

    assert {name: service[name] for name in settings} == settings
    assert service["launchType"] == "FARGATE"


def test_an_update_changes_only_the_given_settings(ecs: Any) -> None:
    """False and zero are values; omitted settings keep their value."""
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


def test_one_member_of_the_deployment_configuration_can_be_changed(ecs: Any) -> None:
    """Terraform sends only changed members; the circuit breaker stays on."""
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
    ("settings", "reason"),
    [
        ({"launchType": "FARGATE"}, "both a launch type and capacity provider strategy"),
        ({"capacityProviderStrategy": [{"capacityProvider": "mine"}]}, "not associated"),
    ],
)
def test_an_invalid_placement_is_rejected(ecs: Any, settings: dict[str, Any], reason: str) -> None:
    """As ECS does, so that a mistake in a module shows on a laptop."""
    strategy = {"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]}

    with pytest.raises(ClientError, match=reason):
        Cluster(ecs, "FARGATE").create(**(strategy | settings))


def register(ecs: Any, cluster: Cluster, image: str = "worker:1") -> str:
    """Another revision of the task definition of a cluster; returns its ARN."""
    container = {"name": "grading-worker", "image": image, "memory": 128}
    answer = ecs.register_task_definition(family=cluster.name, containerDefinitions=[container])
    arn: str = answer["taskDefinition"]["taskDefinitionArn"]
    return arn


def test_a_new_task_definition_is_a_new_deployment(ecs: Any) -> None:
    """It is the primary one; the earlier one stays until its tasks are replaced."""
    cluster = Cluster(ecs)
    first = cluster.create()["deployments"][0]
    cluster.update(desiredCount=2)
    new = register(ecs, cluster)

    service = cluster.update(taskDefinition=new)

    primary, earlier = service["deployments"]
    assert (primary["status"], earlier["status"]) == ("PRIMARY", "ACTIVE")
    assert primary["id"] != first["id"]
    assert earlier["id"] == first["id"]
    assert primary["taskDefinition"] == service["taskDefinition"] == new
    assert earlier["taskDefinition"] == first["taskDefinition"]
    assert (primary["rolloutState"], primary["pendingCount"]) == ("IN_PROGRESS", 2)


def test_another_number_of_tasks_is_not_a_new_deployment(ecs: Any) -> None:
    """As when the service is scaled."""
    cluster = Cluster(ecs)
    first = cluster.create()["deployments"][0]["id"]

    (deployment,) = cluster.update(desiredCount=3)["deployments"]

    assert deployment["id"] == first
    assert deployment["desiredCount"] == 3


def test_the_history_of_a_service_names_the_images_of_its_deployments(ecs: Any) -> None:
    """Newest first; one that was replaced before it completed is STOPPED."""
    cluster = Cluster(ecs)
    cluster.create()
    cluster.update(desiredCount=1)
    digest = "sha256:" + "a" * 64
    for image in ("worker:1", f"worker@{digest}"):
        cluster.update(taskDefinition=register(ecs, cluster, image))

    found = ecs.list_service_deployments(cluster=cluster.name, service="grading")
    arns = [each["targetServiceRevisionArn"] for each in found["serviceDeployments"]]
    revisions = {
        each["serviceRevisionArn"]: each["containerImages"][0]
        for each in ecs.describe_service_revisions(serviceRevisionArns=arns)["serviceRevisions"]
    }

    assert [each["status"] for each in found["serviceDeployments"]] == [
        "IN_PROGRESS",
        "STOPPED",
        "SUCCESSFUL",
    ]
    assert [revisions[arn]["image"] for arn in arns] == [f"worker@{digest}", "worker:1", "unused"]
    assert revisions[arns[0]]["imageDigest"] == digest
    good = ecs.list_service_deployments(
        cluster=cluster.name, service="grading", status=["SUCCESSFUL"]
    )
    assert len(good["serviceDeployments"]) == 1
