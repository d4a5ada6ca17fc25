"""Where a request is and what became of it: asked of the bucket, the database and the queues."""

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

#: A request is looked for among this many messages of each queue.
_MESSAGES_PER_QUEUE = 2000


@dataclass(frozen=True)
class Located:
    """A message of the request, and the queue that it lies in."""

    queue: str
    view: MessageView


@dataclass(frozen=True)
class Findings:
    """All that was found; `unknown` says what could not be asked, and why."""

    request_id: str
    submitted: bool  # something lies below submissions/
    result: JobResult | None  # of the bucket
    row: JobRecord | None  # of the database
    messages: tuple[Located, ...]
    unknown: tuple[str, ...]

    @property
    def anything(self) -> bool:
        """Whether anybody knows the request."""
        return bool(self.submitted or self.result or self.row or self.messages)


def look_up(
    request_id: str,
    store: ObjectStore,
    open_jobs: Callable[[], AbstractContextManager[JobStore]],
    open_broker: Callable[[], AbstractContextManager[Broker]],
) -> Findings:
    """
    Ask everybody who may know something of a request.

    Only the bucket must answer; that the database or the broker does not is among the findings.
    """
    unknown: list[str] = []
    submitted = next(iter(store.list(f"submissions/{request_id}/")), None) is not None
    result = stored_job_result(store, request_id)
    row = None
    try:
        with open_jobs() as jobs:
            row = jobs.get(request_id)
    except (GraderError, GradectlError) as error:
        unknown.append(_unasked("database", error))
    messages: list[Located] = []
    try:
        with open_broker() as broker:
            messages = [located for queue in QUEUES for located in _find(broker, queue, request_id)]
    except (GraderError, GradectlError) as error:
        unknown.append(_unasked("broker", error))
    return Findings(request_id, submitted, result, row, tuple(messages), tuple(unknown))


def _unasked(what: str, error: GraderError | GradectlError) -> str:
    """Say why something could not be asked."""
    return f"{what}: {error}"


def _find(broker: Broker, queue: str, request_id: str) -> list[Located]:
    """Look for the messages of a request in one queue."""
    found = inspect(broker.inspector, queue, enough=_MESSAGES_PER_QUEUE)
    if found is None:
        return []
    views = (MessageView.of(message, found.now_ms) for message in found.scan.messages)
    return [Located(queue, view) for view in views if view.request_id == request_id]


def state(findings: Findings) -> str:
    """Say in a few words where the request is."""
    if findings.result:
        return "finished"
    if findings.row and findings.row.result:
        return "finished, but its result.json is not in the bucket"
    if findings.row:
        return f"being worked on, attempt {findings.row.attempts}"
    if findings.messages:
        return f"in {findings.messages[0].queue}"
    if findings.unknown:
        return "submitted; where it is now could not be asked"
    return "submitted, but in no queue: a worker has just taken it, or it was never sent"
