"""`gradectl queue trace`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option, request_argument
from gradectl.commands.request_lookup import look_everywhere, not_found
from gradectl.context import pass_context
from gradectl.errors import ExitCode, GradectlError
from gradectl.job_table import outbox_of
from gradectl.monitoring.environment_logs import open_logs
from gradectl.monitoring.log_lines import LogLine, without_time
from gradectl.monitoring.log_sources import request_lines
from gradectl.options import command
from gradectl.rollouts.polling import pauses
from gradectl.submissions.deliveries import delivery_events, delivery_row
from gradectl.submissions.lookup import LookupResult, not_searched
from gradectl.submissions.submitted import SubmittedFields, submitted_fields
from gradectl.submissions.trace import Advice, Event, advice, events_of, search_start
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.errors import GraderError
from grader.ports.jobs import JobRecord
from grader.ports.results import WebhookDelivery

_COLUMNS = ("time (UTC)", "where", "what")
#: Lines of the logs that are shown; `gradectl logs --request` shows all.
_MOST_LINES = 200
#: How long throttled calls are repeated.
_THROTTLED_SECONDS = 20.0


@command("trace", epilog="Example: gradectl queue trace req_20240820120000_0f3c9a1b2c3d")
@request_argument
@environment_option
@pass_context(CloudContext)
def trace(app: CloudContext, request_id: str, *, environment: str | None) -> int:
    """
    Show everything that happened to REQUEST_ID, in the order of time.

    It reads the objects in the bucket, the row of the database, the messages in the queues, the
    delayed retries, the webhooks and the lines of the workers' logs, and ends with the present
    state and the next command. Times without milliseconds are known to the second only. Queues of
    Amazon SQS cannot be searched: their messages are missing, and row and logs tell. It changes
    nothing. Exit code 3 when a place could not be read, 1 when the request is not found, 69 when it
    is not found and not everything could be reached.
    """
    target = select_environment(app, environment)
    collected = _Collector(target, request_id)
    found = look_everywhere(target, request_id)
    request = collected.request()
    start = search_start(events_of(found, request), datetime.now(UTC))
    webhooks = collected.webhooks(request)
    pushed = delivery_events(webhooks)
    events = events_of(found, request, [*pushed, *collected.lines(start)])
    unreachable = [*found.unreachable, *collected.unread]
    unread = [*unreachable, *not_searched(found.partly_searched)]
    next_advice = advice(found, target.name, datetime.now(UTC))
    if not found.is_known:
        if not events and (unreachable or not found.partly_searched):
            places = "bucket, database, queues and logs"
            raise not_found(target, [request_id], unread if unreachable else (), places)
        next_advice = Advice(_not_found_text(request_id, events, unreachable))
    _emit(_Trace(target, found, events, next_advice, unread, webhooks))
    for text in unread:
        app.ui.warn(f"not read: {text}")
    return ExitCode.PARTLY_DONE if unread else ExitCode.OK


@dataclass
class _Collector:
    """Reads metadata.json and the logs, and notes what cannot be read."""

    target: EnvironmentClient
    request_id: str
    unread: list[str] = field(default_factory=list)

    def request(self) -> SubmittedFields | None:
        """Read what was submitted."""
        with self._noting("metadata.json"):
            return submitted_fields(self.target.objects, self.request_id)
        return None

    def lines(self, start: datetime) -> list[Event]:
        """Read the lines of the workers' logs."""
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

    def webhooks(self, request: SubmittedFields | None) -> list[WebhookDelivery]:
        """Read the webhooks of the request, and of its batch."""
        with self._noting("webhooks"), outbox_of(self.target) as outbox:
            found = list(outbox.find(subject=self.request_id))
            if request is not None and request.batch_id:
                batch = outbox.find(subject=request.batch_id)
                # Another program may have a batch with the same id, for a URL of its own.
                found += [each for each in batch if each.url == request.webhook_url]
            return found
        return []

    @contextmanager
    def _noting(self, place: str) -> Iterator[None]:
        """Note the error of the block as the reason why a place was not read."""
        try:
            yield
        except (GraderError, GradectlError) as error:
            self.unread.append(f"{place}: {error}")


def _not_found_text(request_id: str, events: Sequence[Event], unreachable: Sequence[str]) -> str:
    if unreachable:
        return f"the place of request {request_id!r} is unknown: not every place could be read"
    where = ", except in logs and webhooks" if events else " in what was read"
    return f"request {request_id!r} not found{where}"


def _event(line: LogLine) -> Event:
    at = datetime.fromtimestamp(line.at_ms / 1000, UTC)
    text = without_time(line.text.rstrip())
    return Event(at, f"log {line.task[-8:]}", text, is_exact=bool(line.at_ms % 1000))


@dataclass(frozen=True)
class _Trace:
    target: EnvironmentClient
    found: LookupResult
    events: Sequence[Event]
    advice: Advice
    unread: Sequence[str]
    webhooks: Sequence[WebhookDelivery]


def _emit(trace: _Trace) -> None:
    """Write the events and the advice."""
    target, found, events, next_advice = trace.target, trace.found, trace.events, trace.advice
    document = {
        "environment": target.name,
        "request_id": found.request_id,
        "state": next_advice.state,
        "next_command": next_advice.command,
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
        "webhooks": [delivery_row(each) for each in trace.webhooks],
        "not_read": list(trace.unread),
    }
    days = {each.at.date() for each in events}
    with_date = len(days) > 1
    rows = [(each.time(with_date=with_date), each.place, each.text) for each in events]
    command = f"\nnext: {next_advice.command}" if next_advice.command else ""
    end = f"now: {next_advice.state}{command}"
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
