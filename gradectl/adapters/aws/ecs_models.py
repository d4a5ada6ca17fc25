"""What ECS reports about a service, without boto3's types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

PRIMARY = "PRIMARY"
COMPLETED = "COMPLETED"
FAILED = "FAILED"
#: Status of a deployment in the history of a service that reached the running state.
SUCCESSFUL = "SUCCESSFUL"
#: Begin of the states of one that ECS rolls back or has rolled back.
ROLLBACK = "ROLLBACK"


def revision_name(arn: str) -> str:
    """Family and revision in the ARN of a task definition, such as `dev-grading-task:8`."""
    return arn.rpartition("/")[2]


@dataclass(frozen=True)
class ServiceEvent:
    """A message of ECS about a service."""

    at: datetime
    text: str


@dataclass(frozen=True)
class EcsDeployment:
    """
    A deployment of a service.

    Attributes:
        deployment_id: Its id, such as `ecs-svc/123`, which is also the `startedBy` of its tasks.
        task_definition: ARN of its task definition.
        status: PRIMARY, ACTIVE (tasks of it are still running) or INACTIVE.
        rollout: COMPLETED, IN_PROGRESS or FAILED; empty for deployments that ECS does not manage.
        reason: Why it is in that state.
        desired: Desired number of its tasks.
        running: Number of its running tasks.
        pending: Number of its tasks that are starting.
        failed: Number of its tasks that stopped after the start; 0 for tasks that never started.
        created_at: When it was created.
    """

    deployment_id: str
    task_definition: str
    status: str = PRIMARY
    rollout: str = ""
    reason: str = ""
    desired: int = 0
    running: int = 0
    pending: int = 0
    failed: int = 0
    created_at: datetime | None = None


@dataclass(frozen=True)
class EcsService:
    """
    An ECS service as the API describes it.

    Attributes:
        name: Its name.
        desired: Desired number of tasks.
        running: Number of running tasks, of all deployments.
        pending: Number of starting tasks.
        task_definition: ARN of its task definition.
        deployments: Its current deployments, the PRIMARY one first.
        events: Its latest events, newest first.
        exec_enabled: Whether ECS Exec is enabled.
        rolls_back: Whether the circuit breaker rolls back failed deployments.
        security_groups: Security groups of its tasks.
        target_groups: ARNs of the targets of load balancers that its tasks are.
    """

    name: str
    desired: int
    running: int
    pending: int = 0
    task_definition: str = ""
    deployments: tuple[EcsDeployment, ...] = ()
    events: tuple[ServiceEvent, ...] = ()
    exec_enabled: bool = False
    rolls_back: bool = False
    security_groups: tuple[str, ...] = ()
    target_groups: tuple[str, ...] = ()

    @property
    def primary(self) -> EcsDeployment | None:
        """The deployment that ECS works towards."""
        return next((each for each in self.deployments if each.status == PRIMARY), None)

    @property
    def rollout(self) -> str:
        """State of the primary deployment: COMPLETED, IN_PROGRESS or FAILED."""
        return self.primary.rollout if self.primary else ""

    def deployment(self, deployment_id: str) -> EcsDeployment | None:
        """Find a deployment; ECS forgets old ones after a while."""
        found = (each for each in self.deployments if each.deployment_id == deployment_id)
        return next(found, None)


@dataclass(frozen=True)
class EcsTask:
    """
    A task of a service; ECS forgets stopped ones after about an hour.

    Attributes:
        task_id: The last part of its ARN.
        task_definition: ARN of its task definition.
        deployment_id: The deployment that started it.
        state: Last state, such as RUNNING or STOPPED.
        health: HEALTHY, UNHEALTHY or UNKNOWN.
        stop_code: Why it stopped, as a code, such as TaskFailedToStart.
        stopped_reason: Why it stopped, as a sentence.
        exit_codes: Exit code by container, of those that ran.
        container_reasons: Reason by container, such as an image that cannot be pulled.
        runtime_ids: Id of the running container, by name.
    """

    task_id: str
    task_definition: str = ""
    deployment_id: str = ""
    state: str = ""
    health: str = ""
    stop_code: str = ""
    stopped_reason: str = ""
    exit_codes: Mapping[str, int] = field(default_factory=dict)
    container_reasons: Mapping[str, str] = field(default_factory=dict)
    runtime_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskRevision:
    """
    A revision of a task definition.

    Attributes:
        arn: Its ARN.
        image: Image of the worker, by digest or tag.
        registered_at: When it was registered; None where ECS does not say.
        registered_by: ARN of the identity that registered it.
        cpu: CPU units of a task.
        memory: Memory of a task in MB.
        active: False when it was deregistered and cannot be deployed.
        slots: Number of requests that one worker works on at a time.
    """

    arn: str
    image: str
    registered_at: datetime | None = None
    registered_by: str = ""
    cpu: str = ""
    memory: str = ""
    active: bool = True
    slots: int = 1

    @property
    def name(self) -> str:
        """Family and revision."""
        return revision_name(self.arn)

    @property
    def number(self) -> int:
        """The revision."""
        return int(self.arn.rpartition(":")[2])


@dataclass(frozen=True)
class PastDeployment:
    """
    A deployment in the history of a service, which ECS keeps for 90 days.

    Attributes:
        task_definition: ARN of its task definition.
        status: SUCCESSFUL, IN_PROGRESS, STOPPED, ROLLBACK_SUCCESSFUL and others.
        created_at: When it was created.
        image: Image of the worker with the digest that ECS resolved; empty where it is unknown.
    """

    task_definition: str
    status: str
    created_at: datetime
    image: str = ""
