"""One-off ECS tasks: started like a task of a service, watched until they stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from gradectl.adapters.aws.errors import code_of, translated
from gradectl.adapters.aws.models import ContainerLog, ServiceContainer, TaskState
from gradectl.errors import GradectlError

_STOPPED = "STOPPED"
_STARTED_BY = "gradectl"
_AWSLOGS = "awslogs"


@dataclass(frozen=True)
class OneOffTask:
    """
    A task that is started like those of a service, with another command.

    Attributes:
        cluster: Name of the cluster.
        service: The service whose task definition, network and capacity it uses.
        command: Command of the service's worker container.
        environment: Additional variables; they are not secret.
        role_arn: Task role; None for that of the task definition.
    """

    cluster: str
    service: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    role_arn: str | None = None


class Tasks:
    """
    ECS tasks and their logs.

    Args:
        ecs: A boto3 client of `ecs`.
        logs: A boto3 client of `logs`.
    """

    def __init__(self, ecs: Any, logs: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._ecs = ecs
        self._logs = logs

    def worker_container(self, cluster: str, service: str) -> ServiceContainer | None:
        """
        Read the essential container of a service's task definition.

        Returns:
            None when the service does not exist.
        """
        where = f"ECS service {cluster}/{service}"
        with translated(where):
            try:
                found = self._ecs.describe_services(cluster=cluster, services=[service])
            except ClientError as error:
                if code_of(error) == "ClusterNotFoundException":
                    return None
                raise
            active = [each for each in found["services"] if each.get("status") != "INACTIVE"]
            if not active:
                return None
            definition = self._ecs.describe_task_definition(
                taskDefinition=active[0]["taskDefinition"]
            )["taskDefinition"]
        containers = definition["containerDefinitions"]
        main = next((each for each in containers if each.get("essential", True)), containers[0])
        return ServiceContainer(
            name=main["name"],
            task_definition=definition["taskDefinitionArn"],
            environment={each["name"]: each["value"] for each in main.get("environment", ())},
            log=_log(main),
        )

    def run(self, task: OneOffTask, container: ServiceContainer) -> str:
        """
        Start a task, without waiting.

        Args:
            task: The task.
            container: The worker container of its service.

        Returns:
            The ARN of the task.

        Raises:
            GradectlError: ECS could not place it; the error has the reasons.
        """
        where = f"ECS service {task.cluster}/{task.service}"
        with translated(where):
            described = self._ecs.describe_services(cluster=task.cluster, services=[task.service])
            answer = self._ecs.run_task(
                cluster=task.cluster,
                taskDefinition=container.task_definition,
                count=1,
                startedBy=_STARTED_BY,
                overrides=_overrides(task, container),
                **_placement(described["services"][0]),
            )
        if not answer["tasks"]:
            reasons = [str(each.get("reason", "no reason")) for each in answer["failures"]]
            text = "ECS did not start the task: " + ", ".join(reasons or ["no reason"])
            hint = "check the capacity of the cluster, and run it again"
            raise GradectlError(text, where=where, next_step=hint)
        return str(answer["tasks"][0]["taskArn"])

    def state(self, cluster: str, arn: str, container: str) -> TaskState:
        """Read the state of a task and of its container."""
        with translated(f"task {arn}"):
            found = self._ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
        if not found:
            text = "ECS does not know the task"
            raise GradectlError(text, where=arn, next_step="run it again")
        task = found[0]
        containers = {each.get("name"): each for each in task["containers"]}
        main: dict[str, Any] = containers.get(container, {})
        return TaskState(
            status=task["lastStatus"],
            stopped=task["lastStatus"] == _STOPPED,
            exit_code=main.get("exitCode"),
            reason=str(main.get("reason") or task.get("stoppedReason") or ""),
        )

    def last_lines(self, log: ContainerLog, arn: str, count: int) -> list[str]:
        """Read the end of a task's log; empty when it wrote none or the log cannot be read."""
        stream = f"{log.prefix}/{log.container}/{arn.rpartition('/')[2]}"
        try:
            with translated(f"log group {log.group}"):
                answer = self._logs.get_log_events(
                    logGroupName=log.group, logStreamName=stream, limit=count, startFromHead=False
                )
        except GradectlError:
            return []
        return [str(event["message"]) for event in answer["events"]]


def _log(container: Mapping[str, Any]) -> ContainerLog | None:
    """Where a container logs to; None for another driver than awslogs."""
    logging = container.get("logConfiguration") or {}
    options = logging.get("options") or {}
    if logging.get("logDriver") != _AWSLOGS or "awslogs-stream-prefix" not in options:
        return None
    return ContainerLog(
        options["awslogs-group"], options["awslogs-stream-prefix"], container["name"]
    )


def _placement(service: Mapping[str, Any]) -> dict[str, Any]:
    """The network and capacity of a service, as arguments of RunTask."""
    placed: dict[str, Any] = {}
    if service.get("networkConfiguration"):
        placed["networkConfiguration"] = service["networkConfiguration"]
    if service.get("capacityProviderStrategy"):
        placed["capacityProviderStrategy"] = service["capacityProviderStrategy"]
    elif service.get("launchType"):
        placed["launchType"] = service["launchType"]
    return placed


def _overrides(task: OneOffTask, container: ServiceContainer) -> dict[str, Any]:
    """Command, variables and role of the task."""
    changed = {
        "name": container.name,
        "command": list(task.command),
        "environment": [
            {"name": name, "value": value} for name, value in sorted(task.environment.items())
        ],
    }
    role = {"taskRoleArn": task.role_arn} if task.role_arn else {}
    return {"containerOverrides": [changed], **role}
