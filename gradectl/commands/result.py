"""`gradectl result`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict
from typing import Any, TypeVar

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.commands.request_lookup import not_found
from gradectl.context import pass_context
from gradectl.errors import ExitCode, GradectlError
from gradectl.job_table import jobs_of
from gradectl.options import command
from gradectl.queues.message_view import age
from gradectl.submissions.lookup import (
    LocatedMessage,
    LookupResult,
    look_up,
    not_searched,
    request_state,
)
from gradectl.submissions.result_table import result_rows
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.contract.messages import Grade, JobResult
from grader.errors import GraderError
from grader.ports.jobs import JobRecord

_COLUMNS = ("request", "state", "verdict", "score", "attempts", "messages in")
_Opened = TypeVar("_Opened")


@command("result", epilog="Example: gradectl result req_20240820120000_0f3c9a1b2c3d")
@click.argument(
    "request_ids",
    metavar="REQUEST_ID...",
    nargs=-1,
    required=True,
    help="Request ids, as printed by gradectl submit.",
)
@environment_option
@pass_context(CloudContext)
def result(app: CloudContext, request_ids: tuple[str, ...], *, environment: str | None) -> int:
    """
    Show the result or the state of each REQUEST_ID.

    It looks in the bucket, and in the database, the queues and the delayed retries if they can be
    reached. Queues of Amazon SQS cannot be searched; there, bucket and database answer. Exit code 1
    when a request is not found, 69 when it is not found and not everything could be reached, 3 when
    it is not found and a queue could not be read to its end. Of several requests it shows a line
    each.
    """
    target = select_environment(app, environment)
    with ExitStack() as stack:
        jobs = _kept_open(stack, lambda: jobs_of(target))
        broker = _kept_open(stack, lambda: target.broker("operator"))
        scheduler = _kept_open(stack, target.broker)
        results = [
            look_up(each, target.objects, jobs, broker, open_scheduler=scheduler)
            for each in dict.fromkeys(request_ids)
        ]
    return _show_one(target, results[0]) if len(results) == 1 else _show_all(target, results)


def _kept_open(
    stack: ExitStack, open_: Callable[[], AbstractContextManager[_Opened]]
) -> Callable[[], AbstractContextManager[_Opened]]:
    """Open a service at its first use and keep it, or its error, until the stack ends."""
    errors: list[GraderError | GradectlError] = []
    opened: list[_Opened] = []

    def again() -> AbstractContextManager[_Opened]:
        if not (opened or errors):
            try:
                opened.append(stack.enter_context(open_()))
            except (GraderError, GradectlError) as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return nullcontext(opened[0])

    return again


def _warn(target: EnvironmentClient, results: Sequence[LookupResult]) -> None:
    """Say what could not be looked at."""
    texts = [
        f"not all messages were read: {text}"
        for each in results
        for text in not_searched(each.partly_searched)
    ]
    texts += [f"not asked: {text}" for each in results for text in each.unreachable]
    for text in dict.fromkeys(texts):
        target.app.ui.warn(text)


def _show_one(target: EnvironmentClient, found: LookupResult) -> int:
    """Write everything about one request."""
    code = _exit_code(found)
    if code not in (ExitCode.OK, ExitCode.PARTLY_DONE):
        raise _not_found([found], target)
    _warn(target, [found])
    title = f"{found.request_id} in {target.name}: {request_state(found)}"
    table = Table(("where", "what"), _rows(found), title)
    target.app.ui.emit("result", {"environment": target.name, **_document(found)}, table)
    return code


def _show_all(target: EnvironmentClient, results: Sequence[LookupResult]) -> int:
    """Write a line for each request."""
    document = {"environment": target.name, "results": [_document(each) for each in results]}
    done = sum(each.result is not None for each in results)
    title = f"{done} of {len(results)} requests of {target.name} have a result"
    table = Table(_COLUMNS, [_line(each) for each in results], title)
    target.app.ui.emit("results", document, table)
    _warn(target, results)
    codes = [_exit_code(each) for each in results]
    missing = [each for each in results if _exit_code(each) not in (0, ExitCode.PARTLY_DONE)]
    if missing:
        raise _not_found(missing, target)
    return max(codes)


def _line(found: LookupResult) -> list[object]:
    """Sum up a request in one row."""
    grade = found.result.result if found.result else None
    verdict, score = (grade.verdict, grade.score) if isinstance(grade, Grade) else ("", "")
    if found.result and found.result.error:
        verdict = found.result.error.code
    queues = ", ".join(dict.fromkeys(each.queue for each in found.messages))
    state = request_state(found) if found.is_known else "not found"
    attempts = found.row.attempts if found.row else ""
    return [found.request_id, state, verdict, score, attempts, queues]


def _exit_code(found: LookupResult) -> int:
    """Say whether a request was found, and if not, whether everything was looked at."""
    if not found.is_known and (found.unreachable or not found.is_partial):
        return ExitCode.UNREACHABLE if found.unreachable else ExitCode.ERROR
    return ExitCode.PARTLY_DONE if found.is_partial else ExitCode.OK


def _not_found(results: Sequence[LookupResult], target: EnvironmentClient) -> GradectlError:
    """Say that there is nothing, or that this cannot be known now."""
    unreachable = dict.fromkeys(text for each in results for text in each.unreachable)
    return not_found(target, [each.request_id for each in results], list(unreachable))


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
