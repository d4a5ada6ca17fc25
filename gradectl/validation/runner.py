"""Runs the jobs of all checks in parallel and yields events."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gradectl.errors import GradectlError
from gradectl.validation.findings import CaseOutcome, Finding
from gradectl.validation.model import CheckContext, CheckJob


@dataclass(frozen=True)
class Task:
    """A job and the name of its check."""

    check: str
    job: CheckJob


@dataclass(frozen=True)
class Started:
    """A job has started."""

    task: Task


@dataclass(frozen=True)
class Finished:
    """A job has finished."""

    task: Task
    case: CaseOutcome


@dataclass(frozen=True)
class _Crashed:
    """A job raised an unexpected error."""

    error: BaseException


Event = Started | Finished


def run(
    tasks: Sequence[Task],
    context: CheckContext,
    workers: int,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """
    Run tasks in order, several at a time, and yield events.

    A caller that stops early, on Ctrl-C for example, must call `context.tools.stop()` to end the
    running tasks.

    Args:
        tasks: The tasks.
        context: Context of the checks.
        workers: Number of tasks that run at a time.
        clock: Returns the time in seconds.
    """
    waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
    events: queue.SimpleQueue[Event | _Crashed] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)

    def work() -> None:
        # The thread waits until all jobs end: the programs that it started die with it.
        while task := waiting.get():
            try:
                events.put(Started(task))
                events.put(Finished(task, _case(task, context, clock)))
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                events.put(_Crashed(error))

    for number in range(workers):
        threading.Thread(target=work, name=f"check-{number}", daemon=True).start()
    try:
        left = len(tasks)
        while left:
            event = events.get()
            if isinstance(event, _Crashed):
                raise event.error
            left -= isinstance(event, Finished)
            yield event
    finally:
        for _ in range(workers):
            waiting.put(None)


def _case(task: Task, context: CheckContext, clock: Callable[[], float]) -> CaseOutcome:
    """Run one job; a program that fails becomes a finding. Waiting for others is not its time."""
    start, waited = clock(), context.workspace.waited_seconds
    try:
        found = tuple(task.job.run())
    except GradectlError as error:
        where = context.shown(context.project.path)
        found = (Finding(where, 1, str(error), rule="not-run", blocks=True),)
    waited = context.workspace.waited_seconds - waited
    return CaseOutcome(task.job.subject, max(0.0, clock() - start - waited), found)
