"""Explains why tasks of ECS stopped; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gradectl.adapters.aws.ecs_models import EcsTask

_OUT_OF_MEMORY = 137
#: Exit code of a worker to its cause and the remedy; the table of docs/runbook.md.
_EXIT_CODES = {
    _OUT_OF_MEMORY: ("out of memory, or killed", "raise ecs_task_memory, then apply"),
    78: ("a setting or a certificate is invalid", "read the last log lines of the worker"),
    77: ("a login or a right was refused", "apply again: it sets the passwords from SSM"),
    69: ("the broker or the database cannot be reached", "check their state and security groups"),
    4: ("the self-test of the sandbox failed", "read the last log lines of the worker"),
}
#: Words in the reason of ECS to the remedy.
_REASONS = {
    "CannotPullContainer": "check that the image exists, and that the subnets reach ECR",
    "ResourceInitializationError": "check the SSM parameters and the execution role",
    "OutOfMemory": "raise ecs_task_memory, then apply",
    "health check": "read the log: /health names the check that fails",
    "SpotInterruption": "AWS took Spot capacity back; raise the share of FARGATE",
}


@dataclass(frozen=True)
class StopCause:
    """
    Why tasks stopped.

    Attributes:
        text: The cause, with the words of ECS.
        remedy: What to do about it; empty when it is unknown.
        count: How many tasks stopped for it.
        out_of_memory: Whether the memory of the task was too small.
    """

    text: str
    remedy: str = ""
    count: int = 1
    out_of_memory: bool = False

    def __str__(self) -> str:
        """The cause with the number of tasks, such as `3 tasks: CannotPullContainerError`."""
        return f"{self.count} tasks: {self.text}" if self.count > 1 else self.text


def causes(tasks: Iterable[EcsTask]) -> tuple[StopCause, ...]:
    """The distinct causes of stopped tasks, the most frequent first."""
    counted = Counter(_cause(task) for task in tasks)
    return tuple(
        StopCause(cause.text, cause.remedy, count, cause.out_of_memory)
        for cause, count in counted.most_common()
        if cause.text
    )


def failed(tasks: Sequence[EcsTask]) -> tuple[EcsTask, ...]:
    """The tasks that ended by themselves; ECS also stops tasks to scale in and to replace them."""
    return tuple(
        task
        for task in tasks
        if task.stop_code not in ("ServiceSchedulerInitiated", "UserInitiated", "")
        or any(task.exit_codes.values())
        or "health check" in task.stopped_reason
    )


def _cause(task: EcsTask) -> StopCause:
    reasons = [task.stopped_reason, *task.container_reasons.values()]
    text = "; ".join(dict.fromkeys(" ".join(reason.split()) for reason in reasons if reason))
    remedy = next((hint for word, hint in _REASONS.items() if word in text), "")
    memory = "OutOfMemory" in text
    for container, code in sorted(task.exit_codes.items()):
        if code:
            meaning, hint = _EXIT_CODES.get(code, ("", ""))
            text += f" ({container}: exit code {code}{', ' if meaning else ''}{meaning})"
            remedy = remedy or hint
            memory = memory or code == _OUT_OF_MEMORY
    return StopCause(text or task.stop_code, remedy, out_of_memory=memory)
