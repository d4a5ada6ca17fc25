"""Reads the table of jobs on MySQL for the people who submitted; needs the right SELECT only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Engine,
    RowMapping,
    Select,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    text,
    tuple_,
)

from grader.adapters.mysql.engine import translated
from grader.adapters.mysql.table import JOBS
from grader.contract.verdicts import Status
from grader.ports.submissions import Place, SubmissionRow, WorkerActivity

_WHERE = "database"
_RUNNING = "running"
#: What `submission_row` converts.
SELECT_ROWS = select(
    *(JOBS.c.request_id, JOBS.c.user_id, JOBS.c.problem_id, JOBS.c.language, JOBS.c.status),
    *(JOBS.c.attempts, JOBS.c.created_at, JOBS.c.updated_at, JOBS.c.submitted_at),
    *(JOBS.c.batch_id, JOBS.c.batch_size, JOBS.c.function_id),
    *(JOBS.c.result_json, JOBS.c.progress),
)
_FINAL = JOBS.c.status.in_([Status.COMPLETED.value, Status.FAILED.value])
_ROWS = SELECT_ROWS.where(JOBS.c.request_id.in_(bindparam("wanted", expanding=True)))
_ENDED = SELECT_ROWS.where(JOBS.c.request_id.in_(bindparam("ending", expanding=True)), _FINAL)
_WATCHED = SELECT_ROWS.where(
    JOBS.c.request_id.in_(bindparam("all", expanding=True)),
    or_(JOBS.c.request_id.in_(bindparam("moving", expanding=True)), _FINAL),
)
_NEWEST = SELECT_ROWS.where(JOBS.c.function_id.is_(None)).order_by(
    JOBS.c.created_at.desc(), JOBS.c.request_id.desc()
)
#: The index compares in any case, and ignores accents.
_OF_USER = and_(
    JOBS.c.user_id == bindparam("user"),
    func.binary(JOBS.c.user_id) == func.binary(bindparam("user")),
)
#: The first condition uses the index.
_BEFORE = and_(
    JOBS.c.created_at <= bindparam("created_at"),
    tuple_(JOBS.c.created_at, JOBS.c.request_id)
    < tuple_(bindparam("created_at"), bindparam("request_id")),
)
_BATCH = SELECT_ROWS.where(
    JOBS.c.batch_id == bindparam("batch"),
    func.binary(JOBS.c.batch_id) == func.binary(bindparam("batch")),
).order_by(JOBS.c.request_id)
_FAILURES = SELECT_ROWS.where(JOBS.c.status == Status.FAILED.value).order_by(
    JOBS.c.updated_at.desc()
)
_IS_RUNNING = JOBS.c.status == _RUNNING
#: By status, because the index begins with it.
_WORKERS = (
    select(
        JOBS.c.worker_id,
        func.sum(case((_IS_RUNNING, 1), else_=0)).label("running"),
        func.max(JOBS.c.updated_at).label("seen"),
    )
    .where(
        JOBS.c.status.in_([_RUNNING, Status.COMPLETED.value, Status.FAILED.value]),
        JOBS.c.updated_at >= bindparam("since"),
        JOBS.c.worker_id != "",
    )
    .group_by(JOBS.c.worker_id)
    .order_by(JOBS.c.worker_id)
)
_PING = text("SELECT 1")


class MysqlSubmissions:
    """
    `grader.ports.submissions.SubmissionReader` over SQLAlchemy; raises as `MysqlJobStore`.

    Args:
        engine: From `open_engine`; thread-safe.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def rows(self, request_ids: Collection[str]) -> dict[str, SubmissionRow]:
        """Read the rows of these requests that exist."""
        if not request_ids:
            return {}
        return {row.request_id: row for row in self._read(_ROWS, wanted=list(request_ids))}

    def watched(self, ending: Collection[str], moving: Collection[str]) -> dict[str, SubmissionRow]:
        """Read with one statement what waiting callers need."""
        if not moving:
            found = self._read(_ENDED, ending=list(ending)) if ending else []
        else:
            wanted = {*ending, *moving}
            found = self._read(_WATCHED, all=list(wanted), moving=list(moving))
        return {row.request_id: row for row in found}

    def newest(
        self, user_id: str | None, most: int, after: Place | None = None
    ) -> list[SubmissionRow]:
        """Read submissions, the newest first."""
        query = _NEWEST.limit(most)
        values: dict[str, object] = {}
        if user_id is not None:
            query = query.where(_OF_USER)
            values["user"] = user_id
        if after is not None:
            query = query.where(_BEFORE)
            values |= {"created_at": _naive(after.created_at), "request_id": after.request_id}
        return self._read(query, **values)

    def batch(self, batch_id: str) -> list[SubmissionRow]:
        """Read the requests of a batch that were claimed."""
        return self._read(_BATCH, batch=batch_id)

    def failures(self, most: int) -> list[SubmissionRow]:
        """Read the failed requests, the newest first."""
        return self._read(_FAILURES.limit(most))

    def workers(self, since: datetime) -> list[WorkerActivity]:
        """Read which workers have claimed or finished a request since then."""
        with translated(_WHERE), self._engine.connect() as connection:
            rows = connection.execute(_WORKERS, {"since": _naive(since)}).all()
        return [
            WorkerActivity(row.worker_id, int(row.running), row.seen.replace(tzinfo=UTC))
            for row in rows
        ]

    def ping(self) -> None:
        """Check that the database answers."""
        with translated(_WHERE), self._engine.connect() as connection:
            connection.execute(_PING)

    def _read(self, query: Select[Any], **values: object) -> list[SubmissionRow]:
        with translated(_WHERE), self._engine.connect() as connection:
            rows: Sequence[RowMapping] = connection.execute(query, values).mappings().all()
        return [submission_row(row) for row in rows]


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def submission_row(row: RowMapping) -> SubmissionRow:
    """Convert a row of `SELECT_ROWS`."""
    submitted_at = row["submitted_at"]
    return SubmissionRow(
        request_id=row["request_id"],
        user_id=row["user_id"],
        problem_id=row["problem_id"],
        language=row["language"],
        status=row["status"],
        attempts=row["attempts"],
        created_at=row["created_at"].replace(tzinfo=UTC),
        updated_at=row["updated_at"].replace(tzinfo=UTC),
        submitted_at=submitted_at and submitted_at.replace(tzinfo=UTC),
        batch_id=row["batch_id"],
        batch_size=row["batch_size"],
        function_id=row["function_id"],
        result_json=row["result_json"],
        progress_json=row["progress"],
    )
