"""Protection of the task from scale-in, over HTTP as with the agent of ECS."""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ecs_agent import BLOCKED, BROKEN_OFF, DENIED, GOOD, NONSENSE, FakeAgent

from grader.adapters.ecs_agent import EcsAgent
from grader.logs import Logger
from grader.worker.activity import ActiveJobs
from grader.worker.protection import AFTER_SECONDS, ScaleInProtection

ON = {"ProtectionEnabled": True, "ExpiresInMinutes": 10}
OFF = {"ProtectionEnabled": False}


class Task:
    """A task with its agent, its jobs and its clock."""

    def __init__(self, agent: FakeAgent, log: Logger) -> None:
        self.now = 1000.0
        self.agent = agent
        self.active = ActiveJobs(clock=lambda: self.now)
        self.protection = ScaleInProtection(
            EcsAgent(agent.uri), self.active, log, clock=lambda: self.now
        )

    def after(self, seconds: float) -> list[Any]:
        """Look once a second; return what the agent was asked."""
        for _ in range(int(seconds)):
            self.now += 1
            self.protection.look()
        return [self.agent.asked()[2] for _ in range(self.agent.count())]


@pytest.fixture
def task(log: Logger) -> Iterator[Task]:
    """A task whose agent answers."""
    with FakeAgent().running() as agent:
        yield Task(agent, log)


def test_long_job_protects_its_task_until_it_ends(task: Task) -> None:
    """The agent gets one request at each change, in the form that ECS documents."""
    task.active.begin("a")
    assert task.after(AFTER_SECONDS - 1) == []

    task.now += 1
    task.protection.look()
    assert task.agent.asked() == ("PUT", "/api/v2-1/task-protection/v1/state", ON)
    assert task.after(60) == []

    task.active.end("a")
    assert task.after(60) == [OFF]


def test_short_jobs_ask_for_nothing(task: Task) -> None:
    """They end within the drain; a request for each would cost more than they do."""
    for _ in range(50):
        task.active.begin("a")
        assert task.after(2) == []
        task.active.end("a")


def test_task_is_protected_as_long_as_any_job_is_long(task: Task) -> None:
    """The end of one of two jobs changes nothing."""
    task.active.begin("a")
    task.active.begin("b")
    assert task.after(10) == [ON]

    task.active.end("a")
    assert task.after(10) == []
    task.active.end("b")
    assert task.after(1) == [OFF]


def test_protection_is_renewed_before_it_expires(task: Task) -> None:
    """It lasts ten minutes, so that a dead worker does not protect its task for hours."""
    task.active.begin("a")

    assert task.after(AFTER_SECONDS + 900) == [ON] * 4


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (DENIED, "AccessDeniedException: is not authorized (allow it with enable_ecs_task_"),
        (BLOCKED, "DEPLOYMENT_BLOCKED (it is tried again; "),
        (NONSENSE, "HTTP status 502 (it is tried again; "),
        (BROKEN_OFF, "IncompleteRead(0 bytes read) (the task stays unprotected; "),
    ],
)
def test_refusal_is_one_warning_and_tried_again_each_minute(
    task: Task, log_stream: io.StringIO, answer: Any, reason: str
) -> None:
    """With the reason and the next step."""
    task.agent.answer = answer
    task.active.begin("a")
    assert task.after(AFTER_SECONDS + 119) == [ON, ON]
    task.agent.answer = GOOD
    assert task.after(60) == [ON]

    assert log_stream.getvalue().count("Scale-in protection not changed") == 1
    assert reason in log_stream.getvalue()


def test_agent_that_is_away_is_one_warning(log: Logger, log_stream: io.StringIO) -> None:
    """Nothing is raised."""
    with FakeAgent().running() as agent:
        task = Task(agent, log)
    task.active.begin("a")

    assert task.after(200) == []

    assert log_stream.getvalue().count("Scale-in protection not changed") == 1
    assert "stays unprotected" in log_stream.getvalue()


def test_unexpected_error_is_logged_and_the_next_job_is_protected(
    log: Logger, log_stream: io.StringIO
) -> None:
    """The thread goes on."""
    asked: list[int] = []
    protected = threading.Event()

    class Faulty(EcsAgent):
        def protect(self, minutes: int) -> None:
            asked.append(minutes)
            if len(asked) == 1:
                raise KeyError("a bug")
            protected.set()

        def release(self) -> None:
            """End nothing."""

    now = itertools.count(1000.0, 60)
    active = ActiveJobs(clock=lambda: next(now))
    active.begin("a")
    protection = ScaleInProtection(Faulty("http://agent"), active, log, clock=lambda: next(now))

    with protection.in_background():
        assert protected.wait(180)

    assert log_stream.getvalue().count("Scale-in protection not changed") == 1
    assert "Traceback" in log_stream.getvalue()


def test_end_of_the_worker_ends_the_protection(task: Task) -> None:
    """A task that leaves anyway is not kept."""
    task.active.begin("a")
    task.now += AFTER_SECONDS
    with task.protection.in_background():
        assert task.agent.asked()[2] == ON

    assert task.agent.asked()[2] == OFF
