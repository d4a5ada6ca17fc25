"""`gradectl queue inspect`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option, queue_argument
from gradectl.commands.queue_options import transport_option
from gradectl.commands.queue_transfer import no_queue
from gradectl.context import pass_context
from gradectl.errors import ExitCode, GradectlError, UsageError
from gradectl.job_table import jobs_of
from gradectl.options import command, seconds_left
from gradectl.queues.broker import Broker, Holder
from gradectl.queues.claims import Claims
from gradectl.queues.inspection import MOST_MESSAGES, Extent, held_queue, read_queue
from gradectl.queues.listing import GROUPS, MOST_SHOWN, Listing
from gradectl.queues.message_view import MessageView, age, decoded, pretty
from gradectl.queues.scan import ScanResult, StopReason
from gradectl.queues.selection import condition
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.contract.names import TransportName
from grader.errors import GraderError, SelectorError
from grader.ports.messages import QueuedMessage, QueueStatistics

_COLUMNS = ("id", "age", "request", "about", "from", "attempt", "bytes")
#: Longest text in the column `about`.
_LONGEST_ABOUT = 200
#: What remains of --timeout for the output.
_OUTPUT_SECONDS = 2.0
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class _Age(click.ParamType[float]):
    """An age such as 90s, 15m, 2h or 1d, as seconds."""

    name = "AGE"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Convert the text of the option."""
        try:
            return float(value[:-1]) * _UNITS[value[-1:]]
        except (KeyError, ValueError):
            self.fail(f"{value!r} is not an age such as 90s, 15m, 2h or 1d", param, ctx)


@dataclass(frozen=True)
class _Request:
    """What to read of which queue; `sample` is how many messages may be received for it."""

    target: EnvironmentClient
    queue: str
    extent: Extent
    where: str = ""
    sample: int | None = None

    def read(
        self, broker: Broker, counters: QueueStatistics, visit: Callable[[QueuedMessage], object]
    ) -> ScanResult:
        """Visit the messages that match; a refused selector is a mistake in the command line."""
        holds = condition(self.where)

        def visit_if(message: QueuedMessage) -> object:
            return holds(message, counters.taken_at_ms) and visit(message)

        if broker.holder:
            return self._receive(broker, broker.holder, visit_if)
        try:
            return read_queue(broker.inspector, counters, visit_if, self.extent)
        except SelectorError as error:
            text = f"the broker refuses the selector {self.extent.selector!r}"
            raise UsageError(text, where="--selector", next_step=_SELECTORS) from error

    def _receive(
        self, broker: Broker, holder: Holder, visit: Callable[[QueuedMessage], object]
    ) -> ScanResult:
        """Receive a sample, return it to its queue, and visit its messages."""
        most = self.sample or 1
        receipts = holder.most_receipts(self.queue)
        limit = f" (after {receipts} SQS makes a message a dead letter)" if receipts else ""
        self.target.app.ui.say(
            f"receiving at most {most} messages, which return to {self.queue} at once: meanwhile"
            f" they are hidden from other consumers, and the receipt of each is counted{limit}"
        )
        with held_queue(broker, holder, self.queue, most) as found:
            received = found
        if received is None:
            raise no_queue(self.target, self.queue)
        for message in received.messages:
            if visit(message) is True:
                break
        scan = received.scan
        is_sample = scan.reason is StopReason.LIMIT
        return replace(scan, reason=StopReason.RECEIVED) if is_sample else scan


_SELECTORS = "a selector is like: JMSCorrelationID = 'req_1' AND JMSPriority > 4"


