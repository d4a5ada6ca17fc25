"""
The table of jobs: claims of requests, and their results.

It has a real implementation in `grader.adapters` and an in-memory fake in `grader.testing`; one
behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from grader.contract.messages import JobRequest, JobResult


@dataclass(frozen=True)
class Claim:
    """Asks for the right to process a request."""

    request: JobRequest
    message_id: str  # of the original message; a delayed copy keeps it
    queue: str
    worker_id: str


@dataclass(frozen=True)
class Granted:
    """The claim is granted; `attempt` was counted before the work starts."""

    attempt: int


@dataclass(frozen=True)
class AlreadyFinished:
    """The request has a result already."""

    result: JobResult


@dataclass(frozen=True)
class HeldByAnother:
    """Another message with the same request id holds the claim."""

    worker_id: str


ClaimOutcome = Granted | AlreadyFinished | HeldByAnother


@dataclass(frozen=True)
class JobRecord:
    """The row of a request."""

    request_id: str
    status: str  # running | completed | failed
    attempts: int
    worker_id: str
    queue: str
    result: JobResult | None


#: Age at which the claim of another message counts as abandoned: that message may have been purged.
ABANDONED_AFTER = timedelta(hours=1)


class JobStore(Protocol):
    """The table of jobs. Raises `TemporaryError` when the database cannot be reached."""

    def claim(self, claim: Claim) -> ClaimOutcome:
        """Count an attempt and take the job, atomically."""
        ...

    def finish(self, result: JobResult) -> None:
        """Store the result of a job; creates the row of a request rejected before its claim."""
        ...

    def get(self, request_id: str) -> JobRecord | None:
        """Read one row."""
        ...

    def delete(self, request_id: str) -> None:
        """Delete one row, if it exists."""
        ...

    def ping(self) -> None:
        """Check that the database answers."""
        ...
