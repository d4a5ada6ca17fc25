"""`gradectl db`: the database of an environment."""

from __future__ import annotations

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.context import pass_context
from gradectl.options import group
from gradectl.rollouts.migration import Migration, migrate_database, plan_migration
from gradectl.ui import Table


@group("db", epilog="Example: gradectl db migrate dev")
def db() -> None:
    """Migrate the database of an environment."""


@db.command("migrate", epilog="Example: gradectl db migrate dev")
@environment_argument
@click.option(
    "--wait-seconds",
    type=click.IntRange(min=1),
    default=900,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the task; it is not stopped afterwards.",
)
@pass_context(CloudContext)
def migrate(app: CloudContext, environment: str, *, wait_seconds: int) -> None:
    """
    Migrate the schema of ENVIRONMENT, and create or correct its application user.

    It runs in the network of the environment, as one task with the image of the workers: `grader
    database-user`, or `grader migrate` where the environment has no application user. Running it
    again changes only what differs.
    """
    found = app.environment(environment)
    app.announce(found)
    aws = app.aws(found)
    migration = plan_migration(aws, found)
    if app.options.dry_run:
        app.ui.say(f"would run {migration.command} as a task of {migration.task.cluster}")
        _emit(app, environment, migration, None, ())
        return
    done = migrate_database(aws, app.ui, migration, wait_seconds)
    _emit(app, environment, migration, done.task_arn, done.lines)


def _emit(
    app: CloudContext,
    environment: str,
    migration: Migration,
    task_arn: str | None,
    lines: tuple[str, ...],
) -> None:
    """Write the result."""
    document = {
        "environment": environment,
        "command": migration.command,
        "application_user": migration.application_user,
        "task_arn": task_arn,
        "exit_code": None if task_arn is None else 0,
        "log": list(lines),
    }
    done = "not run" if task_arn is None else "succeeded"
    app.ui.emit("db-migrate", document, Table((), (), f"{migration.command}: {done}"))