@command("inspect", epilog="Example: gradectl queue inspect grading-dlq --since 1h --limit 20")
@queue_argument
@environment_option
@transport_option
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="With Amazon SQS, receive at most this many messages to show them, and return them at"
    " once; with ActiveMQ the same as --limit.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stop reading after about this many messages, the first by priority and age.",
)
@click.option(
    "--full",
    is_flag=True,
    help=f"Read more than {MOST_MESSAGES} messages; the broker keeps in memory what is read.",
)
@click.option("--since", type=_Age(), help="Only messages sent within this time, such as 15m.")
@click.option(
    "--selector",
    default="",
    metavar="EXPR",
    help="Only messages for which this expression holds; the broker evaluates it.",
)
@click.option(
    "--where",
    default="",
    metavar="EXPR",
    help="Only messages for which this JMESPath expression over headers, body and others holds,"
    " as for gradectl queue redrive; gradectl evaluates it.",
)
@click.option(
    "--group-by", type=click.Choice(list(GROUPS)), help="Count messages instead of listing them."
)
@click.option(
    "--id",
    "--message",
    "message_id",
    metavar="ID",
    help="Show headers and body of this message.",
)
@pass_context(CloudContext)
def inspect_queue(  # noqa: PLR0913 - one for each option
    app: CloudContext,
    name: str,
    *,
    environment: str | None,
    transport: TransportName | None,
    sample: int | None,
    limit: int | None,
    full: bool,
    since: float | None,
    selector: str,
    where: str,
    group_by: str | None,
    message_id: str | None,
) -> int:
    """
    Show the messages of QUEUE without consuming them.

    Without --limit all messages are read, and the 1000 oldest are listed. The output states how
    many of the queue's messages were read, and how many of these match --since, --selector and
    --where. Exit code 3 when some could not be read; the reason is shown. A broker keeps in memory
    what is read, so a very long queue is shown by sample. Messages in flight are marked with their
    worker by its claim in the database; the broker itself only counts them.

    Amazon SQS shows a message only by receiving it. Without --sample there are only counts. With it
    messages are received and returned: each is hidden from workers meanwhile, and each receipt is
    counted by the queue, whose redrive policy bounds them.
    """
    condition(where)  # refused before anything is opened
    limit = min(filter(None, (sample, limit)), default=None)
    extent = Extent(limit, None if full else MOST_MESSAGES, selector, _is_over)
    request = _Request(select_environment(app, environment, transport), name, extent, where, limit)
    target = request.target
    with target.broker("operator") as broker:
        counters = broker.inspector.statistics([name]).get(name)
        if counters is None:
            raise no_queue(target, name)
        if broker.holder:
            wanted = any((limit, since, where, group_by, message_id))
            _refuse_reading(target, name, selector, is_reading=wanted and not sample)
            if not sample:
                return _show_counts(target, counters)
        if message_id:
            scan = _show_message(request, broker, counters, message_id)
        else:
            since_ms = 0 if since is None else counters.taken_at_ms - int(since * 1000)
            listing = Listing(counters.taken_at_ms, since_ms, group_by, limit or MOST_SHOWN)
            scan = _list(request, broker, counters, listing)
    return _exit_code(target, scan)


def _exit_code(target: EnvironmentClient, scan: ScanResult) -> int:
    """Say whether all was read; a sample of SQS need not be all."""
    if scan.complete or scan.stopped_early or target.transport is TransportName.SQS:
        return ExitCode.OK
    target.app.ui.warn(scan.summary)
    return ExitCode.PARTLY_DONE


def _refuse_reading(
    target: EnvironmentClient, queue: str, selector: str, *, is_reading: bool
) -> None:
    """Refuse options that Amazon SQS cannot do, or not without --sample."""
    if selector:
        raise UsageError(
            "Amazon SQS has no selectors",
            where="--selector",
            next_step="use --where, which gradectl evaluates",
        )
    if is_reading:
        raise UsageError(
            "Amazon SQS shows a message only by receiving it",
            where=queue,
            next_step=f"{target.inspect_command(queue)} receives some and returns them",
        )


def _show_counts(target: EnvironmentClient, counters: QueueStatistics) -> int:
    """Write what is known without receiving a message."""
    scan = ScanResult(0, counters.size, reason=StopReason.RECEIVED if counters.size else None)
    document = {
        **_head(target, counters.queue, scan),
        "in_flight": counters.in_flight,
        "matched": 0,
        "messages": [],
    }
    counted = (
        f"{counters.waiting} waiting, {counters.in_flight} in flight, {counters.delayed or 0}"
        " delayed"
    )
    title = f"{counters.queue} of {target.name}: {counted}"
    target.app.ui.emit("queue-inspect", document, Table((), (), title))
    if counters.waiting:
        example = target.inspect_command(counters.queue)
        target.app.ui.say(f"next: {example} receives some, and returns them")
    return ExitCode.OK


def _is_over() -> bool:
    """Whether --timeout expires so soon that only the output can be written."""
    left = seconds_left()
    return left is not None and left < _OUTPUT_SECONDS


def _list(
    request: _Request, broker: Broker, counters: QueueStatistics, listing: Listing
) -> ScanResult:
    """Read the messages into a listing and write it."""
    claims = _claims(request, counters)

    def visit(message: QueuedMessage) -> None:
        claims.note(message)
        listing.add(message)

    scan = request.read(broker, counters, visit)
    _show_listing(request, scan, listing, claims)
    return scan


