"""
The table of jobs: claims of requests, and their results.

It has a real implementation in `grader.adapters` and an in-memory fake in `grader.testing`; one
behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from grader.contract.callbacks import Callback
from grader.contract.messages import JobRequest, JobResult
from grader.ports.results import ProgressNote

#: Age at which a claim without a lease counts as abandoned; those of older workers have none.
ABANDONED_AFTER = timedelta(hours=1)
#: How long a claim holds unless it is renewed.
DEFAULT_LEASE = timedelta(minutes=3)


@dataclass(frozen=True)
class Claim:
    """Asks for the right to process a request, for the time of the lease."""

    request: JobRequest
    message_id: str  # of the original message; a delayed copy keeps it
    queue: str
    worker_id: str
    lease: timedelta = DEFAULT_LEASE


@dataclass(frozen=True)
class Granted:
    """
    The claim is granted.

    Args:
        attempt: Its number, which was counted before the work starts.
        settled: Number of the last attempt whose failure was noted; 0 for none. The attempts since
            then ended their worker, or lost their message.
    """

    attempt: int
    settled: int = 0


@dataclass(frozen=True)
class AlreadyFinished:
    """
    The request has a result already.

    Args:
        result: The stored result.
        same_message: It was stored for this message, which was not settled then: the broker
            delivers it again.
        attempts: Number of attempts made.
    """

    result: JobResult
    same_message: bool = False
    attempts: int = field(default=0, compare=False)


@dataclass(frozen=True)
class HeldByAnother:
    """Another message with the same request id holds the claim, and its lease has not ended."""

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
    updated_at: datetime | None = None  # last claim or result, in UTC; None if the store has none
    created_at: datetime | None = None  # first claim, likewise
    held_until: datetime | None = None  # end of a running claim, unless it is renewed
    message_id: str = ""  # of the last claim
    progress: str | None = None  # of the running attempt, as JSON

    def is_held(self, now: datetime) -> bool:
        """Whether a worker may still store a result: there is none, and the claim has not ended."""
        return self.result is None and (self.held_until is None or self.held_until >= now)


class JobStore(Protocol):
    """The table of jobs. Raises `TemporaryError` when the database cannot be reached."""

    def claim(self, claim: Claim) -> ClaimOutcome:
        """
        Count an attempt and take the job, atomically.

        The same message takes over its own claim at once: the broker delivers it again only after
        the connection of its worker has ended.
        """
        ...

    def renew(self, worker_id: str, request_ids: Sequence[str], lease: timedelta) -> None:
        """Renew the leases of those of these requests that the worker still holds."""
        ...

    def give_back(self, worker_id: str, request_id: str, attempt: int) -> bool:
        """
        End the claim of an attempt without counting it, because its worker has to leave.

        Returns:
            False if the worker no longer has it, and nothing was changed.
        """
        ...

    def note_progress(self, notes: Sequence[ProgressNote]) -> None:
        """
        Note how far running attempts are, with one statement; others are left out.

        It ends with the attempt: a result or the next claim removes it.
        """
        ...

    def note_failure(self, request_id: str, attempt: int) -> None:
        """Note that an attempt has failed and its worker lives; no effect if it was taken over."""
        ...

    def finish(
        self, result: JobResult, *, attempt: int = 0, callback: Callback | None = None
    ) -> bool:
        """
        Store the result of an attempt, unless a later one has taken over the claim.

        Args:
            result: The result.
            attempt: Number of the attempt; 0 for a request rejected before its claim, whose row is
                created.
            callback: The webhook of the request, which is put into the outbox in the same
                transaction. That of a batch is due once all its requests have ended.

        Returns:
            False if the row belongs to another attempt, and was not changed.
        """
        ...

    def get(self, request_id: str) -> JobRecord | None:
        """Read one row."""
        ...

    def reopen(self, request_id: str) -> bool:
        """
        Delete the row of a failed request, so that its next message is processed anew.

        Returns:
            False if there is no row, or if the request is running or completed.
        """
        ...

    def release(self, request_id: str, attempt: int, *, force: bool = False) -> bool:
        """
        End the claim of an attempt, so that any message of the request is granted the next one.

        The attempt does not count as lost: what its worker stores before the next claim is kept.

        Args:
            request_id: The request.
            attempt: The attempt that holds it.
            force: End the claim also before its time; the worker cannot renew it then.

        Returns:
            False if the request is not running in this attempt, or if the claim holds.
        """
        ...

    def delete(self, request_id: str) -> None:
        """Delete one row, if it exists."""
        ...

    def claimed(self, queue: str) -> Mapping[str, str]:
        """Return the messages of a queue whose claims hold: original id to worker."""
        ...

    def ping(self) -> None:
        """Check that the database answers."""
        ...
