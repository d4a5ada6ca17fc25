"""ECS services: running tasks, and the reasons of stopped ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws.errors import translated
from gradectl.adapters.aws.models import ServiceNetwork
from gradectl.errors import GradectlError

_LATEST_EVENTS = 5


@dataclass(frozen=True)
class EcsService:
    """
    An ECS service as the API describes it.

    Attributes:
        name: Its name.
        desired: Desired number of tasks.
        running: Number of running tasks.
        events: Its latest events, newest first.
        task_definition: ARN of its task definition.
        rollout: State of the latest deployment: COMPLETED, IN_PROGRESS or FAILED.
        deployment_id: Id of the latest deployment.
    """

    name: str
    desired: int
    running: int
    events: tuple[str, ...]
    task_definition: str = ""
    rollout: str = ""
    deployment_id: str = ""

    @property
    def steady(self) -> bool:
        """Whether the desired number of tasks is running."""
        return self.running >= self.desired


class Services:
    """
    ECS.

    Args:
        client: A boto3 client of `ecs`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def get(self, cluster: str, name: str) -> EcsService:
        """
        Describe a service.

        Raises:
            GradectlError: The service does not exist.
        """
        where = f"ECS service {cluster}/{name}"
        with translated(where):
            found = self._client.describe_services(cluster=cluster, services=[name])["services"]
        if not found:
            text = "service not found"
            raise GradectlError(text, where=where, next_step="gradectl apply creates it")
        service = found[0]
        events = [event["message"] for event in service.get("events", [])[:_LATEST_EVENTS]]
        latest: dict[str, Any] = next(iter(service.get("deployments", [])), {})
        return EcsService(
            name,
            service["desiredCount"],
            service["runningCount"],
            tuple(events),
            service.get("taskDefinition", ""),
            latest.get("rolloutState", ""),
            str(latest.get("id", "")),
        )

    def network(self, cluster: str, name: str) -> ServiceNetwork | None:
        """Read network and roles of a service; None when it does not exist."""
        with translated(f"ECS service {cluster}/{name}"):
            if not self.cluster_exists(cluster):
                return None
            found = self._client.describe_services(cluster=cluster, services=[name])["services"]
            active = [one for one in found if one.get("status") != "INACTIVE"]
            if not active:
                return None
            definition = self._client.describe_task_definition(
                taskDefinition=active[0]["taskDefinition"]
            )["taskDefinition"]
        vpc = (active[0].get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
        return ServiceNetwork(
            tuple(vpc.get("subnets") or ()),
            tuple(vpc.get("securityGroups") or ()),
            vpc.get("assignPublicIp") == "ENABLED",
            definition.get("taskRoleArn", ""),
            definition.get("executionRoleArn", ""),
        )

    def cluster_exists(self, name: str) -> bool:
        """Whether a cluster exists and was not deleted."""
        with translated(f"ECS cluster {name}"):
            found = self._client.describe_clusters(clusters=[name])["clusters"]
        return any(one.get("status") != "INACTIVE" for one in found)

    def deploy(self, cluster: str, name: str, task_definition: str) -> None:
        """Replace all tasks by new ones of a task definition, without waiting."""
        with translated(f"ECS service {cluster}/{name}"):
            self._client.update_service(
                cluster=cluster,
                service=name,
                taskDefinition=task_definition,
                forceNewDeployment=True,
            )

    def stopped_reasons(self, cluster: str, name: str) -> tuple[str, ...]:
        """The distinct reasons of stopped tasks, newest first."""
        with translated(f"ECS service {cluster}/{name}"):
            arns = self._client.list_tasks(
                cluster=cluster, serviceName=name, desiredStatus="STOPPED"
            )["taskArns"]
            if not arns:
                return ()
            tasks = self._client.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
        reasons = [str(task.get("stoppedReason", "")) for task in tasks]
        return tuple(dict.fromkeys(reason for reason in reasons if reason))
