"""The finished jobs of the table of jobs on MySQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Row, Select, bindparam, delete, literal_column, or_, select, update

from grader.adapters.mysql.engine import translated
from grader.adapters.mysql.store import job_record, outcome_columns
from grader.adapters.mysql.table import JOBS
from grader.contract.messages import JobResult
from grader.contract.verdicts import Status
from grader.ports.finished import FinishedJob, JobConditions
from grader.ports.jobs import JobRecord

_WHERE = "database"
_FINISHED = JOBS.c.status.in_([Status.COMPLETED.value, Status.FAILED.value])
_SELECT = select(
    JOBS.c.request_id,
    *(JOBS.c.user_id, JOBS.c.problem_id, JOBS.c.language),
    *(JOBS.c.verdict, JOBS.c.error_code, JOBS.c.score, JOBS.c.updated_at),
).where(_FINISHED)
_AMONG = JOBS.c.request_id.in_(bindparam("wanted", expanding=True))
#: The columns that exist, as `MysqlJobStore.get` reads them.
_RECORDS: Select[Any] = select(literal_column("*")).select_from(JOBS).where(_AMONG)
_REPLACE = update(JOBS).where(
    JOBS.c.request_id == bindparam("wanted"),
    JOBS.c.updated_at == bindparam("wanted_time"),
    _FINISHED,
)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class MysqlFinishedJobs:
    """
    `grader.ports.finished.FinishedJobs` over SQLAlchemy; raises as `MysqlJobStore`.

    Args:
        engine: From `open_engine`; thread-safe.
        now: Current time, UTC and naive.
    """

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = _now) -> None:
        self._engine = engine
        self._now = now

    def page(self, conditions: JobConditions, after: str, most: int) -> list[FinishedJob]:
        """Read the first `most` jobs after the id `after`, by the primary key."""
        query = (
            _SELECT.where(JOBS.c.request_id > after, *_clauses(conditions))
            .order_by(JOBS.c.request_id)
            .limit(most)
        )
        return [_finished(row) for row in self._rows(query, {})]

    def named(self, request_ids: Sequence[str], conditions: JobConditions) -> list[FinishedJob]:
        """Read those of these jobs that are finished and selected."""
        query = _SELECT.where(_AMONG, *_clauses(conditions)).order_by(JOBS.c.request_id)
        return [_finished(row) for row in self._rows(query, {"wanted": list(request_ids)})]

    def records(self, request_ids: Sequence[str]) -> dict[str, JobRecord]:
        """Read the rows of these requests."""
        with translated(_WHERE), self._engine.connect() as connection:
            rows = connection.execute(_RECORDS, {"wanted": list(request_ids)}).mappings().all()
        return {row["request_id"]: job_record(row) for row in rows}

    def replace(self, job: FinishedJob, result: JobResult) -> bool:
        """Replace a result with one guarded statement."""
        wanted = {
            "wanted": job.request_id,
            "wanted_time": job.updated_at.astimezone(UTC).replace(tzinfo=None),
        }
        values = {**outcome_columns(result), "updated_at": self._now()}
        with translated(_WHERE), self._engine.connect() as connection:
            return bool(connection.execute(_REPLACE.values(values), wanted).rowcount)

    def of_user(self, user_id: str, after: str, most: int) -> list[str]:
        """Read request ids of a user, by the index of users."""
        query = (
            select(JOBS.c.request_id)
            .where(JOBS.c.user_id == user_id, JOBS.c.request_id > after)
            .order_by(JOBS.c.request_id)
            .limit(most)
        )
        return [row[0] for row in self._rows(query, {})]

    def users(self, prefix: str) -> list[str]:
        """Read the user ids that begin with a prefix, by the index of users."""
        like = JOBS.c.user_id.startswith(prefix, autoescape=True)
        return [row[0] for row in self._rows(select(JOBS.c.user_id).where(like).distinct(), {})]

    def remove(self, request_ids: Sequence[str]) -> None:
        """Delete rows."""
        with translated(_WHERE), self._engine.connect() as connection:
            connection.execute(delete(JOBS).where(_AMONG), {"wanted": list(request_ids)})

    def _rows(self, query: Select[Any], values: dict[str, Any]) -> Sequence[Row[Any]]:
        with translated(_WHERE), self._engine.connect() as connection:
            return connection.execute(query, values).all()


def _clauses(conditions: JobConditions) -> list[Any]:
    """Return the conditions that are given."""
    found: list[Any] = []
    for column, values in (
        (JOBS.c.problem_id, conditions.problems),
        (JOBS.c.language, conditions.languages),
        (JOBS.c.user_id, conditions.users),
    ):
        if values:
            found.append(column.in_(values))
    if conditions.outcomes:
        wanted = conditions.outcomes
        found.append(or_(JOBS.c.verdict.in_(wanted), JOBS.c.error_code.in_(wanted)))
    if conditions.since:
        found.append(JOBS.c.created_at >= conditions.since.astimezone(UTC).replace(tzinfo=None))
    if conditions.until:
        found.append(JOBS.c.created_at < conditions.until.astimezone(UTC).replace(tzinfo=None))
    return found


def _finished(row: Row[Any]) -> FinishedJob:
    return FinishedJob(
        request_id=row.request_id,
        user_id=row.user_id,
        problem_id=row.problem_id,
        language=row.language,
        outcome=row.verdict or row.error_code or "",
        score=row.score,
        updated_at=row.updated_at.replace(tzinfo=UTC),
    )
