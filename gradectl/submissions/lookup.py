"""Looks up a request in the bucket, the database and the queues."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from gradectl.errors import GradectlError
from gradectl.queues.broker import Broker, Inspector
from gradectl.queues.inspection import read_queue
from gradectl.queues.message_view import MessageView, age
from gradectl.queues.scan import ScanResult, StopReason
from gradectl.submissions.submitted import submitted_fields
from grader.client.results import stored_job_result
from grader.contract.messages import JobResult, readable_request_id
from grader.contract.names import PRIORITY_QUEUE, QUEUES, REQUESTS_QUEUE
from grader.contract.verdicts import Status
from grader.errors import GraderError, RequestError
from grader.ports.jobs import JobRecord, JobStore
from grader.ports.messages import QueuedMessage
from grader.ports.stores import ObjectInfo, ObjectStore

#: Delayed messages that are searched.
_MOST_DELAYED = 10_000
#: Objects of a request that are listed below each of its folders.
_MOST_OBJECTS = 100


@dataclass(frozen=True)
class LocatedMessage:
    """
    A message of the request, and the queue that holds it.

    A delayed message is added to the queue in `due_seconds`; None for one that is there.
    """

    queue: str
    message: QueuedMessage
    view: MessageView
    due_seconds: float | None = None


@dataclass(frozen=True)
class PartlySearched:
    """A queue that was not read to its end."""

    queue: str
    scan: ScanResult

    @property
    def cannot_be_searched(self) -> bool:
        """True for a queue of SQS, where only a consumer sees messages."""
        return self.scan.reason is StopReason.NO_BROWSING

    def __str__(self) -> str:
        """Return how much of it was seen, and why not all."""
        return f"{self.queue}: {self.scan.summary}"


def not_searched(parts: Sequence[PartlySearched]) -> list[str]:
    """Say how much of each queue was seen; one line for all queues of SQS."""
    sqs = [f"{each.scan.size} in {each.queue}" for each in parts if each.cannot_be_searched]
    lines = [str(each) for each in parts if not each.cannot_be_searched]
    if sqs:
        lines.append(f"Amazon SQS cannot be searched for a request; messages: {', '.join(sqs)}")
    return lines


@dataclass(frozen=True)
class LookupResult:
    """Everything found about a request; `unreachable` lists the sources that failed, and why."""

    request_id: str
    objects: tuple[ObjectInfo, ...]  # below submissions/ and results/
    result: JobResult | None  # from the bucket
    row: JobRecord | None  # from the database
    messages: tuple[LocatedMessage, ...]
    unreachable: tuple[str, ...]
    partly_searched: tuple[PartlySearched, ...] = ()
    awaits_upload: bool = False  # its client has not uploaded its program yet

    @property
    def submitted(self) -> bool:
        """True if an object exists below submissions/."""
        return any(each.key.startswith("submissions/") for each in self.objects)

    @property
    def is_known(self) -> bool:
        """True if any source has the request."""
        return bool(self.objects or self.result or self.row or self.messages)

    @property
    def is_partial(self) -> bool:
        """True if its place is unknown and may be in the part of a queue that was not read."""
        return bool(self.partly_searched) and not (self.result or self.row or self.messages)


def look_up(  # noqa: PLR0913 - one for each place
    request_id: str,
    store: ObjectStore,
    open_jobs: Callable[[], AbstractContextManager[JobStore]],
    open_broker: Callable[[], AbstractContextManager[Broker]],
    *,
    open_scheduler: Callable[[], AbstractContextManager[Broker]] | None = None,
    queues: Sequence[str] = QUEUES,
    everywhere: bool = False,
) -> LookupResult:
    """
    Look up a request in the bucket, the database, the queues and the delayed retries.

    What cannot be reached or searched, such as queues of SQS, is part of the result.

    Args:
        request_id: The request.
        store: The bucket.
        open_jobs: Opens the table of jobs.
        open_broker: Opens the queues.
        open_scheduler: Opens the broker as an administrator, who may read delayed messages.
        queues: The queues to search.
        everywhere: Search delayed retries also where another message or a result was found, and
            whole queues also for a request that failed.
    """
    unreachable: list[str] = []
    objects: list[ObjectInfo] = []
    result, row, awaits_upload = None, None, False
    with _noting("bucket", unreachable):
        for folder in ("submissions", "results"):
            objects += islice(store.list(f"{folder}/{request_id}/"), _MOST_OBJECTS)
        result = stored_job_result(store, request_id)
        awaits_upload = bool(objects) and _awaits_upload(store, request_id)
    with _noting("database", unreachable), open_jobs() as jobs:
        row = jobs.get(request_id)
    search = _Search(
        request_id, is_thorough=result is None or (everywhere and not _completed(result))
    )
    with _noting("broker", unreachable), open_broker() as broker:
        if broker.inspector.can_browse:
            for queue in queues:
                search.look_into(broker.inspector, queue)
        else:
            open_scheduler = None  # there, a retry is a message in flight
            search.count(broker.inspector, queues)
    if open_scheduler and (everywhere or not (result or search.messages)):
        with _noting("delayed retries", unreachable), open_scheduler() as broker:
            search.look_for_delayed(broker.inspector)
    places = (tuple(objects), result, row, tuple(search.messages))
    unread = (tuple(unreachable), tuple(search.partly))
    return LookupResult(request_id, *places, *unread, awaits_upload)


def _awaits_upload(store: ObjectStore, request_id: str) -> bool:
    try:
        fields = submitted_fields(store, request_id)
    except RequestError:  # not written by us
        return False
    return fields is not None and fields.awaiting_upload


def _completed(result: JobResult) -> bool:
    return result.status is Status.COMPLETED


@contextmanager
def _noting(source: str, unreachable: list[str]) -> Iterator[None]:
    """Add an error of the block to the sources that cannot be reached."""
    try:
        yield
    except (GraderError, GradectlError) as error:
        unreachable.append(f"{source}: {error}")


class _Search:
    """
    Looks for the messages of a request and keeps nothing else.

    Args:
        request_id: The request.
        is_thorough: Whether to read whole queues where the broker does not find it at once.
    """

    def __init__(self, request_id: str, *, is_thorough: bool) -> None:
        self._request_id = request_id
        self._is_thorough = is_thorough
        self.messages: list[LocatedMessage] = []
        self.partly: list[PartlySearched] = []

    def look_into(self, inspector: Inspector, queue: str) -> None:
        """
        Search one queue.

        Messages of this system have the request id as correlation id, by which the broker finds
        them at once among those that it holds in memory. Only then everything is read.
        """
        counters = inspector.statistics([queue]).get(queue)
        if counters is None or not counters.size:
            return
        now_ms = counters.taken_at_ms
        found: dict[str, LocatedMessage] = {}

        def visit(message: QueuedMessage) -> None:
            if self._is_ours(message):
                view = MessageView.of(message, now_ms)
                found[message.message_id] = LocatedMessage(queue, message, view)

        quoted = self._request_id.replace("'", "''")
        for message in inspector.browse(queue, f"JMSCorrelationID = '{quoted}'"):
            visit(message)
        if not found and self._is_thorough:
            scan = read_queue(inspector, counters, visit)
            if not (found or scan.complete):
                self.partly.append(PartlySearched(queue, scan))
        self.messages += found.values()

    def count(self, inspector: Inspector, queues: Sequence[str]) -> None:
        """Note which queues may hold the request, where messages cannot be searched."""
        if not self._is_thorough:
            return
        for queue, counters in inspector.statistics(queues).items():
            if counters.size:
                scan = ScanResult(0, counters.size, reason=StopReason.NO_BROWSING)
                self.partly.append(PartlySearched(queue, scan))

    def look_for_delayed(self, inspector: Inspector) -> None:
        """Search the retries that wait for their time."""
        now_ms = int(time.time() * 1000)
        for each in inspector.delayed(_MOST_DELAYED):
            if self._is_ours(each.message):
                view = MessageView.of(each.message, now_ms)
                due_seconds = max(each.due_ms - now_ms, 0) / 1000
                self.messages.append(LocatedMessage(each.queue, each.message, view, due_seconds))

    def _is_ours(self, message: QueuedMessage) -> bool:
        named = readable_request_id(message.body) or message.headers.get("correlation-id", "")
        return named == self._request_id


def request_state(found: LookupResult) -> str:
    """Summarize where the request is."""
    if is_graded_again(found):
        return f"{_waiting(found) or _running(found.row)}, to be graded again"
    if found.result:
        return "finished"
    if found.row and found.row.result:
        return "finished, but result.json is not in the bucket"
    return _waiting(found) or _running(found.row) or _unknown(found)


def is_graded_again(found: LookupResult) -> bool:
    """Whether the result in the bucket is older than a message that waits, or than a claim."""
    row, result = found.row, found.result
    if result is None or found.unreachable:
        return False
    if row is None:
        return any(each.queue in (REQUESTS_QUEUE, PRIORITY_QUEUE) for each in found.messages)
    if row.held_until is None or row.updated_at is None:
        return False
    return result.timestamp < row.updated_at - timedelta(seconds=1)  # a result has whole seconds


def _waiting(found: LookupResult) -> str:
    """Say in which queue it is, unless a worker has received it."""
    delayed = next((each for each in found.messages if each.due_seconds is not None), None)
    if delayed:
        return f"waits for its next attempt in {delayed.due_seconds:.0f} s"
    return f"in {found.messages[0].queue}" if found.messages and not found.row else ""


def _running(row: JobRecord | None) -> str:
    """Say which attempt it is, and how long a worker has had it."""
    if row is None:
        return ""
    return f"{row.status}, attempt {row.attempts}{claim_text(row, datetime.now(UTC))}"


def claim_text(row: JobRecord, now: datetime) -> str:
    """Say how long ago a running request was claimed, and whether its worker has kept the claim."""
    if row.updated_at is None or row.held_until is None:
        return ""
    claimed = f", claimed {_ago(row.updated_at, now)}"
    if not row.worker_id:
        return f"{claimed}, released since"
    if row.held_until < now:
        return f"{claimed}, not renewed: void for {age((now - row.held_until).total_seconds())}"
    return claimed


def _ago(moment: datetime, now: datetime) -> str:
    return f"{age(max((now - moment).total_seconds(), 0))} ago"


def _unknown(found: LookupResult) -> str:
    if found.awaits_upload:
        return "waits until its client has uploaded its program"
    if found.partly_searched:
        known = "submitted; its current place is unknown" if found.submitted else "not found"
        if any(each.cannot_be_searched for each in found.partly_searched):
            return f"{known}: Amazon SQS cannot be searched"
        return f"{known}: not all messages could be read"
    if found.unreachable:
        return "submitted; its current place is unknown"
    return "submitted, but in no queue: a worker has just received it, or it was never sent"
