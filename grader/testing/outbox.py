"""In-memory fake of the outbox of webhooks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from grader.contract.callbacks import Callback
from grader.contract.messages import JobResult
from grader.ports.results import DeliveryStatus, WebhookDelivery
from grader.ports.submissions import SubmissionRow


@dataclass
class _Row:
    delivery: WebhookDelivery
    leased_until: datetime | None = None


class MemoryOutbox:
    """
    An in-memory outbox; thread-safe. `MemoryJobStore` has one.

    Args:
        submission_rows: Reads the table of jobs in the order of the request ids: all rows, or those
            of the batch with an id and a webhook.
        now: Current time, UTC.
    """

    def __init__(
        self,
        submission_rows: Callable[..., list[SubmissionRow]],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._submission_rows = submission_rows
        self._clock = now
        self._rows: dict[str, _Row] = {}
        self._lock = threading.Lock()

    def put(self, callback: Callback, result: JobResult, now: datetime) -> None:
        """Add the webhook of a result that is stored already; no effect if it is there."""
        key = callback.delivery_id(result)
        new = WebhookDelivery(
            delivery_id=key,
            subject=callback.subject(result),
            is_batch=callback.batch_id is not None,
            url=callback.url,
            host=callback.host,
            status=DeliveryStatus.DEAD if callback.refusal else DeliveryStatus.PENDING,
            attempts=0,
            next_attempt_at=None if callback.refusal or callback.batch_id is not None else now,
            last_error=callback.refusal,
            created_at=now,
        )
        with self._lock:
            row = self._rows.setdefault(key, _Row(new))
            waits = row.delivery.is_waiting and row.delivery.attempts == 0
            if waits and self._is_complete(callback):
                row.delivery = replace(row.delivery, next_attempt_at=now)

    def _is_complete(self, callback: Callback) -> bool:
        jobs = self._submission_rows(callback.batch_id, callback.url)
        return sum(each.is_final for each in jobs) >= callback.batch_size

    def take(
        self, most: int, lease: timedelta, *, busy: Mapping[str, int], most_per_host: int
    ) -> list[WebhookDelivery]:
        """Take deliveries that are due."""
        now = self._now()
        counts = Counter(busy)
        taken: list[WebhookDelivery] = []
        with self._lock:
            due = [row for row in self._rows.values() if _is_due(row, now)]
            for row in sorted(due, key=lambda each: each.delivery.next_attempt_at or now):
                host = row.delivery.host
                if len(taken) < most and counts[host] < most_per_host:
                    counts[host] += 1
                    row.leased_until = now + lease
                    taken.append(row.delivery)
        return taken

    def release(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Give back deliveries."""
        with self._lock:
            for each in deliveries:
                self._rows[each.delivery_id].leased_until = None

    def delivered(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Note the success of attempts."""
        now = self._now()
        with self._lock:
            for each in deliveries:
                row = self._rows[each.delivery_id]
                if row.delivery.status is DeliveryStatus.PENDING:
                    row.leased_until = None
                    row.delivery = replace(
                        row.delivery,
                        status=DeliveryStatus.DELIVERED,
                        attempts=row.delivery.attempts + 1,
                        next_attempt_at=None,
                        last_error="",
                        delivered_at=now,
                    )

    def failed(self, delivery: WebhookDelivery, reason: str, delay: timedelta | None) -> None:
        """Note the failure of an attempt."""
        now = self._now()
        with self._lock:
            row = self._rows[delivery.delivery_id]
            expected = (DeliveryStatus.PENDING, delivery.attempts)
            if (row.delivery.status, row.delivery.attempts) == expected:
                row.leased_until = None
                row.delivery = replace(
                    row.delivery,
                    status=DeliveryStatus.DEAD if delay is None else DeliveryStatus.PENDING,
                    attempts=delivery.attempts + 1,
                    next_attempt_at=None if delay is None else now + delay,
                    last_error=reason,
                )

    def find(
        self, *, status: DeliveryStatus | None = None, subject: str = "", most: int = 100
    ) -> list[WebhookDelivery]:
        """Read deliveries, the newest first."""
        with self._lock:
            found = [
                row.delivery
                for row in self._rows.values()
                if status in (None, row.delivery.status) and subject in ("", row.delivery.subject)
            ]
        return sorted(found, key=lambda each: each.created_at, reverse=True)[:most]

    def resend(self, delivery_id: str) -> bool:
        """Make a delivery due now."""
        now = self._now()
        with self._lock:
            row = self._rows.get(delivery_id)
            if row is None or row.delivery.is_waiting:
                return False
            row.leased_until = None
            row.delivery = replace(
                row.delivery,
                status=DeliveryStatus.PENDING,
                attempts=0,
                next_attempt_at=now,
                last_error="",
                delivered_at=None,
            )
            return True

    def jobs(self, request_ids: Sequence[str]) -> dict[str, SubmissionRow]:
        """Read the rows of requests."""
        jobs = {each.request_id: each for each in self._submission_rows()}
        return {each: jobs[each] for each in request_ids if each in jobs}

    def batch(self, batch_id: str, url: str) -> Iterator[SubmissionRow]:
        """Read the rows of a batch."""
        return iter(self._submission_rows(batch_id, url))

    def end_waiting(self, age: timedelta, most: int) -> int:
        """Make the oldest batches due that still wait for requests."""
        now = self._now()
        with self._lock:
            rows = [row for row in self._rows.values() if row.delivery.is_waiting]
            old = [row for row in rows if row.delivery.created_at < now - age][:most]
            for row in old:
                row.delivery = replace(row.delivery, next_attempt_at=now)
        return len(old)

    def prune(self, age: timedelta, most: int) -> int:
        """Delete deliveries that ended and are older."""
        before = self._now() - age
        with self._lock:
            old = [
                key
                for key, row in self._rows.items()
                if row.delivery.created_at < before
                and row.delivery.status is not DeliveryStatus.PENDING
            ][:most]
            for key in old:
                del self._rows[key]
        return len(old)

    def _now(self) -> datetime:
        return self._clock().replace(tzinfo=UTC)


def _is_due(row: _Row, now: datetime) -> bool:
    due = row.delivery.next_attempt_at
    is_free = row.leased_until is None or row.leased_until <= now
    return due is not None and due <= now and is_free
