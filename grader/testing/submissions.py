"""An in-memory fake of the rows that the API reads."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from datetime import datetime

from grader.contract.verdicts import Status
from grader.errors import TemporaryError
from grader.ports.submissions import Place, SubmissionRow, WorkerActivity


class MemorySubmissions:
    """
    In-memory rows; thread-safe. Tests write `away`, and read `lookups`.

    Attributes:
        away: Whether the database cannot be reached.
        lookups: Number of statements.
    """

    def __init__(self) -> None:
        self.away = False
        self.lookups = 0
        self._rows: dict[str, SubmissionRow] = {}
        self._workers: dict[str, str] = {}
        self._lock = threading.Lock()

    def put(self, row: SubmissionRow, *, worker_id: str = "") -> None:
        """Add or replace a row, as a worker does."""
        with self._lock:
            self._rows[row.request_id] = row
            self._workers[row.request_id] = worker_id

    def rows(self, request_ids: Collection[str]) -> dict[str, SubmissionRow]:
        """Read the rows of these requests that exist."""
        return {row.request_id: row for row in self._all() if row.request_id in set(request_ids)}

    def watched(self, ending: Collection[str], moving: Collection[str]) -> dict[str, SubmissionRow]:
        """Read what waiting callers need."""
        return {
            row.request_id: row
            for row in self._all()
            if row.request_id in moving or (row.request_id in ending and row.is_final)
        }

    def newest(
        self, user_id: str | None, most: int, after: Place | None = None
    ) -> list[SubmissionRow]:
        """Read submissions, the newest first."""
        mine = (row for row in self._all() if user_id is None or row.user_id == user_id)
        found = sorted((row for row in mine if row.function_id is None), key=_age, reverse=True)
        if after is not None:
            found = [row for row in found if _age(row) < (after.created_at, after.request_id)]
        return found[:most]

    def batch(self, batch_id: str) -> list[SubmissionRow]:
        """Read the requests of a batch that were claimed."""
        return [row for row in self._all() if row.batch_id == batch_id]

    def failures(self, most: int) -> list[SubmissionRow]:
        """Read the failed requests, the newest first."""
        failed = (row for row in self._all() if row.status == Status.FAILED)
        return sorted(failed, key=lambda row: row.updated_at, reverse=True)[:most]

    def workers(self, since: datetime) -> list[WorkerActivity]:
        """Read which workers have claimed or finished a request since then."""
        found: dict[str, list[SubmissionRow]] = {}
        for row in self._all():
            worker = self._workers[row.request_id]
            if worker and row.updated_at >= since:
                found.setdefault(worker, []).append(row)
        return [_activity(name, rows) for name, rows in sorted(found.items())]

    def ping(self) -> None:
        """Succeed, unless the database is away."""
        self._all()

    def _all(self) -> list[SubmissionRow]:
        with self._lock:
            self.lookups += 1
            if self.away:
                raise TemporaryError("the database is away", where="memory")
            return [self._rows[key] for key in sorted(self._rows)]


def _age(row: SubmissionRow) -> tuple[datetime, str]:
    return row.created_at, row.request_id


def _activity(name: str, rows: Iterable[SubmissionRow]) -> WorkerActivity:
    mine = list(rows)
    running = sum(not row.is_final for row in mine)
    return WorkerActivity(name, running, max(row.updated_at for row in mine))
