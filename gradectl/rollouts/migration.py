"""Migrates the database and sets up its users, as a one-off task in the VPC."""

from __future__ import annotations

from dataclasses import dataclass

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.models import ServiceContainer
from gradectl.adapters.aws.tasks import OneOffTask
from gradectl.environment import Environment
from gradectl.errors import (
    ConfigurationError,
    GradectlError,
    PermissionDeniedError,
    TryAgainError,
)
from gradectl.monitoring.names import ResourceNames
from gradectl.rollouts.one_off import OneOffRun, run_one_off
from gradectl.rollouts.polling import MakePause, pauses
from gradectl.ui import Ui
from grader.contract.names import parameter_name

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
    work = (migration.task, migration.container)
    done = run_one_off(aws, ui, work, seconds, make_pause=make_pause)
    if done.exit_code != 0:
        raise _failure(migration, done)
    return MigrationResult(done.task_arn, migration.command, migration.application_user, done.lines)


def _failure(migration: Migration, done: OneOffRun) -> GradectlError:
    """The error of a task that did not succeed."""
    kind, hint = _ERRORS.get(done.exit_code, (GradectlError, "the log has the cause"))
    reason = f": {done.reason}" if done.reason else ""
    text = f"{migration.command} exited with {done.exit_code}{reason}"
    return kind(text, where=done.task_arn, next_step=hint)
