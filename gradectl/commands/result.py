"""`gradectl result`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.context import pass_context
from gradectl.errors import ExitCode, GradectlError, UnreachableError
from gradectl.options import command
from gradectl.queues.message_view import age
from gradectl.submissions.lookup import LocatedMessage, LookupResult, look_up, request_state
from gradectl.submissions.result_table import result_rows
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.contract.messages import JobResult
from grader.ports.jobs import JobRecord


@command("result", epilog="Example: gradectl result req_20240820120000_0f3c9a1b2c3d")
@click.argument("request_id", help="Request id, as printed by gradectl submit.")
@environment_option
@pass_context(CloudContext)
def result(app: CloudContext, request_id: str, *, environment: str | None) -> int:
    """
    Show the result or the state of REQUEST_ID.

    It looks in the bucket, and in the database, the queues and the delayed retries if they can be
    reached. Exit code 1 when the request is not found, 69 when it is not found and not everything
    could be reached, 3 when it is not found and a queue could not be read to its end.
    """
    target = select_environment(app, environment)
    found = look_up(
        request_id,
        target.objects,
        target.jobs,
        lambda: target.broker("operator"),
        open_scheduler=target.broker,
    )
    for partly in found.partly_searched:
        app.ui.warn(f"not all messages were read: {partly}")
    if not found.is_known and (found.unreachable or not found.partly_searched):
        raise _not_found(found, target)
    for complaint in found.unreachable:
        app.ui.warn(f"not asked: {complaint}")
    title = f"{request_id} in {target.name}: {request_state(found)}"
    table = Table(("where", "what"), _rows(found), title)
    app.ui.emit("result", {"environment": target.name, **_document(found)}, table)
    is_partial = bool(found.partly_searched) and not (found.result or found.row or found.messages)
    return ExitCode.PARTLY_DONE if is_partial else ExitCode.OK


def _not_found(found: LookupResult, target: EnvironmentClient) -> GradectlError:
    """Say that there is nothing, or that this cannot be known now."""
    if found.unreachable:
        return UnreachableError(
            f"request {found.request_id!r} not found, but not all sources could be reached",
            where="\n".join(found.unreachable),
            next_step=target.look_at,
        )
    return GradectlError(
        f"request {found.request_id!r} not found",
        where=f"bucket, database and queues of {target.name}",
        next_step="check the id that gradectl submit printed, and the environment",
    )


def _rows(found: LookupResult) -> list[tuple[str, str]]:
    """Give each place a row, and each test case."""
    rows = result_rows(found.result) if found.result else [("bucket", "no result.json")]
    if found.row:
        rows.append(("database", _row_text(found.row)))
    rows += [(each.queue, _message_text(each)) for each in found.messages]
    return rows


def _row_text(row: JobRecord) -> str:
    """Summarise the row of the database."""
    worker = f", worker {row.worker_id}" if row.worker_id else ""
    changed = f", since {row.updated_at:%Y-%m-%d %H:%M:%S} UTC" if row.updated_at else ""
    origin = row.queue or "no queue"
    return f"{row.status}{changed}, attempts: {row.attempts}{worker}, from {origin}"


def _message_text(located: LocatedMessage) -> str:
    """Sum up a message that still lies in a queue."""
    due = located.due_seconds
    wait = "" if due is None else f"delayed, its next attempt is in {age(due)}: "
    view = located.view
    return f"{wait}{view.about} ({age(view.age_seconds)} old, {view.message_id})"


def _document(found: LookupResult) -> dict[str, Any]:
    """Give the findings to programs."""
    row = found.row
    return {
        "request_id": found.request_id,
        "state": request_state(found),
        "result": _plain(found.result),
        "row": row and {**asdict(row), "result": _plain(row.result)},
        "messages": [
            {"queue": each.queue, "due_seconds": each.due_seconds, **asdict(each.view)}
            for each in found.messages
        ],
        "not_asked": list(found.unreachable),
        "partly_searched": [
            {
                "queue": each.queue,
                "seen": each.scan.seen,
                "size": each.scan.size,
                "reason": each.scan.reason,
            }
            for each in found.partly_searched
        ],
    }


def _plain(result: JobResult | None) -> Any:  # noqa: ANN401 - whatever JSON holds
    """A result in the form of result.json."""
    return json.loads(result.to_json()) if result else None
