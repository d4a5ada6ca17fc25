"""Runs a command of the worker image as a one-off task, and waits until it has stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.models import ServiceContainer, TaskState
from gradectl.adapters.aws.tasks import OneOffTask
from gradectl.errors import EndingError, GradectlError, TryAgainError
from gradectl.rollouts.polling import MakePause, pauses
from gradectl.ui import Ui

_LAST_LINES = 20


@dataclass(frozen=True)
class OneOffRun:
    """
    A task that has stopped.

    Attributes:
        task_arn: The task.
        exit_code: Exit code of its container.
        reason: Why it stopped, as ECS says it; may be empty.
        lines: The end of its log.
    """

    task_arn: str
    exit_code: int
    reason: str
    lines: tuple[str, ...]


def run_one_off(
    aws: Aws,
    ui: Ui,
    work: tuple[OneOffTask, ServiceContainer],
    seconds: float,
    *,
    make_pause: MakePause = pauses,
) -> OneOffRun:
    """
    Run a task and wait until it has stopped; its last log lines are printed.

    Args:
        aws: The account.
        ui: The terminal; the state of the task is printed when it changes.
        work: The task, and the container of its service.
        seconds: How long to wait. The task is not stopped afterwards.
        make_pause: Makes the pauses between two polls.

    Raises:
        GradectlError: The task did not start, or did not end in time.
    """
    task, container = work
    ui.say(f"starting {' '.join(task.command)} as a task of {task.cluster}")
    arn = aws.tasks.run(task, container)
    try:
        state = _wait(lambda: aws.tasks.state(task.cluster, arn, container.name), ui, arn,
                      make_pause(seconds))  # fmt: skip
    except EndingError as error:
        error.what += f"; the task goes on: {arn}"
        raise
    log = container.log
    lines = tuple(aws.tasks.last_lines(log, arn, _LAST_LINES)) if log else ()
    for line in lines:
        ui.say(f"  {line}")
    if not state.stopped:
        raise TryAgainError(
            f"the task is {state.status} after {seconds:.0f} s; it goes on",
            where=arn,
            next_step="wait for it: its last log lines are above; running this again is safe",
        )
    if state.exit_code is None:
        text = f"the task did not start: {state.reason or 'ECS gives no reason'}"
        hint = "fix the cause: image, execution role, or the route to ECR, SSM and the logs"
        raise GradectlError(text, where=arn, next_step=hint)
    return OneOffRun(arn, state.exit_code, state.reason, lines)


def _wait(read: Callable[[], TaskState], ui: Ui, arn: str, pause: Callable[[], bool]) -> TaskState:
    """Poll until the task has stopped or the time is over."""
    shown = ""
    while True:
        state = read()
        if state.status != shown:
            ui.say(f"task {arn.rpartition('/')[2]}: {state.status.lower()}")
            shown = state.status
        if state.stopped or not pause():
            return state
