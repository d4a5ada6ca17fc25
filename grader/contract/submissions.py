"""
The document of a submission: what `GET /v1/submissions/{id}` answers and what a webhook sends.

Both are the same text, so a receiver needs one parser. It has nothing of the hidden test data, the
output of a checker, or another user.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from grader.contract.messages import CaseResult, Failure, Grade, Message, Timestamp
from grader.contract.verdicts import Verdict


class SubmissionStatus(StrEnum):
    """Where a submission is."""

    AWAITING_UPLOAD = "awaiting_upload"  # its program was not uploaded yet
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self in (SubmissionStatus.COMPLETED, SubmissionStatus.FAILED)


#: Why a submission waits, for programs and translations; `note` says it in English.
NoteCode = Literal["NO_WORKER", "PERHAPS_NO_WORKER"]


class QueuePosition(Message):
    """What a waiting submission waits for."""

    name: Annotated[str, Field(description="queue")]
    position: Annotated[
        int | None, Field(description="place in the queue, 1 is next; absent: not known")
    ] = None
    waiting: Annotated[int, Field(description="messages that wait in the queue")]
    consumers: Annotated[
        int | None, Field(description="workers that take from it; absent: not counted")
    ] = None
    note: Annotated[str | None, Field(description="why it waits, such as: no worker runs")] = None
    note_code: Annotated[NoteCode | None, Field(description="the same for programs")] = None


class Progress(Message):
    """How far a running submission is; may skip cases, and the result replaces it."""

    phase: Annotated[Literal["compiling", "running"], Field(description="what happens now")]
    cases_done: int = 0
    cases_total: int | None = None
    test_results: Annotated[
        tuple[CaseResult, ...], Field(description="the last cases that ended, at most 100")
    ] = ()


class Submission(Message):
    """A submission with all that its owner may know."""

    request_id: str
    status: SubmissionStatus
    user_id: str
    problem_id: str
    language: str
    function_id: Annotated[
        str | None, Field(description="of a request to run a function, until it has an answer")
    ] = None
    batch_id: str | None = None
    submitted_at: Timestamp | None = None
    finished_at: Timestamp | None = None
    attempts: int = 0
    queue: QueuePosition | None = None
    progress: Progress | None = None
    result: Grade | None = None
    error: Failure | None = None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict; None without one."""
        return self.result.verdict if self.result else None


class Batch(Message):
    """The state of a batch in one document; a webhook for a batch sends it too."""

    batch_id: str
    size: int
    finished: int
    submissions: tuple[Submission, ...]
