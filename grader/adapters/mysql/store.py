"""The table of jobs on MySQL: claims, attempts and results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    Select,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from grader.adapters.mysql.engine import translated
from grader.adapters.mysql.table import JOBS
from grader.contract.messages import Grade, JobRequest, JobResult
from grader.ports.jobs import (
    ABANDONED_AFTER,
    AlreadyFinished,
    Claim,
    ClaimOutcome,
    Granted,
    HeldByAnother,
    JobRecord,
)

_RUNNING = "running"
_WHERE = "database"

# Built once: building a statement takes as long as the server takes to run it.
_MINE = JOBS.c.request_id == bindparam("wanted")
_INSERT = insert(JOBS)
_UPDATE = update(JOBS).where(_MINE)  # sets the columns for which values are passed
_SELECT = select(JOBS).where(_MINE)
_SELECT_LOCKED = _SELECT.with_for_update()
_DELETE = delete(JOBS).where(_MINE)
_PING = text("SELECT 1")

#: Columns copied from fields of the request, with their lengths.
_ABOUT = {"user_id": 128, "problem_id": 128, "language": 32}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class MysqlJobStore:
    """
    `grader.ports.jobs.JobStore` over SQLAlchemy.

    In addition to the port's errors, each method raises `AccessError` when the server refuses the
    user, and `SettingsError` when the database does not exist.

    Args:
        engine: From `open_engine`; thread-safe.
        now: Current time, UTC and naive.
    """

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = _now) -> None:
        self._engine = engine
        self._now = now

    def claim(self, claim: Claim) -> ClaimOutcome:
        """Count an attempt and take the job, atomically."""
        with translated(_WHERE):
            try:
                with self._engine.connect() as connection:
                    connection.execute(_INSERT, self._first_row(claim))
            except IntegrityError:  # the row exists
                return self._claim_again(claim)
        return Granted(1)

    def finish(self, result: JobResult) -> None:
        """Store a result; inserts the row of a request rejected before its claim."""
        values = {**_outcome_columns(result), "updated_at": self._now()}
        with translated(_WHERE), self._engine.connect() as connection:
            update_ = connection.execute(_UPDATE, {**values, "wanted": result.request_id})
            if update_.rowcount == 0:
                connection.execute(_INSERT, {**_unclaimed_row(result), **values})

    def get(self, request_id: str) -> JobRecord | None:
        """Read one row."""
        with translated(_WHERE), self._engine.connect() as connection:
            row = _row(connection, _SELECT, request_id)
        if row is None:
            return None
        return JobRecord(
            request_id=row["request_id"],
            status=row["status"],
            attempts=row["attempts"],
            worker_id=row["worker_id"],
            queue=row["queue"],
            result=_stored_result(row),
        )

    def delete(self, request_id: str) -> None:
        """Delete one row, if it exists."""
        with translated(_WHERE), self._engine.connect() as connection:
            connection.execute(_DELETE, {"wanted": request_id})

    def ping(self) -> None:
        """Check that the database answers."""
        with translated(_WHERE), self._engine.connect() as connection:
            connection.execute(_PING)

    def _claim_again(self, claim: Claim) -> ClaimOutcome:
        transactional = self._engine.execution_options(isolation_level="READ COMMITTED")
        with transactional.begin() as connection:
            row = _row(connection, _SELECT_LOCKED, claim.request.request_id)
            if row is None:  # deleted meanwhile
                connection.execute(_INSERT, self._first_row(claim))
                return Granted(1)
            result = _stored_result(row)
            if result is not None:
                return AlreadyFinished(result)
            if row["message_id"] != claim.message_id and not self._is_abandoned(row):
                return HeldByAnother(row["worker_id"])
            return self._take_over(connection, claim, row["attempts"] + 1)

    def _take_over(self, connection: Connection, claim: Claim, attempt: int) -> Granted:
        taken = {
            "attempts": attempt,
            "message_id": claim.message_id,
            "worker_id": claim.worker_id,
            "queue": claim.queue,
            "updated_at": self._now(),
        }
        connection.execute(_UPDATE, {**taken, "wanted": claim.request.request_id})
        return Granted(attempt)

    def _is_abandoned(self, row: RowMapping) -> bool:
        return bool(row["updated_at"] < self._now() - ABANDONED_AFTER)

    def _first_row(self, claim: Claim) -> Mapping[str, Any]:
        now = self._now()
        return {
            "request_id": claim.request.request_id,
            **_about(claim.request),
            "queue": claim.queue,
            "status": _RUNNING,
            "attempts": 1,
            "message_id": claim.message_id,
            "worker_id": claim.worker_id,
            "created_at": now,
            "updated_at": now,
        }


def _about(request: JobRequest) -> dict[str, str]:
    """Copy the fields to search for; requests of other handlers may lack them."""
    return {
        name: str(getattr(request, name, None) or "")[:length] for name, length in _ABOUT.items()
    }


def _row(
    connection: Connection, query: Select[tuple[Any, ...]], request_id: str
) -> RowMapping | None:
    return connection.execute(query, {"wanted": request_id}).mappings().one_or_none()


def _stored_result(row: RowMapping) -> JobResult | None:
    text_ = row["result_json"]
    return None if text_ is None else JobResult.from_json(text_)


def _outcome_columns(result: JobResult) -> dict[str, Any]:
    grade = result.result if isinstance(result.result, Grade) else None
    error = result.error
    return {
        "status": result.status.value,
        "verdict": None if grade is None else grade.verdict.value,
        "score": None if grade is None else grade.score,
        "execution_time_ms": None if grade is None else grade.execution_time,
        "memory_usage_mb": None if grade is None else grade.memory_usage,
        "error_code": None if error is None else error.code.value,
        "result_file": result.result_file,
        "result_json": result.to_json().decode(),
    }


def _unclaimed_row(result: JobResult) -> dict[str, Any]:
    """Build the row of a request rejected before its claim: its id and the result."""
    unknown = dict.fromkeys((*_ABOUT, "queue", "message_id", "worker_id"), "")
    return {
        **unknown,
        "request_id": result.request_id,
        "attempts": 0,
        "created_at": result.timestamp.astimezone(UTC).replace(tzinfo=None),
    }
