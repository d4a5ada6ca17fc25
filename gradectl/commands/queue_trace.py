"""`gradectl queue trace`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option, request_argument
from gradectl.context import pass_context
from gradectl.errors import ExitCode, GradectlError, UnreachableError
from gradectl.monitoring.environment_logs import open_logs
from gradectl.monitoring.log_lines import LogLine, without_time
from gradectl.monitoring.log_sources import request_lines
from gradectl.options import command
from gradectl.rollouts.polling import pauses
from gradectl.submissions.lookup import LookupResult, look_up
from gradectl.submissions.submitted import submitted_request
from gradectl.submissions.trace import Advice, Event, advice, earliest, story
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.contract.messages import GradingRequest
from grader.errors import GraderError
from grader.ports.jobs import JobRecord

_COLUMNS = ("time (UTC)", "where", "what")
#: Lines of the logs that are shown; `gradectl logs --request` shows all.
_MOST_LINES = 200
#: How long throttled calls are repeated.
_THROTTLED_SECONDS = 20.0
#: Where the search of the logs begins, before the first known time of the request.
_BEFORE = timedelta(minutes=15)
#: And without any such time.
_WITHOUT_TIME = timedelta(days=1)


@command("trace", epilog="Example: gradectl queue trace req_20240820120000_0f3c9a1b2c3d")
@request_argument
@environment_option
@pass_context(CloudContext)
def trace(app: CloudContext, request_id: str, *, environment: str | None) -> int:
    """
    Show everything that happened to REQUEST_ID, in the order of time.

    It reads the objects in the bucket, the row of the database, the messages in the queues, the
    delayed retries and the lines of the workers' logs, and ends with the present state and the next
    command. Times without milliseconds are known to the second only. It changes nothing. Exit code
    3 when a place could not be read, 1 when the request is not found, 69 when it is not found and
    not everything could be reached.
    """
    target = select_environment(app, environment)
    collected = _Collector(target, request_id)
    found = collected.look_up()
    request = collected.request()
    events = story(found, request, collected.lines(earliest(found, request)))
    unread = [*found.unreachable, *collected.unread, *map(str, found.partly_searched)]
    if not events and not found.is_known:
        return _nothing(target, found, unread)
    told = advice(found, target.name, datetime.now(UTC))
    _emit(target, found, events, told, unread)
    for text in unread:
        app.ui.warn(f"not read: {text}")
    return ExitCode.PARTLY_DONE if unread else ExitCode.OK


@dataclass
class _Collector:
    """Reads the places that may know a request, and notes those that cannot be read."""

    target: EnvironmentClient
    request_id: str
    unread: list[str] = field(default_factory=list)

    def look_up(self) -> LookupResult:
        """Look into the bucket, the database and the queues."""
        target = self.target
        return look_up(
            self.request_id,
            target.objects,
            target.jobs,
            lambda: target.broker("operator"),
            open_scheduler=target.broker,
            everywhere=True,
        )

    def request(self) -> GradingRequest | None:
        """Read what was submitted."""
        with self._noting("metadata.json"):
            return submitted_request(self.target.objects, self.request_id)
        return None

    def lines(self, since: datetime | None) -> list[Event]:
        """Read the lines of the workers' logs."""
        start = (since or datetime.now(UTC) - _WITHOUT_TIME) - _BEFORE
        target = self.target
        with self._noting("log"):
            pause = pauses(_THROTTLED_SECONDS)
            source = open_logs(target.app, target.environment, target.aws, pause)
            found = request_lines(source, self.request_id, int(start.timestamp() * 1000))
            lines = list(islice(found, _MOST_LINES + 1))
            if len(lines) > _MOST_LINES:
                hint = f"gradectl logs {target.name} --request {self.request_id}"
                self.unread.append(f"log: more than {_MOST_LINES} lines; all: {hint}")
            return [_event(line) for line in lines[:_MOST_LINES]]
        return []

    @contextmanager
    def _noting(self, place: str) -> Iterator[None]:
        """Note the error of the block as the reason why a place was not read."""
        try:
            yield
        except (GraderError, GradectlError) as error:
            self.unread.append(f"{place}: {error}")


def _event(line: LogLine) -> Event:
    at = datetime.fromtimestamp(line.at_ms / 1000, UTC)
    text = without_time(line.text.rstrip())
    return Event(at, f"log {line.task[-8:]}", text, is_exact=bool(line.at_ms % 1000))


def _nothing(target: EnvironmentClient, found: LookupResult, unread: Sequence[str]) -> int:
    """Say that nothing is known; `PARTLY_DONE` if it may be in the part of a queue not read."""
    what = f"request {found.request_id!r} not found"
    if found.unreachable:
        text = f"{what}, but not all sources could be reached"
        raise UnreachableError(text, where="\n".join(unread), next_step=target.look_at)
    if found.partly_searched:
        told = Advice(f"{what} in what was read")
        _emit(target, found, [], told, unread)
        return ExitCode.PARTLY_DONE
    raise GradectlError(
        what,
        where=f"bucket, database, queues and logs of {target.name}",
        next_step="check the id that gradectl submit printed, and the environment",
    )


def _emit(
    target: EnvironmentClient,
    found: LookupResult,
    events: Sequence[Event],
    told: Advice,
    unread: Sequence[str],
) -> None:
    """Write the story."""
    document = {
        "environment": target.name,
        "request_id": found.request_id,
        "state": told.state,
        "next_command": told.command,
        "events": [
            {
                "time": each.at.isoformat(timespec="milliseconds"),
                "exact": each.is_exact,
                "place": each.place,
                "text": each.text,
            }
            for each in events
        ],
        "row": _row(found.row),
        "messages": [
            {"queue": each.queue, "message_id": each.view.message_id} for each in found.messages
        ],
        "not_read": list(unread),
    }
    days = {each.at.date() for each in events}
    with_date = len(days) > 1
    rows = [(each.time(with_date=with_date), each.place, each.text) for each in events]
    end = f"now: {told.state}" + (f"\nnext: {told.command}" if told.command else "")
    day = f", on {days.pop()}" if len(days) == 1 else ""
    title = f"{found.request_id} in {target.name}{day}"
    target.app.ui.emit("queue-trace", document, Table(_COLUMNS, rows, title, end))


def _row(row: JobRecord | None) -> dict[str, Any] | None:
    """The row for programs, without its result."""
    if row is None:
        return None
    return {
        "status": row.status,
        "attempts": row.attempts,
        "worker_id": row.worker_id,
        "queue": row.queue,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "held_until": row.held_until,
    }
