"""Command line of the worker image: `grader worker`, `migrate`, `languages` and others."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version as distribution_version
from typing import Any, NoReturn

import click
from pydantic_settings import BaseSettings

from grader.commands.database_user import make_database_user
from grader.commands.languages import as_json, as_table, inspect_machine
from grader.commands.webhooks import send_webhooks, try_webhook
from grader.errors import GraderError, SelfTestError, SettingsError
from grader.handlers import find_handlers
from grader.judge.languages_check import State
from grader.logs import Logger, Redactor, forward_standard_logging, make_logger
from grader.settings import (
    ApiSettings,
    DatabaseSettings,
    DatabaseUserSettings,
    HealthSettings,
    LogSettings,
    SandboxSettings,
    WebhookSenderSettings,
    WebhookTestSettings,
    WorkerSettings,
    explain,
    load,
)
from grader.worker.health import Health
from grader.worker.probe import query
from grader.worker.retry import Retrier
from grader.worker.shutdown import run_until_signal
from grader.worker.worker import Worker, open_jobs, read_parameters

_USAGE = 64  # EX_USAGE of sysexits.h, as in gradectl
_INTERRUPTED = 130
_API_DRAIN_SECONDS = 28
_WEBHOOKS_DRAIN_SECONDS = 5


class _Program(click.Group):
    """Exits with 64 on usage errors, instead of click's 2."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - signature of the base class
    ) -> click.Context:
        """Parse the options before the command."""
        with _usage_errors():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Parse the command and run it."""
        with _usage_errors():
            return super().invoke(ctx)


@contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        error.show()
        raise click.exceptions.Exit(_USAGE) from error


class _SettingsCommand(click.Command):
    """A command configured by environment variables, which its help lists."""

    settings: type[BaseSettings] = WorkerSettings

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of environment variables."""
        super().format_epilog(ctx, formatter)
        fields = self.settings.model_fields
        notes = {
            name: "required" if fields[name.lower()].is_required() else f"default: {default}"
            for name, default, _ in explain(self.settings)
            if default or fields[name.lower()].is_required()
        }
        rows = [
            (name, f"{meaning} [{notes[name]}]" if name in notes else meaning)
            for name, _, meaning in explain(self.settings)
        ]
        with formatter.section("Environment variables"):
            formatter.write_dl(rows)


class _WebhooksCommand(_SettingsCommand):
    """Lists the variables of `grader webhooks`."""

    settings = WebhookSenderSettings


class _WebhookTestCommand(_SettingsCommand):
    """Lists the variables of `grader webhook-test`."""

    settings = WebhookTestSettings


class _DatabaseUserCommand(_SettingsCommand):
    """Lists the variables of `grader database-user`."""

    settings = DatabaseUserSettings


class _ApiCommand(_SettingsCommand):
    """Lists the variables of `grader api`."""

    settings = ApiSettings


@click.group(cls=_Program)
def main() -> None:
    """Run the grading worker and its tools."""


@main.command(cls=_SettingsCommand)
def worker() -> None:
    """
    Process requests until SIGTERM.

    On SIGTERM the running requests finish and the exit code is 0. A second SIGTERM, or the end of
    DRAIN_SECONDS, ends the worker at once with 143; its requests are given back and delivered to
    another worker, and the interrupted attempts do not count.
    """
    redactor = Redactor()
    log = _logger(redactor)
    try:
        settings = load(WorkerSettings)
        work = Worker(settings, find_handlers(settings.job_handler), log, redactor)
        status = run_until_signal(
            work.run, drain_seconds=settings.drain_seconds, log=log, leave=work.give_back
        )
    except GraderError as error:
        _fail(error, log)
    sys.exit(status)


@main.command(cls=_ApiCommand)
def api() -> None:
    """
    Serve the HTTP API and its page until SIGTERM.

    It keeps no state: any number of processes may run behind a load balancer. On SIGTERM it accepts
    no new connection, answers the callers that wait with 202, ends the event streams, whose clients
    connect again, and exits with 0. A second SIGTERM, or 28 seconds, ends it at once with 143.
    """
    redactor = Redactor()
    log = _logger(redactor)
    try:
        server = import_module("grader.api.server")
    except ModuleNotFoundError as error:
        missing = f"{error.name} is not installed"
        _fail(SettingsError(missing, next_step="install gradectl[api]"), log)
    try:
        settings = load(ApiSettings)
        status = run_until_signal(
            lambda stopping: server.serve(settings, log, redactor, stopping),
            drain_seconds=_API_DRAIN_SECONDS,
            log=log,
        )
    except GraderError as error:
        _fail(error, log)
    sys.exit(status)


