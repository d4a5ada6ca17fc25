"""Arguments that several commands share."""

from __future__ import annotations

import re
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from gradectl.environment import names
from gradectl.errors import UsageError
from gradectl.monitoring.names import API, WORKERS
from grader.contract.names import QUEUES

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:-]{0,254}")


def complete_environment(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Complete with the environments of the project around the working directory."""
    here = Path.cwd()
    found = {name for folder in (here, *here.parents) for name in names(folder)}
    return [CompletionItem(name) for name in sorted(found) if name.startswith(incomplete)]


#: ENVIRONMENT, with shell completion.
environment_argument = click.argument(
    "environment", shell_complete=complete_environment, help="Name of a folder in environments/."
)


#: --service, of an environment's ECS services.
service_option = click.option(
    "--service",
    type=click.Choice([WORKERS, API]),
    default=WORKERS,
    show_default=True,
    help="The workers, or the HTTP API.",
)


def complete_queue(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[str]:
    """Complete with the standard queues; other names are allowed."""
    return [name for name in QUEUES if name.startswith(incomplete)]


def checked_queue(ctx: click.Context, param: click.Parameter, name: str) -> str:  # noqa: ARG001 - click's signature
    """
    Return the name of one queue.

    Raises:
        UsageError: The broker would take it as a pattern or a list, or it cannot be a name.
    """
    if _QUEUE_NAME.fullmatch(name):
        return name
    raise UsageError(
        f"{name!r} is not the name of a queue: a name has only letters, digits and . _ - / :;"
        " patterns and lists are not supported",
        where="QUEUE",
        next_step="gradectl queue list shows the queues",
    )


#: QUEUE, with shell completion.
queue_argument = click.argument(
    "name",
    metavar="QUEUE",
    callback=checked_queue,
    shell_complete=complete_queue,
    help="Name of a queue, such as grading-requests.",
)


def checked_request(ctx: click.Context, param: click.Parameter, request_id: str) -> str:  # noqa: ARG001 - click's signature
    """Return a request id; raises `UsageError` for an empty one, such as of a variable not set."""
    if request_id.strip():
        return request_id
    raise UsageError(
        "the request id is empty",
        where="REQUEST_ID",
        next_step="gradectl submit and the API print the id of a request",
    )


#: REQUEST_ID, of commands about one request.
request_argument = click.argument(
    "request_id",
    metavar="REQUEST_ID",
    callback=checked_request,
    help="Request id, as printed by gradectl submit.",
)

#: --environment, for `gradectl.target.select_environment`.
environment_option = click.option(
    "-e",
    "--environment",
    envvar="GRADECTL_ENVIRONMENT",
    show_envvar=True,
    metavar="NAME",
    shell_complete=complete_environment,
    help="Environment to use; default: the one whose local stack is running.",
)

#: --reviewed, for commands that apply.
reviewed_option = click.option(
    "--reviewed",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Apply without a question, and only if the plan equals this reviewed one.",
)

#: --confirm, for commands that apply.
confirm_option = click.option(
    "--confirm", metavar="NAME", help="Name of the environment, required when data would be lost."
)

#: --allow-loss, for commands that apply.
allow_loss_option = click.option(
    "--allow-loss",
    multiple=True,
    metavar="ADDRESS",
    help="Resource whose data the policy lets go, besides those that it allows itself; repeatable.",
)

#: --lock-timeout, for commands that lock the state.
lock_timeout_option = click.option(
    "--lock-timeout",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the state lock of another run.",
)
