"""
Reading the table of jobs for the people who submitted.

It has a real implementation in `grader.adapters` and an in-memory fake in `grader.testing`; one
behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from grader.contract.documents import JobFields
from grader.contract.messages import JobResult
from grader.contract.verdicts import Status


@dataclass(frozen=True)
class SubmissionRow:
    """
    The row of a request, as far as its owner may know it.

    Args:
        request_id: The request.
        user_id: Who sent it; empty if it was rejected unread.
        problem_id: The problem.
        language: The language.
        status: running, completed or failed.
        attempts: Number of attempts made.
        created_at: First claim, UTC.
        updated_at: Last claim or result, UTC.
        submitted_at: Time of the request, UTC; None if it has none.
        batch_id: The batch that it is part of.
        batch_size: Number of requests in the batch.
        function_id: The function, of a request to run one.
        result_json: The stored result; None while it runs.
        progress_json: How far it is; None if that is not known.
    """

    request_id: str
    user_id: str
    problem_id: str
    language: str
    status: str
    attempts: int
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime | None = None
    batch_id: str | None = None
    batch_size: int | None = None
    function_id: str | None = None
    result_json: str | None = None
    progress_json: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether it has a result."""
        return self.status in (Status.COMPLETED, Status.FAILED)

    def fields(self, user_id: str = "") -> JobFields:
        """
        Return what a document says about the request.

        A row of an older worker has its first claim in place of the time of the request.

        Args:
            user_id: Whose it is, if the row does not say it.
        """
        was_claimed = self.attempts > 0
        return JobFields(
            request_id=self.request_id,
            user_id=self.user_id or user_id,
            problem_id=self.problem_id,
            language=self.language,
            batch_id=self.batch_id,
            function_id=self.function_id,
            submitted_at=self.submitted_at or (self.created_at if was_claimed else None),
        )

    def result(self) -> JobResult | None:
        """Return the stored result; None while it runs. Raises `ValueError` if it is unreadable."""
        if not self.is_final or self.result_json is None:
            return None
        return JobResult.from_json(self.result_json)


@dataclass(frozen=True)
class Place:
    """Where a page of submissions begins: the last one of the page before it."""

    created_at: datetime
    request_id: str


@dataclass(frozen=True)
class WorkerActivity:
    """What a worker has done lately."""

    worker_id: str
    running: int
    last_seen_at: datetime


class SubmissionReader(Protocol):
    """
    The rows of requests. Raises `TemporaryError` when the database cannot be reached.

    User ids are compared exactly, also by case.
    """

    def rows(self, request_ids: Collection[str]) -> Mapping[str, SubmissionRow]:
        """Read the rows of these requests that exist."""
        ...

    def watched(
        self, ending: Collection[str], moving: Collection[str]
    ) -> Mapping[str, SubmissionRow]:
        """
        Read with one statement what waiting callers need.

        Args:
            ending: Requests whose rows matter once they are final.
            moving: Requests whose rows matter in each state.
        """
        ...

    def newest(
        self, user_id: str | None, most: int, after: Place | None = None
    ) -> Sequence[SubmissionRow]:
        """
        Read submissions, the newest first, by the time of their first claim; no runs of functions.

        Args:
            user_id: Only those of this user; None: all.
            most: Most rows.
            after: Where to begin; None: with the newest.
        """
        ...

    def batch(self, batch_id: str) -> Sequence[SubmissionRow]:
        """Read the requests of a batch that were claimed, by id."""
        ...

    def failures(self, most: int) -> Sequence[SubmissionRow]:
        """Read the failed requests, the newest first."""
        ...

    def workers(self, since: datetime) -> Sequence[WorkerActivity]:
        """Read which workers have claimed or finished a request since then, by id."""
        ...

    def ping(self) -> None:
        """Check that the database answers."""
        ...