@main.command()
def migrate() -> None:
    """Migrate the database schema to the newest version; a worker does the same at start."""
    redactor = Redactor()
    log = _logger(redactor)

    def body(stopping: threading.Event) -> None:
        retrier = Retrier(stopping, Health(), log)
        parameters = read_parameters(load(DatabaseSettings), retrier, redactor)
        open_jobs(parameters, retrier, connections=1)
        log.info("Schema is up to date")

    try:
        status = run_until_signal(body, drain_seconds=0, log=log)
    except GraderError as error:
        _fail(error, log)
    sys.exit(status)


@main.command(name="database-user", cls=_DatabaseUserCommand)
@click.option("--iam", is_flag=True, help="The user logs in with an IAM token (RDS MySQL only).")
def database_user(*, iam: bool) -> None:
    """
    Create or correct the database users of the worker and of the API.

    Logs in as the administrator, migrates the schema, sets the users' passwords, and requires TLS.
    The worker's user gets SELECT, INSERT, UPDATE and DELETE on the schema and nothing else; that of
    the API, if DB_READER_USERNAME_PARAM is set, only SELECT on the tables that it shows. Safe to
    run again: it changes only what differs.
    """
    redactor = Redactor()
    log = _logger(redactor)

    def body(stopping: threading.Event) -> None:
        retrier = Retrier(stopping, Health(), log)
        settings = load(DatabaseUserSettings)
        make_database_user(settings, by_iam=iam, retrier=retrier, redactor=redactor)

    try:
        status = run_until_signal(body, drain_seconds=0, log=log)
    except GraderError as error:
        _fail(error, log)
    sys.exit(status)


@main.command(cls=_WebhooksCommand)
def webhooks() -> None:
    """
    Send webhooks until SIGTERM, where the workers may not reach the receivers.

    Any number of these processes share the work, also with workers that have WEBHOOKS_ENABLED. A
    webhook that was being sent at the end is sent again by another one.
    """
    redactor = Redactor()
    log = _logger(redactor)

    def body(stopping: threading.Event) -> None:
        send_webhooks(load(WebhookSenderSettings), stopping, log, redactor)

    try:
        status = run_until_signal(body, drain_seconds=_WEBHOOKS_DRAIN_SECONDS, log=log)
    except GraderError as error:
        _fail(error, log)
    sys.exit(status)


@main.command(name="webhook-test", cls=_WebhookTestCommand)
@click.argument("url")
def webhook_test(url: str) -> None:
    """
    Send a signed test event to URL, and report each step.

    It is judged, resolved and connected to as a webhook is, from this machine: localhost is this
    machine. Exits with 0 if the receiver answers 2xx, else with 1.
    """
    redactor = Redactor()
    try:
        report = try_webhook(load(WebhookTestSettings), url, redactor)
    except GraderError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    for line in report.lines:
        click.echo(line)
    sys.exit(0 if report.succeeded else 1)


@main.command()
def health() -> None:
    """Query the health page of the worker in this container; exits with 1 if unhealthy."""
    try:
        port = load(HealthSettings).health_port
    except GraderError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    good, page = query(port)
    click.echo(page)
    sys.exit(0 if good else 1)


@main.command()
@click.option(
    "--output", type=click.Choice(["table", "json"]), default="table", help="Output format."
)
def languages(output: str) -> None:
    """
    List the languages with their versions, and test each installed one.

    LAUNCHER_PATH is the path of the sandbox launcher, LANGUAGES selects languages. Without a
    sandbox no language is tested. Exits with 4 if a language is broken.
    """
    try:
        statuses, untested = inspect_machine(load(SandboxSettings))
    except GraderError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        click.echo("error: stopped by SIGINT", err=True)
        sys.exit(_INTERRUPTED)
    click.echo((as_json if output == "json" else as_table)(statuses))
    if untested:
        click.echo(untested, err=True)
    broken = any(one.state is State.BROKEN for one in statuses)
    sys.exit(SelfTestError.exit_code if broken else 0)


@main.command()
def version() -> None:
    """Print the version."""
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


def _fail(error: GraderError, log: Logger) -> NoReturn:
    log.error(str(error))
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
