"""`gradectl queue`: inspect the queues without consuming messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.context import pass_context
from gradectl.errors import ExitCode, GradectlError
from gradectl.options import group
from gradectl.queues.hints import hints
from gradectl.queues.inspection import Inspection, QueueState, find_message, inspect, queue_states
from gradectl.queues.message_view import MessageView, age, decoded, pretty
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.contract.names import QUEUES
from grader.ports.messages import QueuedMessage

_LIST_COLUMNS = (
    *("queue", "waiting", "in flight", "consumers", "producers"),
    *("total in", "total out", "oldest"),
)
_INSPECT_COLUMNS = ("id", "age", "request", "about", "from", "attempt", "bytes")


@group("queue", epilog="Example: gradectl queue inspect grading-dlq")
def queue() -> None:
    """
    Inspect the queues without consuming messages.

    The environment is that of --environment or GRADECTL_ENVIRONMENT; without both, the one whose
    local stack is running. gradectl logs in as `operator` where the broker has this user, which may
    neither send messages nor create or delete queues.
    """


@queue.command("list", epilog="Example: gradectl queue list --environment local")
@environment_option
@pass_context(CloudContext)
def list_queues(app: CloudContext, environment: str | None) -> None:
    """Show the counters of each queue, with hints on problems."""
    target = select_environment(app, environment)
    with target.broker("operator") as broker:
        states = queue_states(broker.inspector)
    counters = {each.queue: each.counters for each in states}
    said = hints(counters, target.name, target.look_at)
    document = {
        "environment": target.name,
        "queues": [
            {**_counters(each), "hint": said[each.queue].text, "next": said[each.queue].next_step}
            for each in states
        ],
    }
    rows = [_cells(each) for each in states]
    app.ui.emit("queue-list", document, Table(_LIST_COLUMNS, rows, f"queues of {target.name}"))
    for name, hint in said.items():
        if hint.text:
            app.ui.say(f"{name}: {hint}", "yellow")


def _counters(state: QueueState) -> dict[str, Any]:
    """The counters of a queue for programs."""
    found = state.counters
    if found is None:
        return {"queue": state.queue, "exists": False}
    counters = asdict(found) | {"waiting": found.waiting, "oldest_seconds": state.oldest_seconds}
    return {"queue": state.queue, "exists": True, **counters}


def _cells(state: QueueState) -> list[object]:
    """The counters of a queue as a row."""
    found = state.counters
    if found is None:
        return [state.queue, *["-"] * (len(_LIST_COLUMNS) - 1)]
    oldest = "-" if state.oldest_seconds is None else age(state.oldest_seconds)
    numbers = (found.waiting, found.in_flight, found.consumers, found.producers)
    return [state.queue, *numbers, found.enqueued, found.dequeued, oldest]


def _complete_queue(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Complete with the standard queues; other names are allowed."""
    return [name for name in QUEUES if name.startswith(incomplete)]


@queue.command("inspect", epilog="Example: gradectl queue inspect grading-dlq --limit 20")
@click.argument(
    "name", metavar="QUEUE", shell_complete=_complete_queue, help="Name of a queue of the broker."
)
@environment_option
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stop after about this many messages; default: all.",
)
@click.option(
    "--message",
    "message_id",
    metavar="ID",
    help="Show headers and body of this message.",
)
@pass_context(CloudContext)
def inspect_queue(
    app: CloudContext,
    name: str,
    *,
    environment: str | None,
    limit: int | None,
    message_id: str | None,
) -> int:
    """
    Show the messages of QUEUE without consuming them.

    The output states how many of the queue's messages it contains. Exit code 3 when some could not
    be read.
    """
    target = select_environment(app, environment)
    with target.broker("operator") as broker:
        enough = None if message_id else limit
        found = inspect(broker.inspector, name, enough=enough)
    if found is None:
        raise GradectlError(
            f"queue {name!r} not found",
            where=f"broker of {target.name}",
            next_step=f"gradectl queue list -e {target.name}",
        )
    if message_id:
        _show_message(target, name, found, message_id)
    else:
        _show_messages(target, name, found, limit)
    if found.scan.complete or found.scan.stopped_early:
        return ExitCode.OK
    app.ui.warn("incomplete: too many messages have the same timestamp, or some were consumed")
    return ExitCode.PARTLY_DONE


def _show_messages(
    target: EnvironmentClient, name: str, found: Inspection, limit: int | None
) -> None:
    """Write one row for each message."""
    views = [MessageView.of(each, found.now_ms) for each in found.scan.messages[:limit]]
    rows = [
        [
            *(each.message_id, age(each.age_seconds), each.request_id, each.about),
            *(each.original_queue, each.attempt, each.size_bytes),
        ]
        for each in views
    ]
    document = {**_head(target, name, found), "messages": [asdict(each) for each in views]}
    table = Table(_INSPECT_COLUMNS, rows, f"{name} of {target.name}: {found.scan.summary}")
    target.app.ui.emit("queue-inspect", document, table)
    if views:
        example = (
            f"gradectl queue inspect {name} -e {target.name} --message '{views[0].message_id}'"
        )
        target.app.ui.say(f"next: {example}")


def _show_message(target: EnvironmentClient, name: str, found: Inspection, message_id: str) -> None:
    """Write headers and body of one message."""
    message = find_message(found, message_id)
    if message is None:
        raise GradectlError(
            f"message {message_id!r} not found; {found.scan.summary}",
            where=f"{name} in {target.name}",
            next_step=f"gradectl queue inspect {name} -e {target.name}",
        )
    view = MessageView.of(message, found.now_ms)
    document = {
        **_head(target, name, found),
        "message": {**asdict(view), "headers": _headers(message), "body": decoded(message.body)},
    }
    rows = [("age", age(view.age_seconds)), *_headers(message).items()]
    rows.append(("body", pretty(message.body)))
    title = f"{message_id} in {name}; {found.scan.summary}"
    target.app.ui.emit("queue-message", document, Table(("header", "value"), rows, title))


def _head(target: EnvironmentClient, name: str, found: Inspection) -> dict[str, Any]:
    """Queue, and how many of its messages were read."""
    scan = found.scan
    return {
        "environment": target.name,
        "queue": name,
        "seen": len(scan.messages),
        "size": scan.size,
        "complete": scan.complete,
    }


def _headers(message: QueuedMessage) -> Mapping[str, str]:
    """The headers in a fixed order."""
    return dict(sorted(message.headers.items()))
