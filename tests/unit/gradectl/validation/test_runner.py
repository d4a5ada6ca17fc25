"""Jobs run in parallel and yield events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from gradectl.errors import GradectlError
from gradectl.validation.findings import Finding
from gradectl.validation.model import CheckContext, CheckJob
from gradectl.validation.runner import Finished, Started, Task, run

SECONDS = 60  # a limit for a hung test
FINDING = Finding("a.tf", 1, "wrong")


@pytest.fixture
def context(make_context: Callable[..., CheckContext]) -> CheckContext:
    """A minimal project."""
    return make_context({"main.tf": ""})


def task(name: str, look: Callable[[], Iterable[Finding]]) -> Task:
    """A job of a check."""
    return Task("check", CheckJob(name, [], look))


def test_each_job_yields_its_start_and_its_findings(context: CheckContext) -> None:
    """In list order, one at a time."""
    clock = iter(range(100))
    tasks = [task("a", lambda: [FINDING]), task("b", list)]

    events = list(run(tasks, context, 1, lambda: float(next(clock))))

    assert [type(event) for event in events] == [Started, Finished, Started, Finished]
    cases = [event.case for event in events if isinstance(event, Finished)]
    assert [(case.subject, case.seconds, case.findings) for case in cases] == [
        ("a", 1.0, (FINDING,)),
        ("b", 1.0, ()),
    ]


class Waiting:
    """Stands for a workspace with slow providers."""

    waited_seconds = 0.0


def test_the_wait_for_the_providers_is_not_the_time_of_a_check(context: CheckContext) -> None:
    """They are started once for all, and only the first check would look slow."""
    workspace = Waiting()
    clock = iter((100.0, 141.5))

    def look() -> list[Finding]:
        workspace.waited_seconds += 40.0
        return []

    waiting: Any = workspace
    events = list(
        run([task("a", look)], replace(context, workspace=waiting), 1, lambda: next(clock))
    )

    assert [event.case.seconds for event in events if isinstance(event, Finished)] == [1.5]


def test_jobs_run_at_the_same_time(context: CheckContext) -> None:
    """Each waits for the other, which works only in parallel."""
    barrier = threading.Barrier(2, timeout=SECONDS)

    def meet() -> list[Finding]:
        barrier.wait()
        return []

    assert len(list(run([task("a", meet), task("b", meet)], context, 2))) == 4


def test_a_failure_is_reported_while_other_jobs_run(context: CheckContext) -> None:
    """The first failure is reported at once."""
    release = threading.Event()

    def slow() -> list[Finding]:
        release.wait(SECONDS)
        return []

    seen = []
    for event in run([task("slow", slow), task("bad", lambda: [FINDING])], context, 2):
        if isinstance(event, Finished):
            seen.append(event.task.job.subject)
            release.set()

    assert seen == ["bad", "slow"]


def test_a_program_that_fails_is_a_finding(context: CheckContext) -> None:
    """A check that could not run has not passed."""

    def fail() -> list[Finding]:
        raise GradectlError("it crashed", where="checkov")

    (_, event) = run([task("a", fail)], context, 1)

    assert isinstance(event, Finished)
    assert [str(item) for item in event.case.findings] == [".:1: not-run: checkov: it crashed"]


def test_an_unexpected_error_is_raised(context: CheckContext) -> None:
    """An unexpected error ends the run."""

    def mistake() -> list[Finding]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(run([task("a", mistake)], context, 1))


def test_programs_of_a_job_live_until_the_last_job(context: CheckContext) -> None:
    """The kernel kills a provider with the thread that started it."""
    threads: list[threading.Thread] = []

    def note() -> list[Finding]:
        threads.append(threading.current_thread())
        return []

    for event in run([task(name, note) for name in "abc"], context, 2):
        if isinstance(event, Finished):
            assert all(thread.is_alive() for thread in threads)
    for thread in threads:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in threads)
