"""The outbox of webhooks on MySQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    Select,
    and_,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.mysql import DATETIME, insert
from sqlalchemy.exc import ProgrammingError

from grader.adapters.mysql.engine import transaction, translated
from grader.adapters.mysql.submissions import SELECT_ROWS, submission_row
from grader.adapters.mysql.table import JOBS, WEBHOOK_DELIVERIES
from grader.contract.callbacks import Callback
from grader.contract.messages import JobResult
from grader.contract.verdicts import Status
from grader.ports.results import DeliveryStatus, WebhookDelivery
from grader.ports.submissions import SubmissionRow

_WHERE = "database"
_LONGEST_ERROR = 1024
_NO_SUCH_TABLE = 1146
_ROWS_AT_ONCE = 20
_ROW = WEBHOOK_DELIVERIES.c
_PENDING, _DELIVERED, _DEAD = (each.value for each in DeliveryStatus)
_FINISHED = JOBS.c.status.in_([each.value for each in Status])

_CLOCK: Select[Any] = select(func.utc_timestamp(6))
#: Columns compare in any case; the first condition uses the index.
_IN_BATCH = and_(
    JOBS.c.batch_id == bindparam("batch"),
    func.binary(JOBS.c.batch_id) == func.binary(bindparam("batch")),
    func.binary(JOBS.c.webhook_url) == func.binary(bindparam("url")),
)
_BATCH_FINISHED = select(func.count()).select_from(JOBS).where(_IN_BATCH, _FINISHED)
#: A batch that was delivered, or that is being sent, is not due again.
_BATCH_IS_DUE = update(WEBHOOK_DELIVERIES).where(
    _ROW.delivery_id == bindparam("wanted"),
    _ROW.status == _PENDING,
    _ROW.attempts == 0,
    _ROW.next_attempt_at.is_(None),
)
_DUE = and_(
    _ROW.status == _PENDING,
    _ROW.next_attempt_at <= bindparam("now"),
    or_(_ROW.leased_until.is_(None), _ROW.leased_until <= bindparam("now")),
    _ROW.host.not_in(bindparam("busy_hosts", expanding=True)),
)
_ANY_DUE: Select[Any] = (
    select(literal_column("1")).select_from(WEBHOOK_DELIVERIES).where(_DUE).limit(1)
)
_TAKE = (
    select(WEBHOOK_DELIVERIES)
    .where(_DUE)
    .order_by(_ROW.next_attempt_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_AMONG = update(WEBHOOK_DELIVERIES).where(
    _ROW.delivery_id.in_(bindparam("wanted", expanding=True)), _ROW.status == _PENDING
)
_SET_DELIVERED = _AMONG.values(
    status=_DELIVERED,
    attempts=_ROW.attempts + 1,
    delivered_at=bindparam("now"),
    next_attempt_at=None,
    leased_until=None,
    last_error="",
)
_SET_FAILED = update(WEBHOOK_DELIVERIES).where(
    _ROW.delivery_id == bindparam("wanted"),
    _ROW.status == _PENDING,
    _ROW.attempts == bindparam("wanted_attempts"),
)
_RESEND = update(WEBHOOK_DELIVERIES).where(
    _ROW.delivery_id == bindparam("wanted"),
    or_(_ROW.status != _PENDING, _ROW.next_attempt_at.is_not(None)),
)
_PRUNE = delete(WEBHOOK_DELIVERIES).where(
    _ROW.delivery_id.in_(bindparam("wanted", expanding=True)), _ROW.status != _PENDING
)
_OLD = (
    select(_ROW.delivery_id)
    .where(_ROW.created_at < bindparam("before"), _ROW.status != _PENDING)
    .limit(bindparam("most"))
)
_WAITING = (
    select(_ROW.delivery_id)
    .where(
        _ROW.status == _PENDING,
        _ROW.next_attempt_at.is_(None),
        _ROW.created_at < bindparam("before"),
    )
    .limit(bindparam("most"))
)
_NAMED_JOBS = SELECT_ROWS.where(JOBS.c.request_id.in_(bindparam("wanted", expanding=True)))
_BATCH_PAGE = (
    SELECT_ROWS.where(_IN_BATCH, JOBS.c.request_id > bindparam("after"))
    .order_by(JOBS.c.request_id)
    .limit(_ROWS_AT_ONCE)
)


def put_in_outbox(
    connection: Connection, callback: Callback, result: JobResult, now: datetime
) -> None:
    """
    Add the webhook of a result in the transaction that stores it; no effect if it is there.

    The row of a batch is locked until the transaction ends, so of two results that are stored at
    the same time the second one sees the first, and makes the batch due.

    Args:
        connection: In a transaction.
        callback: The webhook.
        result: The result.
        now: Current time of this process, UTC and naive; that of the database if that is earlier.
    """
    key = callback.delivery_id(result)
    at_once = func.least(cast(now, DATETIME(fsp=6)), func.utc_timestamp(6))
    row = insert(WEBHOOK_DELIVERIES).values(
        delivery_id=key,
        subject=callback.subject(result),
        is_batch=callback.batch_id is not None,
        url=callback.url,
        host=callback.host,
        status=_DEAD if callback.refusal else _PENDING,
        attempts=0,
        next_attempt_at=None if callback.refusal or callback.batch_id is not None else at_once,
        last_error=callback.refusal[:_LONGEST_ERROR],
        created_at=at_once,
    )
    connection.execute(row.on_duplicate_key_update(delivery_id=key))
    if callback.batch_id is None:
        return
    batch = {"batch": callback.batch_id, "url": callback.url}
    finished = connection.scalar(_BATCH_FINISHED, batch)
    if (finished or 0) >= callback.batch_size:
        connection.execute(_BATCH_IS_DUE.values(next_attempt_at=at_once), {"wanted": key})


class MysqlOutbox:
    """
    `grader.ports.results.Outbox` over SQLAlchemy; raises as `MysqlJobStore`.

    Args:
        engine: From `open_engine`; thread-safe.
        now: Current time, UTC and naive; None for that of the database.
    """

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] | None = None) -> None:
        self._engine = engine
        self._clock = now

    def take(
        self, most: int, lease: timedelta, *, busy: Mapping[str, int], most_per_host: int
    ) -> list[WebhookDelivery]:
        """Take deliveries that are due; rows that another sender is taking are passed over."""
        full = [host for host, count in busy.items() if count >= most_per_host]
        with translated(_WHERE), self._engine.connect() as connection:
            now = self._now(connection)
            due = {"now": now, "busy_hosts": full}
            if connection.scalar(_ANY_DUE, due) is None:
                return []
            with transaction(connection, read_committed=True):
                rows = connection.execute(_TAKE, {**due, "most": most}).mappings().all()
                taken = _within_limits(rows, busy, most_per_host)
                if taken:
                    wanted = [row["delivery_id"] for row in taken]
                    until = now + lease
                    connection.execute(_AMONG, {"wanted": wanted, "leased_until": until})
            return [_delivery(row) for row in taken]

    def release(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Give back deliveries with one statement."""
        wanted = [each.delivery_id for each in deliveries]
        with translated(_WHERE), self._engine.connect() as connection:
            connection.execute(_AMONG, {"wanted": wanted, "leased_until": None})

    def delivered(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Note the success of attempts with one statement."""
        wanted = [each.delivery_id for each in deliveries]
        with translated(_WHERE), self._engine.connect() as connection:
            now = self._now(connection)
            connection.execute(_SET_DELIVERED, {"wanted": wanted, "now": now})

    def failed(self, delivery: WebhookDelivery, reason: str, delay: timedelta | None) -> None:
        """Note the failure of an attempt."""
        with translated(_WHERE), self._engine.connect() as connection:
            now = self._now(connection)
            values = {
                "status": _DEAD if delay is None else _PENDING,
                "attempts": delivery.attempts + 1,
                "next_attempt_at": None if delay is None else now + delay,
                "leased_until": None,
                "last_error": reason[:_LONGEST_ERROR],
            }
            mine = {"wanted": delivery.delivery_id, "wanted_attempts": delivery.attempts}
            connection.execute(_SET_FAILED, {**values, **mine})

    def find(
        self, *, status: DeliveryStatus | None = None, subject: str = "", most: int = 100
    ) -> list[WebhookDelivery]:
        """Read deliveries, the newest first."""
        query = select(WEBHOOK_DELIVERIES).order_by(_ROW.created_at.desc()).limit(most)
        if status is not None:
            query = query.where(_ROW.status == status.value)
        if subject:
            query = query.where(_ROW.subject == subject)
        with translated(_WHERE), self._engine.connect() as connection:
            try:
                return [_delivery(row) for row in connection.execute(query).mappings()]
            except ProgrammingError as error:
                if error.orig is not None and error.orig.args[0] == _NO_SUCH_TABLE:
                    return []  # gradectl also reads databases that no worker has migrated yet
                raise

    def resend(self, delivery_id: str) -> bool:
        """Make a delivery due now."""
        with translated(_WHERE), self._engine.connect() as connection:
            values = {
                "status": _PENDING,
                "attempts": 0,
                "next_attempt_at": self._now(connection),
                "delivered_at": None,
                "leased_until": None,
                "last_error": "",
            }
            done = connection.execute(_RESEND, {**values, "wanted": delivery_id})
            return bool(done.rowcount)

    def jobs(self, request_ids: Sequence[str]) -> dict[str, SubmissionRow]:
        """Read the rows of requests with one statement."""
        with translated(_WHERE), self._engine.connect() as connection:
            rows = connection.execute(_NAMED_JOBS, {"wanted": list(request_ids)}).mappings()
            return {row["request_id"]: submission_row(row) for row in rows}

    def batch(self, batch_id: str, url: str) -> Iterator[SubmissionRow]:
        """Read the rows of a batch, a few at a time."""
        after = ""
        while True:
            wanted = {"batch": batch_id, "url": url, "after": after}
            with translated(_WHERE), self._engine.connect() as connection:
                rows = connection.execute(_BATCH_PAGE, wanted).mappings().all()
            yield from map(submission_row, rows)
            if len(rows) < _ROWS_AT_ONCE:
                return
            after = rows[-1]["request_id"]

    def end_waiting(self, age: timedelta, most: int) -> int:
        """Make batches due by their ids, as `prune` deletes."""
        with translated(_WHERE), self._engine.connect() as connection:
            now = self._now(connection)
            old = list(connection.scalars(_WAITING, {"before": now - age, "most": most}))
            if old:
                connection.execute(_AMONG, {"wanted": old, "next_attempt_at": now})
            return len(old)

    def prune(self, age: timedelta, most: int) -> int:
        """Delete old deliveries by their ids: a range would lock those that are added."""
        with translated(_WHERE), self._engine.connect() as connection:
            before = self._now(connection) - age
            old = list(connection.scalars(_OLD, {"before": before, "most": most}))
            if not old:
                return 0
            return connection.execute(_PRUNE, {"wanted": old}).rowcount

    def _now(self, connection: Connection) -> datetime:
        if self._clock is not None:
            return self._clock()
        now: datetime = connection.execute(_CLOCK).scalar_one()
        return now


def _within_limits(
    rows: Sequence[RowMapping], busy: Mapping[str, int], most_per_host: int
) -> list[RowMapping]:
    """Return the first rows of each host, up to its limit."""
    counts = Counter(busy)
    taken = []
    for row in rows:
        if counts[row["host"]] < most_per_host:
            counts[row["host"]] += 1
            taken.append(row)
    return taken


def _delivery(row: RowMapping) -> WebhookDelivery:
    return WebhookDelivery(
        delivery_id=row["delivery_id"],
        subject=row["subject"],
        is_batch=bool(row["is_batch"]),
        url=row["url"],
        host=row["host"],
        status=DeliveryStatus(row["status"]),
        attempts=row["attempts"],
        next_attempt_at=_aware(row["next_attempt_at"]),
        last_error=row["last_error"],
        created_at=row["created_at"].replace(tzinfo=UTC),
        delivered_at=_aware(row["delivered_at"]),
    )


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
