"""Looks up a request in the bucket, the database and the queues."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from gradectl.errors import GradectlError
from gradectl.queues.broker import Broker
from gradectl.queues.inspection import inspect
from gradectl.queues.message_view import MessageView
from gradectl.submissions.submit import stored_job_result
from grader.contract.messages import JobResult
from grader.contract.names import QUEUES
from grader.errors import GraderError
from grader.ports.jobs import JobRecord, JobStore
from grader.ports.stores import ObjectStore

#: Maximum number of messages that are searched in each queue.
_MESSAGES_PER_QUEUE = 2000


@dataclass(frozen=True)
class LocatedMessage:
    """A message of the request, and the queue that holds it."""

    queue: str
    view: MessageView


@dataclass(frozen=True)
class LookupResult:
    """Everything found about a request; `unreachable` lists the sources that failed, and why."""

    request_id: str
    submitted: bool  # an object exists below submissions/
    result: JobResult | None  # from the bucket
    row: JobRecord | None  # from the database
    messages: tuple[LocatedMessage, ...]
    unreachable: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """True if any source has the request."""
        return bool(self.submitted or self.result or self.row or self.messages)


def look_up(
    request_id: str,
    store: ObjectStore,
    open_jobs: Callable[[], AbstractContextManager[JobStore]],
    open_broker: Callable[[], AbstractContextManager[Broker]],
) -> LookupResult:
    """
    Look up a request in the bucket, the database and the queues.

    Only the bucket must be reachable; an unreachable database or broker is part of the result.
    """
    unreachable: list[str] = []
    submitted = next(iter(store.list(f"submissions/{request_id}/")), None) is not None
    result = stored_job_result(store, request_id)
    row = None
    try:
        with open_jobs() as jobs:
            row = jobs.get(request_id)
    except (GraderError, GradectlError) as error:
        unreachable.append(f"database: {error}")
    messages: list[LocatedMessage] = []
    try:
        with open_broker() as broker:
            messages = [located for queue in QUEUES for located in _find(broker, queue, request_id)]
    except (GraderError, GradectlError) as error:
        unreachable.append(f"broker: {error}")
    return LookupResult(request_id, submitted, result, row, tuple(messages), tuple(unreachable))


def _find(broker: Broker, queue: str, request_id: str) -> list[LocatedMessage]:
    """Find the messages of a request in one queue."""
    inspection = inspect(broker.inspector, queue, enough=_MESSAGES_PER_QUEUE)
    if inspection is None:
        return []
    views = (MessageView.of(message, inspection.now_ms) for message in inspection.scan.messages)
    return [LocatedMessage(queue, view) for view in views if view.request_id == request_id]


def request_state(found: LookupResult) -> str:
    """Summarize where the request is."""
    if found.result:
        return "finished"
    if found.row and found.row.result:
        return "finished, but result.json is not in the bucket"
    if found.row:
        return f"running, attempt {found.row.attempts}"
    if found.messages:
        return f"in {found.messages[0].queue}"
    if found.unreachable:
        return "submitted; its current place is unknown"
    return "submitted, but in no queue: a worker has just received it, or it was never sent"
