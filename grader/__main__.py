"""The command line of what runs in the cloud: `grader worker`, `languages` and the others."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version as distribution_version
from typing import Any

import click
from pydantic_settings import BaseSettings

from grader.commands.database_user import make_database_user
from grader.commands.languages import as_json, as_table, inspect_machine
from grader.errors import GraderError, SelfTestError
from grader.handlers import find_handler
from grader.judge.languages_check import State
from grader.logs import Logger, Redactor, forward_standard_logging, make_logger
from grader.settings import (
    DatabaseSettings,
    DatabaseUserSettings,
    HealthSettings,
    LogSettings,
    SandboxSettings,
    WorkerSettings,
    explain,
    load,
)
from grader.worker.health import Health, ask
from grader.worker.retry import Retrier
from grader.worker.shutdown import run_until_told
from grader.worker.worker import Worker, open_jobs, read_parameters

_USAGE = 64  # sysexits.h, as gradectl has it


class _Program(click.Group):
    """All commands; a command line that makes no sense ends with 64, and not with click's own 2."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - the signature of what is overridden
    ) -> click.Context:
        """Understand what stands before the command."""
        with _usage_is_told():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Understand the command, and run it."""
        with _usage_is_told():
            return super().invoke(ctx)


@contextmanager
def _usage_is_told() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        error.show()
        raise click.exceptions.Exit(_USAGE) from error


class _SettingsCommand(click.Command):
    """A command that is configured by environment variables, which its help explains."""

    settings: type[BaseSettings] = WorkerSettings

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of variables."""
        super().format_epilog(ctx, formatter)
        rows = [
            (name, f"{meaning} [{f'default: {default}' if default else 'required'}]")
            for name, default, meaning in explain(self.settings)
        ]
        with formatter.section("Environment variables"):
            formatter.write_dl(rows)


class _DatabaseUserCommand(_SettingsCommand):
    """The same with the variables of that command."""

    settings = DatabaseUserSettings


@click.group(cls=_Program)
def main() -> None:
    """Grade what the queue brings."""


@main.command(cls=_SettingsCommand)
def worker() -> None:
    """
    HandlerSpec on requests until told to stop.

    SIGTERM lets a running request finish and exits with 0; a second one, or the end of
    DRAIN_SECONDS, does not wait and exits with 143.
    """
    redactor = Redactor()
    log = _logger(redactor)
    try:
        settings = load(WorkerSettings)
        work = Worker(settings, find_handler(settings.job_handler), log, redactor)
        status = run_until_told(work.run, drain_seconds=settings.drain_seconds, log=log)
    except GraderError as error:
        _fail(error, log)
    sys.exit(status)


@main.command()
def migrate() -> None:
    """Bring the database schema up to date; the worker does the same at its start."""
    redactor = Redactor()
    log = _logger(redactor)

    def body(stopping: threading.Event) -> None:
        retrier = Retrier(stopping, Health(), log)
        parameters = read_parameters(load(DatabaseSettings), retrier, redactor)
        open_jobs(parameters, retrier, connections=1)
        log.info("Schema is up to date")

    try:
        status = run_until_told(body, drain_seconds=0, log=log)
    except GraderError as error:
        _fail(error, log)
    sys.exit(status)


@main.command(name="database-user", cls=_DatabaseUserCommand)
@click.option("--iam", is_flag=True, help="The user logs in by a token of IAM (RDS MySQL only).")
def database_user(*, iam: bool) -> None:
    """
    Make the application's user of the database, or set right what is wrong with it.

    As the administrator: brings the schema up to date, sets the user's password, lets it in by TLS
    only, and gives it SELECT, INSERT, UPDATE and DELETE on the schema and nothing else.  May be run
    again at any time; what is right is left alone.
    """
    redactor = Redactor()
    log = _logger(redactor)

    def body(stopping: threading.Event) -> None:
        retrier = Retrier(stopping, Health(), log)
        settings = load(DatabaseUserSettings)
        make_database_user(settings, by_iam=iam, retrier=retrier, redactor=redactor)

    try:
        status = run_until_told(body, drain_seconds=0, log=log)
    except GraderError as error:
        _fail(error, log)
    sys.exit(status)


@main.command()
def health() -> None:
    """Ask the worker of this container whether it is well; exits with 1 when not."""
    try:
        port = load(HealthSettings).health_port
    except GraderError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    good, page = ask(port)
    click.echo(page)
    sys.exit(0 if good else 1)


@main.command()
@click.option(
    "--output", type=click.Choice(["table", "json"]), default="table", help="How to show them."
)
def languages(output: str) -> None:
    """
    List the languages with their versions, and try out each that is installed.

    LAUNCHER_PATH says where the sandbox is, LANGUAGES which ones to try; without a sandbox none is
    tried.  Exits with 4 when one is broken.
    """
    try:
        conditions, untested = inspect_machine(load(SandboxSettings))
    except GraderError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    click.echo((as_json if output == "json" else as_table)(conditions))
    if untested:
        click.echo(untested, err=True)
    broken = any(one.state is State.BROKEN for one in conditions)
    sys.exit(SelfTestError.exit_code if broken else 0)


@main.command()
def version() -> None:
    """Say which version this is."""
    click.echo(distribution_version("gradectl"))


def _logger(redactor: Redactor) -> Logger:
    try:
        settings = load(LogSettings)
    except GraderError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    log = make_logger(settings.log_format, settings.log_level, redactor=redactor)
    forward_standard_logging(log)
    return log


def _fail(error: GraderError, log: Logger) -> None:
    log.error(str(error))
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
