"""ECS services: how many tasks run, and why some do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws_errors import translated
from gradectl.errors import GradectlError

_LATEST_EVENTS = 5


@dataclass(frozen=True)
class Service:
    """One ECS service as the API shows it."""

    name: str
    desired: int
    running: int
    events: tuple[str, ...]

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

    def get(self, cluster: str, name: str) -> Service:
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
        events = [event["message"] for event in found[0].get("events", [])[:_LATEST_EVENTS]]
        return Service(name, found[0]["desiredCount"], found[0]["runningCount"], tuple(events))

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
