"""`gradectl local`."""

from __future__ import annotations

import time

import click

from gradectl.context import AppContext, pass_context
from gradectl.errors import DeadlineError, UnreachableError
from gradectl.local import lifecycle
from gradectl.local.layout import StackLayout
from gradectl.local.lifecycle import ServiceStatus
from gradectl.local.stack import Stack, StackLocation, stack_directory
from gradectl.options import group
from gradectl.ui import Table

_DEFAULT_ENVIRONMENT = "local"
_SHORT = len("image sha256:") + 12


@group("local", epilog="Example: gradectl local up")
def local() -> None:
    """Run an emulated AWS account on this machine."""


@local.command("up", epilog="Example: gradectl local up")
@click.argument(
    "environment",
    default=_DEFAULT_ENVIRONMENT,
    help="Environment whose account is emulated; default: local.",
)
@pass_context(AppContext)
def up(app: AppContext, environment: str) -> None:
    """
    Start the emulated cloud, or show the one that is running.

    The control plane is ready when the command returns. The broker, the database, Redis and the
    tasks start when `gradectl apply` creates their services; SQS is part of the control plane.
    """
    found = app.environment(environment)
    directory = stack_directory(app.project_root, app.environ)
    location = StackLocation(
        directory,
        found.region,
        found.account_id,
        found.name,
        has_broker=found.has_broker,
        has_cache=found.has_cache,
    )
    if app.options.dry_run:
        _emit_dry_run(app, "local-up", f"would start a local stack in {directory}")
        return
    stack = lifecycle.up(location, app.environ)
    _show(app, stack)
    if stack.environment not in ("", found.name):
        app.ui.warn(
            f"this stack was started for {stack.environment}; for one without its resources:"
            f" gradectl local down, then gradectl local up {found.name}"
        )
    if not lifecycle.has_registry():
        app.ui.say(
            "no registry of images (docker-registry and htpasswd are not installed): workers run"
            " from the virtual environment of gradectl"
        )
    app.ui.say(f"next: gradectl bootstrap {environment}")


@local.command("down", epilog="Example: gradectl local down")
@pass_context(AppContext)
def down(app: AppContext) -> None:
    """Stop the emulated cloud and all its services; logs are kept."""
    directory = stack_directory(app.project_root, app.environ)
    if app.options.dry_run:
        _emit_dry_run(app, "local-down", f"would stop the stack in {directory}")
        return
    stopped = lifecycle.down(directory)
    document = {"stopped": stopped, "directory": str(directory)}
    text = "stopped" if stopped else "not running"
    app.ui.emit("local-down", document, Table(["local stack", "directory"], [[text, directory]]))


@local.command("status", epilog="Example: gradectl local status --wait 60")
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="First wait until all services run and all tasks are healthy.",
)
@pass_context(AppContext)
def status(app: AppContext, wait_seconds: float | None) -> None:
    """Show the services with their state, health and address."""
    stack = Stack.load(app.project_root)
    if stack is None:
        text = "the local stack is not running"
        raise UnreachableError(text, next_step="gradectl local up")
    if wait_seconds is not None:
        _wait(stack, wait_seconds)
    _show(app, stack)


def _emit_dry_run(app: AppContext, kind: str, text: str) -> None:
    app.ui.emit(kind, {"dry_run": True, "message": text}, Table(["dry run"], [[text]]))


def _wait(stack: Stack, seconds: float) -> None:
    """Wait until all services run and are healthy; raises `DeadlineError`."""
    deadline = time.monotonic() + seconds
    while not lifecycle.is_settled(stack, max(0, deadline - time.monotonic())):
        if time.monotonic() > deadline:
            text = f"not all services are running and healthy after {seconds:.0f} s"
            raise DeadlineError(text, next_step="gradectl local status")


def _show(app: AppContext, stack: Stack) -> None:
    layout = StackLayout(stack.directory)
    services = [
        ServiceStatus(
            name="control-plane",
            state="running",
            address=stack.endpoint_url,
            pid=stack.supervisor_pid,
            restarts=0,
            message="",
            health="",
            log_file=layout.control_plane_log,
        ),
        *lifecycle.services(stack),
    ]
    document = {
        "stack": {name: str(value) for name, value in vars(stack).items()},
        "services": [vars(each) for each in services],
    }
    columns = ["service", "state", "health", "pid", "address", "runs from"]
    rows = [
        [s.name, _state(s), s.health or "-", s.pid or "-", s.address, _short(s.source)]
        for s in services
    ]
    title = f"local stack, logs in {layout.control_plane_log.parent}"
    app.ui.emit("local-status", document, Table(columns, rows, title))
    for each in services:
        if each.message:
            app.ui.warn(f"{each.name}: {each.message}")
        elif each.state == "running" and each.health == "silent":
            app.ui.warn(f"{each.name}: its process runs, but does not answer; log: {each.log_file}")


def _short(source: str) -> str:
    """Shorten the digest of an image."""
    return f"{source[:_SHORT]}..." if source.startswith("image ") else source or "-"


def _state(service: ServiceStatus) -> str:
    """Return the state and, if not 0, the number of restarts."""
    return f"{service.state}, restarts: {service.restarts}" if service.restarts else service.state
