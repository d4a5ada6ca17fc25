"""A migration is one task, and its result is the exit code of its container."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradectl.adapters.aws.account import AwsSettings
from gradectl.adapters.aws.models import ContainerLog, ServiceContainer, TaskState
from gradectl.adapters.aws.tasks import OneOffTask
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, EndingError, StoppedError
from gradectl.rollouts.migration import migrate_database, plan_migration
from gradectl.ui import Ui

DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-grading-task:8"
LOG = ContainerLog("/ecs/dev-grading", "grading-worker", "grading-worker")
CONTAINER = ServiceContainer("grading-worker", DEFINITION, {}, LOG)
ARN = "arn:aws:ecs:eu-west-1:123456789012:task/dev-grading-cluster/1234"
PENDING, RUNNING = (TaskState(each, False, None, "") for each in ("PENDING", "RUNNING"))


def stopped(exit_code: int | None, reason: str = "") -> TaskState:
    return TaskState("STOPPED", True, exit_code, reason)


DEVELOPMENT = Environment(
    schema_version=1, name="dev", account_id="123456789012", region="eu-west-1"
)


class MemoryAccount:
    """An in-memory fake of an account with a service; its tasks take the given states."""

    def __init__(
        self, *states: TaskState, application_user: bool = True, reader: bool = False
    ) -> None:
        self.settings = AwsSettings("eu-west-1", "123456789012")
        self.tasks = self.parameter_store = self
        self.started: list[OneOffTask] = []
        self.container: ServiceContainer | None = CONTAINER
        self._states = list(states)
        self._application_user = application_user
        self._reader = reader

    def describe(self, names: list[str]) -> dict[str, object]:
        users = {"db-app": self._application_user, "db-web": self._reader}
        return dict.fromkeys(name for name in names if users[name.split("/")[2]])

    def worker_container(self, cluster: str, service: str) -> ServiceContainer | None:
        assert (cluster, service) == ("dev-grading-cluster", "dev-grading-service")
        return self.container

    def run(self, task: OneOffTask, container: ServiceContainer) -> str:
        assert container is CONTAINER
        self.started.append(task)
        return ARN

    def state(self, cluster: str, arn: str, container: str) -> TaskState:
        assert (cluster, arn, container) == ("dev-grading-cluster", ARN, "grading-worker")
        return self._states.pop(0)

    def last_lines(self, log: ContainerLog, arn: str, count: int) -> list[str]:
        assert (log, arn, count) == (LOG, ARN, 20)
        return ["Schema is up to date"]


def always(_seconds: float) -> Callable[[], bool]:
    return lambda: True


def never(_seconds: float) -> Callable[[], bool]:
    return lambda: False


def migrate(account: Any, make_pause: Callable[[float], Callable[[], bool]] = always) -> Any:
    migration = plan_migration(account, DEVELOPMENT)
    return migrate_database(account, Ui("table", {}), migration, 60, make_pause=make_pause)


def test_the_application_user_is_set_up_in_its_own_role() -> None:
    """Only that role may read both logins; the command line has names of parameters only."""
    account = MemoryAccount(PENDING, RUNNING, stopped(0))

    done = migrate(account)

    (task,) = account.started
    assert task.command == ("grader", "database-user")
    assert task.role_arn == "arn:aws:iam::123456789012:role/dev-grading-database-user"
    assert task.environment == {
        "DB_ADMIN_USERNAME_PARAM": "/dev/db/username",
        "DB_ADMIN_PASSWORD_PARAM": "/dev/db/password",
        "DB_USERNAME_PARAM": "/dev/db-app/username",
        "DB_PASSWORD_PARAM": "/dev/db-app/password",
    }
    assert (done.task_arn, done.lines) == (ARN, ("Schema is up to date",))


def test_the_user_of_the_api_is_set_up_by_the_same_task() -> None:
    """Where SSM has its login, as in an environment with an API."""
    account = MemoryAccount(stopped(0), reader=True)

    migrate(account)

    environment = account.started[0].environment
    assert environment["DB_READER_USERNAME_PARAM"] == "/dev/db-web/username"
    assert environment["DB_READER_PASSWORD_PARAM"] == "/dev/db-web/password"


def test_without_an_application_user_the_workers_role_migrates() -> None:
    """As in an environment whose Terraform is not ours."""
    account = MemoryAccount(stopped(0), application_user=False)

    assert migrate(account).command == "grader migrate"
    assert (account.started[0].role_arn, account.started[0].environment) == (None, {})


def test_the_states_and_the_log_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Each state once."""
    migrate(MemoryAccount(PENDING, PENDING, RUNNING, stopped(0)))

    assert capsys.readouterr().err.splitlines() == [
        "starting grader database-user as a task of dev-grading-cluster",
        "task 1234: pending",
        "task 1234: running",
        "task 1234: stopped",
        "  Schema is up to date",
    ]


@pytest.mark.parametrize(("exit_code", "ours"), [(1, 1), (69, 75), (75, 75), (77, 77), (78, 78)])
def test_a_failure_keeps_its_meaning(exit_code: int, ours: int) -> None:
    """A script sees the same code as the task's container."""
    with pytest.raises(EndingError, match=f"exited with {exit_code}") as caught:
        migrate(MemoryAccount(RUNNING, stopped(exit_code)))

    assert (caught.value.exit_code, caught.value.where) == (ours, ARN)
    assert caught.value.next_step


def test_a_task_that_does_not_start_has_its_reason() -> None:
    """Such as an image that cannot be pulled; there is no exit code."""
    reason = "CannotPullContainerError: not found"

    with pytest.raises(EndingError, match="did not start: CannotPullContainerError"):
        migrate(MemoryAccount(PENDING, stopped(None, reason)))


def test_a_task_that_takes_too_long_goes_on() -> None:
    """MySQL cannot roll back a schema change, so it is not stopped."""
    with pytest.raises(EndingError, match="RUNNING after 60 s; it goes on") as caught:
        migrate(MemoryAccount(RUNNING), never)

    assert caught.value.exit_code == 75


def test_an_interruption_names_the_task_that_goes_on() -> None:
    """Ctrl-C ends the waiting only."""

    def interrupted(_seconds: float) -> Callable[[], bool]:
        def pause() -> bool:
            raise StoppedError(2)

        return pause

    with pytest.raises(StoppedError, match=ARN):
        migrate(MemoryAccount(RUNNING), interrupted)


def test_without_a_service_nothing_is_started() -> None:
    """The migration uses the image, the network and the capacity of the workers."""
    account = MemoryAccount()
    account.container = None

    with pytest.raises(ConfigurationError, match="does not exist") as caught:
        migrate(account)

    assert caught.value.next_step == "gradectl apply dev creates it"
    assert account.started == []
