"""A test event is sent by one task in the network of the workers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gradectl.adapters.aws.models import ContainerLog, ServiceContainer, TaskState
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, GradectlError, TryAgainError
from gradectl.rollouts.webhook_test import plan_webhook_test, run_webhook_test
from gradectl.ui import Ui

URL = "https://hooks.example.com/a"
LOG = ContainerLog("/ecs/dev-grading", "grading-worker", "grading-worker")
CONTAINER = ServiceContainer("grading-worker", "arn:task:8", {"WEBHOOKS_ENABLED": "true"}, LOG)
ENVIRONMENT = Environment(
    schema_version=1, name="dev", account_id="123456789012", region="eu-west-1"
)


class Account:
    """An account whose tasks take the given states."""

    def __init__(self, *states: TaskState, container: ServiceContainer | None = CONTAINER) -> None:
        self.tasks = self
        self.container = container
        self.started: list[Any] = []
        self._states = list(states)

    def worker_container(self, cluster: str, service: str) -> ServiceContainer | None:
        assert (cluster, service) == ("dev-grading-cluster", "dev-grading-service")
        return self.container

    def run(self, task: Any, _container: ServiceContainer) -> str:
        self.started.append(task)
        return "arn:task/1"

    def state(self, *_: str) -> TaskState:
        return self._states.pop(0)

    def last_lines(self, *_: Any) -> list[str]:
        return ["host       ok: hooks.example.com is allowed"]


def stopped(exit_code: int | None) -> TaskState:
    return TaskState("STOPPED", True, exit_code, "")


def run_it(account: Any, *, goes_on: bool = True) -> Any:
    """Plan and run a test."""
    plan = plan_webhook_test(account, ENVIRONMENT, URL)
    return run_webhook_test(
        account, Ui("table", {}), plan, 60, make_pause=lambda _: lambda: goes_on
    )


@pytest.mark.parametrize("code", [0, 1])
def test_the_steps_are_reported_whether_the_event_arrived_or_not(code: int) -> None:
    """Exit code 1 of `grader webhook-test` is an answer too."""
    account = Account(TaskState("RUNNING", False, None, ""), stopped(code))

    done = run_it(account)

    assert account.started[0].command == ("grader", "webhook-test", URL)
    assert done.exit_code == code
    assert "is allowed" in done.lines[0]


@pytest.mark.parametrize(
    ("container", "why"),
    [
        (None, "does not exist"),
        (replace(CONTAINER, environment={}), f"grader webhook-test {URL}` there"),
    ],
)
def test_without_webhooks_nothing_is_started(container: Any, why: str) -> None:
    """The error names what to set."""
    account = Account(container=container)

    with pytest.raises(ConfigurationError, match=why):
        run_it(account)
    assert not account.started


def test_a_task_that_could_not_test_is_an_error() -> None:
    """Such as one without its secret, or one that does not end."""
    with pytest.raises(GradectlError, match="exit code 78"):
        run_it(Account(stopped(78)))
    with pytest.raises(GradectlError, match="did not start"):
        run_it(Account(stopped(None)))
    with pytest.raises(TryAgainError, match="goes on"):
        run_it(Account(TaskState("RUNNING", False, None, "")), goes_on=False)
