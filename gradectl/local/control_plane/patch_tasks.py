"""
Gives moto's ECS tasks that depend on processes, for a stack with a data plane.

A task of RunTask has the state and the exit code of its process; moto would show each as stopped at
once. And moto adds up the memory of containers, which on Fargate may have no limit of their own.
"""

from __future__ import annotations

from copy import copy
from typing import Any, cast

from moto.core.responses import ActionResult
from moto.ecs import urls
from moto.ecs.models import EC2ContainerServiceBackend, Task, TaskDefinition

from gradectl.local.control_plane.patch_ecs import StoringEcsResponse

PROVISIONING, RUNNING, STOPPED = "PROVISIONING", "RUNNING", "STOPPED"


class ProcessTask(Task):
    """A task whose state is recorded, instead of advancing with each call."""

    def advance(self) -> None:
        """Keep the recorded state."""

    @property
    def status(self) -> str | None:
        """The recorded state."""
        return self._status

    @status.setter
    def status(self, value: str) -> None:
        self._status = value


class ProcessEcsResponse(StoringEcsResponse):
    """The handlers of a stack with a data plane."""

    def run_task(self) -> ActionResult:
        """Handle RunTask; the tasks start when their processes do."""
        answer = super().run_task()
        for task in cast("dict[str, list[Any]]", answer.result)["tasks"]:
            task.__class__ = ProcessTask  # with the same attributes, and moto has no factory
            task.status = PROVISIONING
            for container in task.containers:
                del container.exitCode  # moto has 0 before the container runs
        return answer


def patch_tasks() -> None:
    """Install these handlers in this process; after `patch_ecs`, whose handlers they extend."""
    urls.url_paths["{0}/$"] = ProcessEcsResponse.dispatch
    backend: Any = EC2ContainerServiceBackend
    method = "_calculate_task_resource_requirements"
    calculate = getattr(backend, method)

    def calculate_without_limits(definition: TaskDefinition) -> dict[str, Any]:
        limited = copy(definition)
        limited.container_definitions = [
            {"memory": 0, **each} for each in definition.container_definitions
        ]
        found: dict[str, Any] = calculate(limited)
        return found

    setattr(backend, method, staticmethod(calculate_without_limits))


def record(task: ProcessTask, status: str, *, exit_code: int | None, reason: str) -> None:
    """
    Set the state that DescribeTasks returns.

    Args:
        task: The task.
        status: PROVISIONING, RUNNING or STOPPED.
        exit_code: Exit code of its containers; None when they did not run, or still do.
        reason: Why it stopped.
    """
    task.status = status
    if status == STOPPED:
        task.desired_status = STOPPED
        task.stopped_reason = reason
        vars(task)["stop_code"] = (
            "TaskFailedToStart" if exit_code is None else "EssentialContainerExited"
        )
    for container in task.containers:
        container.last_status = status
        if exit_code is not None:
            container.exitCode = exit_code


__all__ = ["PROVISIONING", "RUNNING", "STOPPED", "ProcessTask", "patch_tasks", "record"]
