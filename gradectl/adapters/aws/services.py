"""ECS services: how many tasks run, and why some do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws.errors import translated
from gradectl.errors import GradectlError

_LATEST_EVENTS = 5


@dataclass(frozen=True)
class EcsService:
    """
    One ECS service as the API shows it.

    Attributes:
        name: Its name.
        desired: Tasks that should run.
        running: Tasks that run.
        events: What it did last, the latest first.
        task_definition: ARN of what its tasks are made of.
        rollout: State of the latest deployment: COMPLETED, IN_PROGRESS or FAILED.
    """

    name: str
    desired: int
    running: int
    events: tuple[str, ...]
    task_definition: str = ""
    rollout: str = ""

    @property
    def steady(self) -> bool:
        """Whether as many tasks run as should."""
        return self.running >= self.desired


class Services:
    """
    ECS.

    Args:
        client: A boto3 client of `ecs`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        """Keep the client."""
        self._client = client

    def get(self, cluster: str, name: str) -> EcsService:
        """
        Read one service.

        Raises:
            GradectlError: There is none of this name.
        """
        where = f"ECS service {cluster}/{name}"
        with translated(where):
            found = self._client.describe_services(cluster=cluster, services=[name])["services"]
        if not found:
            text = "no such service"
            raise GradectlError(text, where=where, next_step="gradectl apply makes it")
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
        )

    def deploy(self, cluster: str, name: str, task_definition: str) -> None:
        """Start new tasks of a task definition in the place of all others; does not wait."""
        with translated(f"ECS service {cluster}/{name}"):
            self._client.update_service(
                cluster=cluster,
                service=name,
                taskDefinition=task_definition,
                forceNewDeployment=True,
            )

    def stopped_reasons(self, cluster: str, name: str) -> tuple[str, ...]:
        """Say why tasks of a service stopped, the latest first, each reason once."""
        with translated(f"ECS service {cluster}/{name}"):
            arns = self._client.list_tasks(
                cluster=cluster, serviceName=name, desiredStatus="STOPPED"
            )["taskArns"]
            if not arns:
                return ()
            tasks = self._client.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
        reasons = [str(task.get("stoppedReason", "")) for task in tasks]
        return tuple(dict.fromkeys(reason for reason in reasons if reason))
