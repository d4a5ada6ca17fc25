"""Arguments and options that several commands of `gradectl queue` share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from gradectl.commands.arguments import checked_queue, complete_queue
from gradectl.errors import UsageError
from gradectl.monitoring.log_lines import seconds_of
from gradectl.queues.selection import Selection
from grader.contract.names import DEAD_LETTER_QUEUE, TransportName
from grader.contract.verdicts import ErrorCode

#: Messages that are received from a queue of Amazon SQS and held, unless --limit says otherwise.
MOST_HELD = 10_000

_Function = TypeVar("_Function", bound=Callable[..., Any])


#: [QUEUE], for commands on dead letters.
dead_letters_argument = click.argument(
    "name",
    metavar="[QUEUE]",
    default=DEAD_LETTER_QUEUE,
    callback=checked_queue,
    shell_complete=complete_queue,
    help=f"Queue of dead letters; default: {DEAD_LETTER_QUEUE}.",
)


def to_option(text: str, *, required: bool = False) -> Callable[[_Function], _Function]:
    """Add the option --to QUEUE."""
    return click.option(
        "--to",
        metavar="QUEUE",
        required=required,
        callback=_checked_if_any,
        shell_complete=complete_queue,
        help=text,
    )


def _checked_if_any(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    return None if value is None else checked_queue(ctx, param, value)


def _transport(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,  # noqa: ARG001 - click's signature
    value: str | None,
) -> TransportName | None:
    return None if value is None else TransportName(value)


#: --transport, for an environment that changes its transport.
transport_option = click.option(
    "--transport",
    type=click.Choice([each.value for each in TransportName]),
    callback=_transport,
    help="Queues of this transport, where both exist during a change; default: the active one.",
)

#: --limit, for commands that read a queue before they change it.
limit_option = click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Read at most so many messages; default: all, and {MOST_HELD} with Amazon SQS.",
)

#: --rate, for commands that move many messages.
rate_option = click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="At most so many messages a second; default: as fast as the broker.",
)


#: The options of `selection_options`, in the order of the help.
_SELECTION = (
    click.option("--id", "ids", multiple=True, metavar="ID", help="A message id; repeatable."),
    click.option(
        "--where",
        default="",
        metavar="EXPR",
        help="JMESPath over reason_code, age_seconds, request_id, original_queue, headers,"
        " body and others, such as: body.language == 'python'",
    ),
    click.option(
        "--reason",
        "reasons",
        multiple=True,
        metavar="CODE",
        help="Reason code of dead letters, such as INTERNAL_ERROR; repeatable.",
    ),
    click.option("--older-than", metavar="SPAN", help="Smallest age, such as 30s, 10m, 2h or 1d."),
    click.option(
        "--max",
        "most",
        type=click.IntRange(min=1),
        metavar="N",
        help="At most so many messages, the oldest first.",
    ),
)


def selection_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options that select messages, passed as one `Selection`."""

    @wraps(function)
    def with_selection(
        *args: object,
        ids: tuple[str, ...],
        where: str,
        reasons: tuple[str, ...],
        older_than: str | None,
        most: int | None,
        **others: object,
    ) -> int:
        selection = Selection(
            ids=frozenset(ids),
            where=where,
            older_than_seconds=_seconds(older_than) if older_than else None,
            reasons=_known_reasons(reasons),
            most=most,
        )
        return function(*args, selection=selection, **others)

    selecting: Callable[..., int] = with_selection
    for option in reversed(_SELECTION):
        selecting = option(selecting)
    return selecting


def _known_reasons(reasons: tuple[str, ...]) -> frozenset[str]:
    """Check reason codes."""
    unknown = sorted(set(reasons) - set(ErrorCode))
    if unknown:
        raise UsageError(
            f"not a reason code: {', '.join(unknown)}",
            where="--reason",
            next_step=f"use one of {', '.join(ErrorCode)}",
        )
    return frozenset(reasons)


def _seconds(span: str) -> float:
    """Parse a span of time."""
    found = seconds_of(span)
    if found is None:
        text = f"{span!r} is not a span of time"
        raise UsageError(text, where="--older-than", next_step="write 30s, 10m, 2h or 1d")
    return float(found)
