"""Finished jobs: selecting them, and replacing their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from grader.contract.messages import JobResult
from grader.ports.jobs import JobRecord


@dataclass(frozen=True)
class JobConditions:
    """
    Which finished jobs to select; everything given must hold.

    Args:
        problems: Problem ids; empty for any, as in the following.
        languages: Names of languages, as requests have them.
        users: User ids.
        outcomes: Verdicts, and error codes of failed requests.
        since: First time of the first claim.
        until: Time after the last one.
    """

    problems: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class FinishedJob:
    """A finished job without its result; `outcome` is the verdict, or the code of the failure."""

    request_id: str
    user_id: str
    problem_id: str
    language: str
    outcome: str
    score: int | None
    updated_at: datetime  # when its result was stored, UTC


class FinishedJobs(Protocol):
    """The finished jobs of the table. Raises `TemporaryError` when it cannot be reached."""

    def page(self, conditions: JobConditions, after: str, most: int) -> Sequence[FinishedJob]:
        """Read the first `most` jobs after the id `after`, in the order of their ids."""
        ...

    def named(self, request_ids: Sequence[str], conditions: JobConditions) -> Sequence[FinishedJob]:
        """Read those of these jobs that are finished and selected, in the order of their ids."""
        ...

    def records(self, request_ids: Sequence[str]) -> dict[str, JobRecord]:
        """Read the rows of these requests, finished or not."""
        ...

    def replace(self, job: FinishedJob, result: JobResult) -> bool:
        """
        Replace the result of a job in one transaction, unless its row has changed.

        Returns:
            False if the row is not the one of `job` any more; it is left as it is.
        """
        ...

    def of_user(self, user_id: str, after: str, most: int) -> Sequence[str]:
        """Read the first `most` request ids of a user after the id `after`, finished or not."""
        ...

    def users(self, prefix: str) -> Sequence[str]:
        """Read the user ids that begin with a prefix."""
        ...

    def remove(self, request_ids: Sequence[str]) -> None:
        """Delete rows; missing ones are ignored."""
        ...
