"""Runs the jobs of all checks side by side, and tells what happens as it happens."""

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
    """One job, and the check it belongs to."""

    check: str
    job: CheckJob


@dataclass(frozen=True)
class Started:
    """A job has begun."""

    task: Task


@dataclass(frozen=True)
class Finished:
    """A job is over."""

    task: Task
    case: CaseOutcome


@dataclass(frozen=True)
class _Broken:
    """A job met a mistake of ours."""

    error: BaseException


Event = Started | Finished


def run(
    tasks: Sequence[Task],
    context: CheckContext,
    workers: int,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """
    Run tasks in their order, so many at a time, and give what happens.

    Whoever stops listening, by Ctrl-C or otherwise, must stop `context.tools`: that ends the tasks
    that are under way.

    Args:
        tasks: What to do.
        context: What to work with.
        workers: How many at a time.
        clock: Gives seconds.
    """
    waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
    events: queue.SimpleQueue[Event | _Broken] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)

    def work() -> None:
        # To the end, also with nothing left to do: what a thread started ends with the thread.
        while task := waiting.get():
            try:
                events.put(Started(task))
                events.put(Finished(task, _case(task, context, clock)))
            except BaseException as error:  # noqa: BLE001 - raised again by who listens
                events.put(_Broken(error))

    for number in range(workers):
        threading.Thread(target=work, name=f"check-{number}", daemon=True).start()
    try:
        left = len(tasks)
        while left:
            event = events.get()
            if isinstance(event, _Broken):
                raise event.error
            left -= isinstance(event, Finished)
            yield event
    finally:
        for _ in range(workers):
            waiting.put(None)


def _case(task: Task, context: CheckContext, clock: Callable[[], float]) -> CaseOutcome:
    """Run one job; a program that does not do its work is something found, too."""
    start = clock()
    try:
        found = tuple(task.job.run())
    except GradectlError as error:
        found = (Finding(context.shown(context.project.path), 1, str(error), rule="not-run"),)
    return CaseOutcome(task.job.subject, clock() - start, found)
