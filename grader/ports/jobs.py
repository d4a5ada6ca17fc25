"""
The table of jobs: who works on a request, and its result.

Each has a real implementation in `grader.adapters` and an in-memory fake in `grader.testing`; one
behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from grader.contract.messages import JobRequest, JobResult


@dataclass(frozen=True)
class Claim:
    """A worker's wish to work on a request."""

    request: JobRequest
    message_id: str  # the original one: it survives a copy
    queue: str
    worker_id: str


@dataclass(frozen=True)
class Granted:
    """Go ahead; this is attempt number `attempt`, counted before the work starts."""

    attempt: int


@dataclass(frozen=True)
class AlreadyFinished:
    """This request has a result; send it again instead of working twice."""

    result: JobResult


@dataclass(frozen=True)
class HeldByAnother:
    """Another message with the same request id is being worked on now."""

    worker_id: str


ClaimOutcome = Granted | AlreadyFinished | HeldByAnother


@dataclass(frozen=True)
class JobRecord:
    """What the database knows of a request."""

    request_id: str
    status: str  # running | completed | failed
    attempts: int
    worker_id: str
    queue: str
    result: JobResult | None


#: When a claim of another message counts as given up: its message may have been purged, and would
#: then hold the request for ever.
ABANDONED_AFTER = timedelta(hours=1)


class JobStore(Protocol):
    """The table of jobs. Raises `TemporaryError` when the database cannot be reached."""

    def claim(self, claim: Claim) -> ClaimOutcome:
        """Count an attempt and take the job, atomically."""
        ...

    def finish(self, result: JobResult) -> None:
        """Store the result of a job, also of one that was refused before it could be claimed."""
        ...

    def get(self, request_id: str) -> JobRecord | None:
        """Read one row."""
        ...

    def delete(self, request_id: str) -> None:
        """Remove one row, if it is there."""
        ...

    def ping(self) -> None:
        """Return when the database answers."""
        ...
