"""
Turns rows and metadata into what their owner may see; pure.

Only the fields that are named here leave: no log of a run, no output of a checker, no key of the
bucket, no worker and no other user.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from grader.contract.documents import Document, document_of, running_document
from grader.contract.messages import Failure, JobResult, Message, Timestamp
from grader.contract.submissions import (
    Progress,
    QueuePosition,
    Submission,
    SubmissionStatus,
)
from grader.contract.verdicts import ErrorCode, Status
from grader.ports.submissions import SubmissionRow

#: Numbers of events: a later state has a higher one, and the end has the highest.
_AWAITING_EVENT = 1
_QUEUED_EVENT = 2
_RUNNING_EVENT = 10
_EVENTS_PER_ATTEMPT = 1_000_000
LAST_EVENT = 2**53 - 1


class BatchMember(Message):
    """A request of a batch."""

    request_id: str
    user_id: str
    problem_id: str
    language: str


class StoredMetadata(Message):
    """
    The object ``submissions/{id}/metadata.json`` as far as the API reads it.

    Attributes:
        owner: Who made the request: the id of the key; empty for a request of another client.
        ticket: Number of messages that the queue had received before; None if that is not known.
        members: The requests of a batch.
    """

    request_id: str
    user_id: str = ""
    problem_id: str = ""
    language: str = ""
    function_id: str | None = None
    batch_id: str | None = None
    timestamp: Timestamp | None = None
    owner: str = ""
    queue: str = ""
    body_sha256: str = ""
    ticket: int | None = None
    awaiting_upload: bool = False
    members: tuple[BatchMember, ...] = ()

    @classmethod
    def read(cls, body: bytes) -> StoredMetadata | None:
        """Read the object; None if it is something else."""
        try:
            return cls.model_validate_json(body)
        except ValidationError:
            return None


@dataclass(frozen=True)
class View:
    """
    What a caller gets of a request.

    Args:
        user_id: Whose it is.
        document: The document.
        event: Number of its state.
        text: The document as JSON.
        metadata: What is stored of a request that no worker has taken.
    """

    user_id: str
    document: Document
    event: int
    text: bytes = field(repr=False)
    metadata: StoredMetadata | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self.event == LAST_EVENT


def readable_result(row: SubmissionRow) -> JobResult | None:
    """Read the result of a row; a failure in place of one that this version cannot read."""
    try:
        return row.result()
    except ValueError:  # a newer worker has written it
        return JobResult(
            request_id=row.request_id,
            status=Status.FAILED,
            error=Failure(code=ErrorCode.INTERNAL_ERROR, message="the result cannot be read"),
            timestamp=row.updated_at,
        )


def view_of_row(row: SubmissionRow, user_id: str = "") -> View:
    """
    Make the view of a request that was claimed.

    Args:
        row: Its row.
        user_id: Whose it is, if the row does not say it.
    """
    fields, result = row.fields(user_id), readable_result(row)
    if result is not None:
        document = document_of(fields, result, attempts=row.attempts)
        return View(fields.user_id, document, LAST_EVENT, document.to_json())
    progress = _progress(row.progress_json)
    running = running_document(fields, attempts=row.attempts, progress=progress)
    event = running_event(row.attempts, progress)
    return View(fields.user_id, running, event, running.to_json())


def view_of_metadata(metadata: StoredMetadata, queue: QueuePosition | None) -> View:
    """Make the view of a request that was not claimed."""
    waits = metadata.awaiting_upload
    document = Submission(
        request_id=metadata.request_id,
        status=SubmissionStatus.AWAITING_UPLOAD if waits else SubmissionStatus.QUEUED,
        user_id=metadata.user_id,
        problem_id=metadata.problem_id,
        language=metadata.language,
        function_id=metadata.function_id,
        batch_id=metadata.batch_id,
        submitted_at=metadata.timestamp,
        queue=None if waits else queue,
    )
    event = _AWAITING_EVENT if waits else _QUEUED_EVENT
    return View(metadata.user_id, document, event, document.to_json(), metadata)


def running_event(attempts: int, progress: Progress | None) -> int:
    """Number the state of a running request; each case that ended gives a higher number."""
    done = 0 if progress is None else 1 + progress.cases_done + (progress.phase == "running")
    return _RUNNING_EVENT + attempts * _EVENTS_PER_ATTEMPT + min(done, _EVENTS_PER_ATTEMPT - 1)


def with_result(view: View, text: bytes) -> View:
    """Replace a state by the document of the end, which was pushed."""
    return replace(view, event=LAST_EVENT, text=text, metadata=None)


def with_progress(view: View, text: bytes) -> View | None:
    """Replace the progress of a running request; None if the text is none, or is older."""
    document, progress = view.document, _progress(text)
    if progress is None or not isinstance(document, Submission) or view.is_final:
        return None
    attempts = max(document.attempts, 1)
    changed = document.model_copy(
        update={
            "status": SubmissionStatus.RUNNING,
            "queue": None,
            "attempts": attempts,
            "progress": progress,
        }
    )
    event = running_event(attempts, progress)
    return View(view.user_id, changed, event, changed.to_json()) if event > view.event else None


def _progress(text: str | bytes | None) -> Progress | None:
    """Read a progress, alone or in the document of a submission."""
    if not text:
        return None
    try:
        found: Any = json.loads(text)
        return Progress.model_validate(found.get("progress") or found)
    except (ValueError, AttributeError):  # a ValidationError is a ValueError
        return None


def member_view(metadata: StoredMetadata, member: BatchMember, queue: QueuePosition | None) -> View:
    """Make the view of a request of a batch that was not claimed."""
    about = {**member.model_dump(), "batch_id": metadata.request_id, "members": ()}
    return view_of_metadata(metadata.model_copy(update=about), queue)
