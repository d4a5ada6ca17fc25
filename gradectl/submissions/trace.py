"""Lists the events of one request in the order of time, and says what to do next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gradectl.queues.transfer import redrives
from gradectl.submissions.lookup import LocatedMessage, LookupResult, is_graded_again, request_state
from gradectl.submissions.result_table import headline
from gradectl.submissions.submitted import SubmittedFields
from grader.contract.messages import JobResult
from grader.contract.names import (
    DEAD_LETTER_QUEUE,
    FIRST_SEEN_HEADER,
    REASON_HEADER,
    RESULTS_QUEUE,
)
from grader.contract.verdicts import Status
from grader.ports.jobs import JobRecord
from grader.ports.stores import ObjectInfo

_KINDS = {RESULTS_QUEUE: "result", DEAD_LETTER_QUEUE: "dead letter"}
#: The search of the logs begins so long before the first known time of the request,
_BEFORE = timedelta(minutes=15)
#: or without any such time, so long ago,
_WITHOUT_TIME = timedelta(days=1)
#: but no longer ago than this: a producer may name any time.
_LONGEST = timedelta(days=400)
#: The last moment of a second.
_REST_OF_SECOND = timedelta(milliseconds=999)


@dataclass(frozen=True)
class Event:
    """
    Something that happened, or will happen, to a request.

    Attributes:
        at: When, in UTC.
        place: The queue, service or task.
        text: What.
        is_exact: False if only the second is known.
    """

    at: datetime
    place: str
    text: str
    is_exact: bool = True

    def time(self, *, with_date: bool) -> str:
        """Format the time in one word, with milliseconds where they are known."""
        text = self.at.isoformat(timespec="milliseconds" if self.is_exact else "seconds")
        text = text.removesuffix("+00:00")
        return text if with_date else text.partition("T")[2]


@dataclass(frozen=True)
class Advice:
    """The present state of a request in one sentence, and the next command; empty for none."""

    state: str
    command: str = ""


def events_of(
    found: LookupResult, request: SubmittedFields | None, lines: Sequence[Event] = ()
) -> list[Event]:
    """
    Return what happened to a request, the oldest first.

    Producers write times too: an event at a time that no clock shows is left out.

    Args:
        found: Where it was found.
        request: What was asked for, if it is known.
        lines: Lines of the workers' logs. Of a second they come last, because a worker writes them
            after the step that they report.
    """
    events: list[Event] = []
    sent_at = request.timestamp if request else None
    if request and sent_at and (made := _moment(lambda: sent_at)):
        events.append(Event(made, "producer", request.summary, is_exact=False))
    events += [_stored(each, found) for each in found.objects if each.modified_at]
    events += _row_events(found.row) if found.row else []
    for message in found.messages:
        events += _message_events(message)
    moments = [(each.at, 0, each) for each in events]
    moments += [
        (each.at if each.is_exact else each.at + _REST_OF_SECOND, 1, each) for each in lines
    ]
    return [each for _, _, each in sorted(moments, key=lambda moment: moment[:2])]


def _stored(found: ObjectInfo, lookup: LookupResult) -> Event:
    folder, _, name = found.key.split("/", 2)
    what = f"{folder}: {name}, {found.size_bytes} bytes"
    if folder == "results" and name == "result.json" and lookup.result:
        what = f"{what}: {headline(lookup.result)}"
    moment = found.modified_at or datetime.min.replace(tzinfo=UTC)
    is_exact = bool(moment.microsecond)  # S3 lists whole seconds
    return Event(moment.astimezone(UTC), "bucket", what, is_exact)


def _row_events(row: JobRecord) -> list[Event]:
    """The first and the last claim, the end of the claim, and the result."""
    events = []
    is_running = row.held_until is not None
    if row.created_at and row.attempts and (row.attempts > 1 or not is_running):
        events.append(Event(row.created_at, "database", f"first claim, from {row.queue}"))
    if row.updated_at and not is_running:
        by = f" by {row.worker_id}" if row.worker_id else ""
        text = f"row {row.status}{by}, attempts: {row.attempts}"
        events.append(Event(row.updated_at, "database", text))
    if row.updated_at and is_running:
        by = f"claimed by {row.worker_id}" if row.worker_id else "claim released"
        text = f"{by}, attempt {row.attempts}, from {row.queue}"
        events.append(Event(row.updated_at, "database", text))
    if row.held_until and row.worker_id:
        events.append(Event(row.held_until, "database", "the claim ends if it is not renewed"))
    return events


def _message_events(located: LocatedMessage) -> list[Event]:
    """When a message was sent, and what its headers tell of the time before and after."""
    message, events = located.message, []
    if sent := _moment(lambda: datetime.fromtimestamp(message.timestamp_ms / 1000, UTC)):
        events.append(Event(sent, located.queue, _message_text(located)))
    delay = located.due_seconds
    if delay is not None and (due := _moment(lambda: _later(delay))):
        events.append(Event(due, located.queue, "the delayed message is due"))
    first = message.headers.get(FIRST_SEEN_HEADER, "")
    if first_seen := _moment(lambda: datetime.fromisoformat(first)):
        text = f"put off or dead-lettered for the first time, from {located.view.original_queue}"
        events.append(Event(first_seen, "worker", text, is_exact=False))
    return events


def _message_text(located: LocatedMessage) -> str:
    """Sum up a message that is in a queue, or will be."""
    view = located.view
    kind = _KINDS.get(located.queue, "request")
    delayed = "delayed " if located.due_seconds is not None else ""
    parts = [f"{delayed}{kind} sent: {view.about}"]
    if view.attempt:
        parts.append(f"attempts: {view.attempt}")
    reason = located.message.headers.get(REASON_HEADER, "")
    if reason and reason not in view.about:
        parts.append(reason)
    if count := redrives(located.message):
        parts.append(f"put back {count} time{'' if count == 1 else 's'}")
    return ", ".join(parts)


def _later(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def _moment(read: Callable[[], datetime]) -> datetime | None:
    """Read a time that anybody may have written; None if it is none, or has no time zone."""
    try:
        moment = read()
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError, OSError):  # the last of a time that the system cannot hold
        return None


def search_start(events: Sequence[Event], now: datetime) -> datetime:
    """Return where the search of the logs begins: shortly before the first of the other events."""
    first = min((each.at for each in events), default=now - _WITHOUT_TIME)
    return min(max(first, now - _LONGEST), now) - _BEFORE


def advice(found: LookupResult, environment: str, now: datetime) -> Advice:
    """
    Say where a request is now, and which command helps.

    Args:
        found: Where it was found.
        environment: Name of the environment, for commands.
        now: The present time, UTC.
    """
    option = f"-e {environment} {found.request_id}"
    if is_graded_again(found):
        return _unfinished(found, environment, now)
    dead = next((each for each in found.messages if each.queue == DEAD_LETTER_QUEUE), None)
    result = found.result or (found.row and found.row.result)
    if dead and not (result and result.status is Status.COMPLETED):
        return Advice(f"dead-lettered: {dead.view.about}", f"gradectl queue requeue {option}")
    if result and _may_be_buried(found, result):
        state = f"finished: {headline(result)}; its dead letter may be in {DEAD_LETTER_QUEUE}"
        return Advice(state, f"gradectl queue requeue {option}")
    if result:
        return Advice(f"finished: {headline(result)}", f"gradectl result {option}")
    return _unfinished(found, environment, now)


def _may_be_buried(found: LookupResult, result: JobResult) -> bool:
    """Whether a failed request may have a dead letter that cannot be searched."""
    return result.status is not Status.COMPLETED and any(
        each.queue == DEAD_LETTER_QUEUE and each.cannot_be_searched
        for each in found.partly_searched
    )


def _unfinished(found: LookupResult, environment: str, now: datetime) -> Advice:
    """Say whether somebody will go on with a request that has no result."""
    state, row = request_state(found), found.row
    waiting = [each for each in found.messages if each.queue not in _KINDS]
    if row and row.held_until and row.held_until >= now and row.worker_id:
        logs = f"gradectl logs {environment} --request {found.request_id} --follow"
        return Advice(f"{state}; {row.worker_id} has it", logs)
    if waiting:
        place = f"; its message is in {waiting[0].queue}" if row else ""
        return Advice(f"{state}{place}", f"gradectl queue list -e {environment}")
    if found.awaits_upload and not row:
        return Advice(state)
    if found.unreachable or found.partly_searched:
        return Advice(f"{state}; not every place could be read")
    requeue = f"gradectl queue requeue -e {environment} {found.request_id}"
    return Advice(f"{state}; it is in no queue" if row else state, requeue)