def _claims(request: _Request, counters: QueueStatistics) -> Claims:
    """Read which messages workers have claimed, if any message is in flight."""
    if not counters.in_flight or request.target.transport is TransportName.SQS:
        return Claims(counters.in_flight)  # SQS shows none of those in flight
    try:
        with jobs_of(request.target) as jobs:
            return Claims(counters.in_flight, jobs.claimed(request.queue))
    except (GradectlError, GraderError) as error:
        request.target.app.ui.warn(f"the messages in flight are not marked: {error.what}")
        return Claims(counters.in_flight)


def _show_listing(request: _Request, scan: ScanResult, listing: Listing, claims: Claims) -> None:
    """Write one row for each message, or for each group."""
    target, name = request.target, request.queue
    title = f"{name} of {target.name}: {scan.summary}"
    if claims.in_flight:
        title += f"; {claims.summary}"
    head = {**_head(target, name, scan), "in_flight": claims.in_flight}
    head["matched"] = listing.matched
    if listing.since_ms or request.extent.selector or request.where:
        title += f"; {listing.matched} match"
    if listing.group_by:
        groups = listing.groups.most_common()
        document = {
            **head,
            "group_by": listing.group_by,
            "groups": [{"group": group, "count": number} for group, number in groups],
        }
        rows: list[list[object]] = [[number, group or "-"] for group, number in groups]
        table = Table(("messages", listing.group_by), rows, title)
        target.app.ui.emit("queue-groups", document, table)
        return
    views = listing.views()
    if len(views) < listing.matched:
        title += f"; the {len(views)} oldest are listed"
    workers = claims.workers
    columns = (*_COLUMNS, "in flight at") if workers else _COLUMNS
    rows = [_row(view) for view in views]
    if workers:
        rows = [[*_row(view), workers.get(view.message_id, "")] for view in views]
    messages = [{**asdict(each), "in_flight_at": workers.get(each.message_id)} for each in views]
    document = {**head, "messages": messages}
    target.app.ui.emit("queue-inspect", document, Table(columns, rows, title))
    if views:
        example = target.inspect_command(name, sample=request.sample)
        target.app.ui.say(f"next: {example} --id '{views[0].message_id}'")


def _row(view: MessageView) -> list[object]:
    """Summarize a message on one line."""
    about = " ".join(view.about.split())
    if len(about) > _LONGEST_ABOUT:
        about = f"{about[:_LONGEST_ABOUT]}..."
    moved = (view.original_queue, view.attempt)
    return [view.message_id, age(view.age_seconds), view.request_id, about, *moved, view.size_bytes]


def _show_message(
    request: _Request, broker: Broker, counters: QueueStatistics, message_id: str
) -> ScanResult:
    """Write headers and body of one message."""
    target, name = request.target, request.queue
    found: list[QueuedMessage] = []

    def visit(message: QueuedMessage) -> bool:
        if message.message_id == message_id:
            found.append(message)
        return bool(found)

    scan = request.read(broker, counters, visit)
    if not found:
        raise GradectlError(
            f"message {message_id!r} not found; {scan.summary}",
            where=f"{name} in {target.name}",
            next_step=target.inspect_command(name, sample=request.sample),
        )
    (message,) = found
    view = MessageView.of(message, counters.taken_at_ms)
    headers = _headers(message)
    body = decoded(message.body)
    document = {
        **_head(target, name, scan),
        "message": {
            **asdict(view),
            "headers": headers,
            "body": body.content,
            "body_encoding": body.encoding,
        },
    }
    rows = [("age", age(view.age_seconds)), *headers.items()]
    title = f"{message_id} in {name}; {scan.summary}"
    table = Table(("header", "value"), rows, title, text=pretty(message.body))
    target.app.ui.emit("queue-message", document, table)
    return scan


def _head(target: EnvironmentClient, name: str, scan: ScanResult) -> dict[str, Any]:
    """Queue, and how many of its messages were read."""
    return {
        "environment": target.name,
        "queue": name,
        "seen": scan.seen,
        "size": scan.size,
        "complete": scan.complete,
        "reason": scan.reason,
    }


def _headers(message: QueuedMessage) -> Mapping[str, str]:
    """The headers in a fixed order."""
    return dict(sorted(message.headers.items()))
