"""Migrates the database and sets up its users, as a one-off task in the VPC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.models import ServiceContainer, TaskState
from gradectl.adapters.aws.tasks import OneOffTask
from gradectl.environment import Environment
from gradectl.errors import (
    ConfigurationError,
    EndingError,
    GradectlError,
    PermissionDeniedError,
    TryAgainError,
)
from gradectl.monitoring.names import ResourceNames
from gradectl.rollouts.polling import MakePause, pauses
from gradectl.ui import Ui
from grader.contract.names import parameter_name

_LAST_LINES = 20
_APP_KEYS = ("username", "password")
#: Exit code of `grader` -> the error to raise, and its next step.
_ERRORS: dict[int, tuple[type[GradectlError], str]] = {
    69: (TryAgainError, "check that the database runs, and that the task can reach it"),
    75: (TryAgainError, "the log has the error of the database; run it again"),
    77: (
        PermissionDeniedError,
        "compare the login in SSM with the database: gradectl secrets list",
    ),
    78: (ConfigurationError, "the log names the wrong value; correct it and run it again"),
}


@dataclass(frozen=True)
class Migration:
    """
    A migration that is ready to start.

    Attributes:
        task: The task.
        container: The worker container, whose image it uses.
        application_user: Whether it also sets up the application user.
    """

    task: OneOffTask
    container: ServiceContainer
    application_user: bool

    @property
    def command(self) -> str:
        """Its command line."""
        return " ".join(self.task.command)


@dataclass(frozen=True)
class MigrationResult:
    """A migration that succeeded, with the end of its log."""

    task_arn: str
    command: str
    application_user: bool
    lines: tuple[str, ...]


def plan_migration(aws: Aws, environment: Environment) -> Migration:
    """
    Decide what to run; reads only.

    Where SSM has a login for the application user, `grader database-user` migrates the schema and
    sets up that user, in the role that may read both logins; also the user of the API, where SSM
    has a login for it. Else `grader migrate` runs in the role of the workers.

    Args:
        aws: The account.
        environment: The environment.

    Raises:
        ConfigurationError: The service of the workers does not exist.
    """
    names = ResourceNames.of(environment)
    cluster, service = names.cluster, names.service
    container = aws.tasks.worker_container(cluster, service)
    if container is None:
        text = "the service of the workers does not exist, and the migration uses its image"
        hint = f"gradectl apply {environment.name} creates it"
        where = f"ECS service {cluster}/{service}"
        raise ConfigurationError(text, where=where, next_step=hint)
    login, reader = (
        [parameter_name(environment.name, part, key) for key in _APP_KEYS]
        for part in ("db-app", "db-web")
    )
    found = aws.parameter_store.describe([*login, *reader])
    if not found.keys() >= set(login):
        task = OneOffTask(cluster, service, ("grader", "migrate"))
        return Migration(task, container, application_user=False)
    administrator = [parameter_name(environment.name, "db", key) for key in _APP_KEYS]
    variables = {
        "DB_ADMIN_USERNAME_PARAM": administrator[0],
        "DB_ADMIN_PASSWORD_PARAM": administrator[1],
        "DB_USERNAME_PARAM": login[0],
        "DB_PASSWORD_PARAM": login[1],
    }
    if found.keys() >= set(reader):
        variables["DB_READER_USERNAME_PARAM"] = reader[0]
        variables["DB_READER_PASSWORD_PARAM"] = reader[1]
    partition, account_id = container.task_definition.split(":")[1], aws.settings.account_id
    role = f"arn:{partition}:iam::{account_id}:role/{names.database_user_role}"
    task = OneOffTask(cluster, service, ("grader", "database-user"), variables, role)
    return Migration(task, container, application_user=True)


def migrate_database(
    aws: Aws,
    ui: Ui,
    migration: Migration,
    seconds: float,
    *,
    make_pause: MakePause = pauses,
) -> MigrationResult:
    """
    Run a migration and wait until its task has stopped.

    Args:
        aws: The account.
        ui: The terminal; the state of the task is printed when it changes.
        migration: From `plan_migration`.
        seconds: How long to wait. The task is not stopped afterwards: MySQL cannot roll back a
            schema change.
        make_pause: Makes the pauses between two polls.

    Raises:
        GradectlError: The task did not start, failed, or did not end in time; the error has its
            exit code, the reason and the end of its log.
    """
    ui.say(f"starting {migration.command} as a task of {migration.task.cluster}")
    arn = aws.tasks.run(migration.task, migration.container)
    try:
        state = _wait(aws, ui, migration, arn, make_pause(seconds))
    except EndingError as error:
        error.what += f"; the task goes on: {arn}"
        raise
    lines = _lines(aws, migration, arn)
    for line in lines:
        ui.say(f"  {line}")
    if not state.stopped:
        raise TryAgainError(
            f"the task is {state.status} after {seconds:.0f} s; it goes on",
            where=arn,
            next_step="wait for it: its last log lines are above; running this again is safe",
        )
    if state.exit_code != 0:
        raise _failure(migration, arn, state)
    return MigrationResult(arn, migration.command, migration.application_user, lines)


def _wait(aws: Aws, ui: Ui, migration: Migration, arn: str, pause: Callable[[], bool]) -> TaskState:
    """Poll until the task has stopped or the time is over."""
    shown = ""
    while True:
        state = aws.tasks.state(migration.task.cluster, arn, migration.container.name)
        if state.status != shown:
            ui.say(f"task {arn.rpartition('/')[2]}: {state.status.lower()}")
            shown = state.status
        if state.stopped or not pause():
            return state


def _lines(aws: Aws, migration: Migration, arn: str) -> tuple[str, ...]:
    """The end of the task's log."""
    log = migration.container.log
    return tuple(aws.tasks.last_lines(log, arn, _LAST_LINES)) if log else ()


def _failure(migration: Migration, arn: str, state: TaskState) -> GradectlError:
    """The error of a task that did not succeed."""
    if state.exit_code is None:
        text = f"the task did not start: {state.reason or 'ECS gives no reason'}"
        hint = "fix the cause: image, execution role, or the route to ECR, SSM and the logs"
        return GradectlError(text, where=arn, next_step=hint)
    kind, hint = _ERRORS.get(state.exit_code, (GradectlError, "the log has the cause"))
    reason = f": {state.reason}" if state.reason else ""
    text = f"{migration.command} exited with {state.exit_code}{reason}"
    return kind(text, where=arn, next_step=hint)
