"""
Ways of a result to those who asked, in addition to the queue and the row.

None of them may lose or delay a job: they are called after the result is stored, return at once and
raise nothing. What they cannot pass on is logged and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from grader.contract.messages import JobRequest, JobResult
from grader.contract.submissions import Progress


class ResultBus(Protocol):
    """Passes stored results on; away: logged and counted."""

    def publish(self, request: JobRequest, result: JobResult) -> None:
        """Pass a result on, without waiting for anything."""
        ...

    def close(self) -> None:
        """Pass on what is left, for at most a second."""
        ...


class ProgressSink(Protocol):
    """Shows how far jobs are: lossy and bounded, never at the cost of grading."""

    def report(self, request_id: str, progress: Progress) -> None:
        """Replace the progress of a job, without waiting for anything."""
        ...


class DeliveryStatus(StrEnum):
    """Where the delivery of a webhook is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True)
class WebhookDelivery:
    """
    A row of the outbox.

    Args:
        delivery_id: The header `webhook-id`, the same at each attempt.
        subject: The request id, or the batch id.
        is_batch: Which of both.
        url: Where it goes.
        status: Where it is.
        attempts: How often it was sent.
        next_attempt_at: When it is sent again, UTC; None: never.
        last_error: Why the last attempt failed; empty without one.
        created_at: When the result was stored, UTC.
    """

    delivery_id: str
    subject: str
    is_batch: bool
    url: str
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    last_error: str
    created_at: datetime
    delivered_at: datetime | None = None


class Outbox(Protocol):
    """
    Webhooks to send. Raises `TemporaryError` when the database cannot be reached.

    `JobStore.finish` puts them in, in the transaction that stores the result.
    """

    def take(self, most: int, lease: timedelta) -> Sequence[WebhookDelivery]:
        """Take deliveries that are due; no other process gets them until the lease ends."""
        ...

    def delivered(self, delivery: WebhookDelivery) -> None:
        """Note the success of an attempt."""
        ...

    def failed(
        self, delivery: WebhookDelivery, reason: str, next_attempt_at: datetime | None
    ) -> None:
        """Note the failure of an attempt; without a next one the delivery is dead."""
        ...

    def find(
        self, *, status: DeliveryStatus | None = None, subject: str = "", most: int = 100
    ) -> Sequence[WebhookDelivery]:
        """Read deliveries, the newest first."""
        ...

    def resend(self, delivery_id: str) -> bool:
        """Make a delivery due now, with a new day of attempts; False if there is none."""
        ...
