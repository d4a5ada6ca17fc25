"""The table of jobs on MySQL: claims, attempts and results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from grader.adapters.mysql.engine import transaction, translated
from grader.adapters.mysql.outbox import MysqlOutbox, put_in_outbox
from grader.adapters.mysql.table import JOBS
from grader.contract.callbacks import Callback
from grader.contract.functions import FunctionAnswer, FunctionStatus
from grader.contract.messages import Grade, JobRequest, JobResult
from grader.contract.verdicts import Status
from grader.ports.jobs import (
    ABANDONED_AFTER,
    AlreadyFinished,
    Claim,
    ClaimOutcome,
    Granted,
    HeldByAnother,
    JobRecord,
)
from grader.ports.results import ProgressNote

_RUNNING = "running"
_WHERE = "database"

# Built once: building a statement takes as long as the server takes to run it.
_MINE = JOBS.c.request_id == bindparam("wanted")
_INSERT = insert(JOBS)
_UPDATE = update(JOBS).where(_MINE)  # sets the columns for which values are passed
_UPDATE_ATTEMPT = _UPDATE.where(JOBS.c.attempts == bindparam("wanted_attempt"))
#: The columns that exist: a database of the first revision, which gradectl reads too, has no lease.
_SELECT: Select[Any] = select(literal_column("*")).select_from(JOBS).where(_MINE)
_SELECT_LOCKED = select(JOBS).where(_MINE).with_for_update()
_RENEW = update(JOBS).where(
    JOBS.c.request_id.in_(bindparam("wanted", expanding=True)),
    JOBS.c.worker_id == bindparam("wanted_worker"),
    JOBS.c.status == bindparam("wanted_status"),
    JOBS.c.leased_attempt == JOBS.c.attempts,
)
_NOTE_FAILURE = _UPDATE_ATTEMPT.where(JOBS.c.status == bindparam("wanted_status"))
_GIVE_BACK = _UPDATE_ATTEMPT.where(
    JOBS.c.worker_id == bindparam("wanted_worker"),
    JOBS.c.status == bindparam("wanted_status"),
)
_CLAIMED = select(JOBS.c.message_id, JOBS.c.worker_id).where(
    JOBS.c.status == bindparam("wanted_status"),
    JOBS.c.queue == bindparam("wanted_queue"),
    JOBS.c.leased_attempt == JOBS.c.attempts,
    JOBS.c.leased_until >= bindparam("now"),
)
_DELETE = delete(JOBS).where(_MINE)
_REOPEN = _DELETE.where(JOBS.c.status == Status.FAILED.value)
#: End of a released claim, over for a worker with any clock.
_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - the database has naive times
_RELEASE = _UPDATE_ATTEMPT.where(JOBS.c.status == bindparam("wanted_status")).values(
    worker_id="", leased_until=_LONG_AGO, leased_attempt=JOBS.c.attempts
)
_HAS_LEASE = JOBS.c.leased_attempt.is_not_distinct_from(JOBS.c.attempts)
_RELEASE_ABANDONED = _RELEASE.where(
    or_(
        and_(_HAS_LEASE, JOBS.c.leased_until < bindparam("now")),
        and_(~_HAS_LEASE, JOBS.c.updated_at < bindparam("abandoned_before")),
    )
)
_PING = text("SELECT 1")
#: By the index `ix_jobs_function`.
_PEAKS = (
    select(JOBS.c.memory_usage_mb)
    .where(
        JOBS.c.function_id == bindparam("wanted_function"),  # compares in any case
        func.binary(JOBS.c.function_id) == func.binary(bindparam("wanted_function")),
        JOBS.c.status == bindparam("wanted_status"),
        JOBS.c.memory_usage_mb.is_not(None),
    )
    .order_by(JOBS.c.updated_at.desc())
    .limit(bindparam("most"))
)

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

    def outbox(self) -> MysqlOutbox:
        """Return the webhooks of the results, in the same database."""
        return MysqlOutbox(self._engine)

    def claim(self, claim: Claim) -> ClaimOutcome:
        """Count an attempt and take the job, atomically."""
        with translated(_WHERE):
            try:
                with self._engine.connect() as connection:
                    connection.execute(_INSERT, self._first_row(claim))
            except IntegrityError:  # the row exists
                return self._claim_again(claim)
        return Granted(1)

    def renew(self, worker_id: str, request_ids: Sequence[str], lease: timedelta) -> None:
        """Renew leases with one statement."""
        values = {
            "leased_until": self._now() + lease,
            "wanted": list(request_ids),
            "wanted_worker": worker_id,
            "wanted_status": _RUNNING,
        }
        with translated(_WHERE), self._engine.connect() as connection:
            connection.execute(_RENEW, values)

    def give_back(self, worker_id: str, request_id: str, attempt: int) -> bool:
        """End a claim without counting its attempt; its worker cannot renew it any more."""
        now = self._now()
        values = {
            "attempts": attempt - 1,
            "worker_id": "",
            "progress": None,
            "updated_at": now,
            "leased_until": now - timedelta(seconds=1),
            "leased_attempt": attempt - 1,
            "wanted": request_id,
            "wanted_attempt": attempt,
            "wanted_worker": worker_id,
            "wanted_status": _RUNNING,
        }
        with translated(_WHERE), self._engine.connect() as connection:
            return bool(connection.execute(_GIVE_BACK, values).rowcount)

    def note_failure(self, request_id: str, attempt: int) -> None:
        """Note the failure of an attempt."""
        values = {
            "settled_attempts": attempt,
            "wanted": request_id,
            "wanted_attempt": attempt,
            "wanted_status": _RUNNING,
        }
        with translated(_WHERE), self._engine.connect() as connection:
            connection.execute(_NOTE_FAILURE, values)

    def note_progress(self, notes: Sequence[ProgressNote]) -> None:
        """Note how far running attempts are, with one statement."""
        if not notes:
            return
        mine = [(note.request_id, note.attempt) for note in notes]
        statement = (
            update(JOBS)
            .where(
                JOBS.c.request_id.in_([note.request_id for note in notes]),
                tuple_(JOBS.c.request_id, JOBS.c.attempts).in_(mine),
                JOBS.c.status == _RUNNING,
            )
            .values(progress=case({n.request_id: n.text for n in notes}, value=JOBS.c.request_id))
        )
        with translated(_WHERE), self._engine.connect() as connection:
            connection.execute(statement)

    def finish(
        self, result: JobResult, *, attempt: int = 0, callback: Callback | None = None
    ) -> bool:
        """Store a result, fenced by the number of the attempt; inserts a missing row."""
        if callback is None:  # one statement, without a transaction
            with translated(_WHERE), self._engine.connect() as connection:
                return self._finish(connection, result, attempt, None)
        is_batch = callback.batch_id is not None
        with (
            translated(_WHERE),
            self._engine.connect() as connection,
            transaction(connection, read_committed=is_batch),
        ):
            stored = self._finish(connection, result, attempt, callback)
            if stored:
                put_in_outbox(connection, callback, result, self._now())
        return stored

    def _finish(
        self, connection: Connection, result: JobResult, attempt: int, callback: Callback | None
    ) -> bool:
        values = {**outcome_columns(result), "updated_at": self._now(), "progress": None}
        mine = {"wanted": result.request_id, "wanted_attempt": attempt}
        if connection.execute(_UPDATE_ATTEMPT, {**values, **mine}).rowcount:
            return True
        new = {**_unclaimed_row(result, callback), **values, "attempts": attempt}
        try:
            connection.execute(_INSERT, new)
        except IntegrityError:  # the row belongs to another attempt
            return False
        return True

    def get(self, request_id: str) -> JobRecord | None:
        """Read one row."""
        with translated(_WHERE), self._engine.connect() as connection:
            row = _row(connection, _SELECT, request_id)
        return None if row is None else job_record(row)

    def reopen(self, request_id: str) -> bool:
        """Delete the row of a failed request."""
        with translated(_WHERE), self._engine.connect() as connection:
            done = connection.execute(_REOPEN, {"wanted": request_id})
        return bool(done.rowcount)

    def release(self, request_id: str, attempt: int, *, force: bool = False) -> bool:
        """End the claim of an attempt."""
        mine = {"wanted": request_id, "wanted_attempt": attempt, "wanted_status": _RUNNING}
        with translated(_WHERE), self._engine.connect() as connection:
            if force:
                return bool(connection.execute(_RELEASE, mine).rowcount)
            now = self._now()
            times = {"now": now, "abandoned_before": now - ABANDONED_AFTER}
            return bool(connection.execute(_RELEASE_ABANDONED, {**mine, **times}).rowcount)

    def delete(self, request_id: str) -> None:
        """Delete one row, if it exists."""
        with translated(_WHERE), self._engine.connect() as connection:
            connection.execute(_DELETE, {"wanted": request_id})

    def claimed(self, queue: str) -> dict[str, str]:
        """Return the messages of a queue whose claims hold: original id to worker."""
        wanted = {"wanted_status": _RUNNING, "wanted_queue": queue, "now": self._now()}
        with translated(_WHERE), self._engine.connect() as connection:
            return {row.message_id: row.worker_id for row in connection.execute(_CLAIMED, wanted)}

    def peaks_mb(self, function_id: str, most: int) -> list[int]:
        """Read the peak memory of the last successful runs of a function, the newest first."""
        wanted = {
            "wanted_function": function_id,
            "wanted_status": Status.COMPLETED.value,
            "most": most,
        }
        with translated(_WHERE), self._engine.connect() as connection:
            return [row.memory_usage_mb for row in connection.execute(_PEAKS, wanted)]

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
                same_message = row["message_id"] == claim.message_id
                return AlreadyFinished(result, same_message, row["attempts"])
            if row["message_id"] != claim.message_id and not self._is_abandoned(row):
                return HeldByAnother(row["worker_id"])
            return self._take_over(connection, claim, row)

    def _take_over(self, connection: Connection, claim: Claim, row: RowMapping) -> Granted:
        attempt = row["attempts"] + 1
        taken = {
            "attempts": attempt,
            "message_id": claim.message_id,
            "worker_id": claim.worker_id,
            "queue": claim.queue,
            "progress": None,
            **self._lease(claim, attempt),
        }
        connection.execute(_UPDATE, {**taken, "wanted": claim.request.request_id})
        return Granted(attempt, row["settled_attempts"] or 0)

    def _is_abandoned(self, row: RowMapping) -> bool:
        return _held_until(row) < self._now()

    def _lease(self, claim: Claim, attempt: int) -> dict[str, Any]:
        now = self._now()
        return {
            "updated_at": now,
            "leased_until": now + claim.lease,
            "leased_attempt": attempt,
        }

    def _first_row(self, claim: Claim) -> Mapping[str, Any]:
        lease = self._lease(claim, 1)
        return {
            "request_id": claim.request.request_id,
            **_about(claim.request),
            "submitted_at": _submitted_at(claim.request),
            "function_id": getattr(claim.request, "function_id", None),
            **_ways_out(claim.request),
            "queue": claim.queue,
            "status": _RUNNING,
            "attempts": 1,
            "message_id": claim.message_id,
            "worker_id": claim.worker_id,
            "created_at": lease["updated_at"],
            **lease,
        }


def job_record(row: RowMapping) -> JobRecord:
    """Convert a row."""
    return JobRecord(
        request_id=row["request_id"],
        status=row["status"],
        attempts=row["attempts"],
        worker_id=row["worker_id"],
        queue=row["queue"],
        result=_stored_result(row),
        updated_at=row["updated_at"].replace(tzinfo=UTC),
        created_at=row["created_at"].replace(tzinfo=UTC),
        held_until=_held_until(row).replace(tzinfo=UTC) if row["status"] == _RUNNING else None,
        message_id=row["message_id"],
        progress=row.get("progress"),
    )


def _held_until(row: RowMapping) -> datetime:
    """Return when a claim ends; that of an older worker has no lease."""
    if row.get("leased_attempt") == row["attempts"]:
        leased_until: datetime = row["leased_until"]
        return leased_until
    updated_at: datetime = row["updated_at"]
    return updated_at + ABANDONED_AFTER


def _about(request: JobRequest) -> dict[str, str]:
    """Copy the fields to search for; requests of other handlers may lack them."""
    return {
        name: str(getattr(request, name, None) or "")[:length] for name, length in _ABOUT.items()
    }


def _submitted_at(request: JobRequest) -> datetime | None:
    """Return the time of a request, naive; requests of other handlers may have none."""
    moment = getattr(request, "timestamp", None)
    return moment.astimezone(UTC).replace(tzinfo=None) if isinstance(moment, datetime) else None


def _ways_out(request: JobRequest) -> dict[str, Any]:
    """Copy webhook and batch."""
    return {
        "webhook_url": request.webhook_url,
        "batch_id": request.batch_id,
        "batch_size": request.batch_size,
    }


def _row(connection: Connection, query: Select[Any], request_id: str) -> RowMapping | None:
    return connection.execute(query, {"wanted": request_id}).mappings().one_or_none()


def _stored_result(row: RowMapping) -> JobResult | None:
    text_ = row["result_json"]
    return None if text_ is None else JobResult.from_json(text_)


def outcome_columns(result: JobResult) -> dict[str, Any]:
    """Return the columns that a result sets; a grade and an answer have some of their own."""
    grade = result.result if isinstance(result.result, Grade) else None
    answer = result.result if isinstance(result.result, FunctionAnswer) else None
    error = result.error
    return {
        "status": result.status.value,
        "verdict": None if grade is None else grade.verdict.value,
        "score": None if grade is None else grade.score,
        "execution_time_ms": None if grade is None else grade.execution_time,
        "memory_usage_mb": _memory_mb(grade, answer),
        "error_code": None if error is None else error.code.value,
        "result_file": result.result_file,
        "result_json": result.to_json().decode(),
    }


def _memory_mb(grade: Grade | None, answer: FunctionAnswer | None) -> int | None:
    if grade is not None:
        return grade.memory_usage
    # The last runs of a function are read by this column: only what a success needed counts.
    if answer is not None and answer.status is FunctionStatus.SUCCESS:
        return answer.peak_memory_mb
    return None


def _unclaimed_row(result: JobResult, callback: Callback | None) -> dict[str, Any]:
    """Build the row of a request rejected before its claim: its id, the result and the webhook."""
    known: dict[str, Any] = {}
    if callback is not None:
        known = {
            "webhook_url": callback.url,
            "batch_id": callback.batch_id,
            "batch_size": callback.batch_size or None,
        }
    unknown = dict.fromkeys((*_ABOUT, "queue", "message_id", "worker_id"), "")
    return {
        **unknown,
        **known,
        "request_id": result.request_id,
        "attempts": 0,
        "created_at": result.timestamp.astimezone(UTC).replace(tzinfo=None),
    }
