"""
Ways of a result to those who asked, in addition to the queue and the row.

None of them may lose or delay a job: they are called after the result is stored, return at once and
raise nothing. What they cannot pass on is logged and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from grader.contract.messages import JobResult
from grader.contract.submissions import Progress
from grader.ports.submissions import SubmissionRow


class ResultBus(Protocol):
    """Passes stored results on; away: logged and counted."""

    def publish(self, body: bytes, result: JobResult, attempts: int) -> None:
        """
        Pass a result on, without waiting for anything.

        Args:
            body: The message of the request, which may be invalid.
            result: Its result.
            attempts: Number of attempts made.
        """
        ...


class ProgressSink(Protocol):
    """Shows how far jobs are: lossy and bounded, never at the cost of grading."""

    def report(self, request_id: str, progress: Callable[[], Progress]) -> None:
        """
        Replace the progress of a job, without waiting for anything.

        Args:
            request_id: The request.
            progress: Makes the document; called on another thread, and only for what is shown.
        """
        ...


class NoResultBus:
    """Passes nothing on."""

    def publish(self, body: bytes, result: JobResult, attempts: int) -> None:
        """Do nothing."""


class NoProgress:
    """Shows nothing."""

    def report(self, request_id: str, progress: Callable[[], Progress]) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class PushedValue:
    """
    A text that is published, and kept for who asks later.

    Args:
        name: Of the channel and of the key.
        text: The document as JSON.
        replaces: A key that is deleted with it; empty for none.
    """

    name: str
    text: bytes
    replaces: str = ""


class ValuePublisher(Protocol):
    """A connection that publishes values; used by one thread."""

    def publish(self, values: Sequence[PushedValue]) -> str:
        """
        Publish values in order, in one round trip.

        Returns:
            Why some were not kept, such as: the memory is full; empty if all were.

        Raises:
            GraderError: The service is away, not trusted, or refuses the login.
        """
        ...

    def close(self) -> None:
        """Disconnect."""
        ...


@dataclass(frozen=True)
class ProgressNote:
    """
    Progress of a running attempt.

    Args:
        request_id: The request.
        attempt: Number of the attempt.
        text: The progress as JSON.
    """

    request_id: str
    attempt: int
    text: str


def result_channel(request_id: str) -> str:
    """Name of the channel and the key with the result of a request."""
    return f"result:{request_id}"


def progress_channel(request_id: str) -> str:
    """Name of the channel and the key with the progress of a request."""
    return f"progress:{request_id}"


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
        host: Host of the URL; empty if that is not valid.
        status: Where it is.
        attempts: How often it was sent.
        next_attempt_at: When it is sent again, UTC; None: never, or when all of its batch ended.
        last_error: Why the last attempt failed; empty without one.
        created_at: When the result was stored, UTC.
        delivered_at: When the receiver accepted it, UTC.
    """

    delivery_id: str
    subject: str
    is_batch: bool
    url: str
    host: str
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    last_error: str
    created_at: datetime
    delivered_at: datetime | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether it waits until all requests of its batch have ended."""
        return (
            self.is_batch
            and self.status is DeliveryStatus.PENDING
            and self.next_attempt_at is None
        )  # fmt: skip


class Outbox(Protocol):
    """
    Webhooks to send. Raises `TemporaryError` when the database cannot be reached.

    `JobStore.finish` puts them in, in the transaction that stores the result. All times are those
    of the database: the clocks of the senders may differ.
    """

    def take(
        self, most: int, lease: timedelta, *, busy: Mapping[str, int], most_per_host: int
    ) -> Sequence[WebhookDelivery]:
        """
        Take deliveries that are due; no other process gets them until the lease ends.

        Args:
            most: How many at most.
            lease: For how long.
            busy: Deliveries that are being sent, by host.
            most_per_host: How many may be sent to one host, with those.
        """
        ...

    def release(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Give back deliveries that were taken and not sent."""
        ...

    def delivered(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Note the success of attempts."""
        ...

    def failed(self, delivery: WebhookDelivery, reason: str, delay: timedelta | None) -> None:
        """Note the failure of an attempt; without a next one the delivery is dead."""
        ...

    def find(
        self, *, status: DeliveryStatus | None = None, subject: str = "", most: int = 100
    ) -> Sequence[WebhookDelivery]:
        """Read deliveries, the newest first."""
        ...

    def resend(self, delivery_id: str) -> bool:
        """
        Make a delivery due now, with a new day of attempts.

        Returns:
            False if there is none, or if it waits for its batch.
        """
        ...

    def jobs(self, request_ids: Sequence[str]) -> Mapping[str, SubmissionRow]:
        """Read the rows of requests, by request id."""
        ...

    def batch(self, batch_id: str, url: str) -> Iterator[SubmissionRow]:
        """
        Read the rows of a batch one by one, in the order of their ids: together they may be large.

        Args:
            batch_id: Its id, which other programs may use for batches of theirs.
            url: The webhook of its requests.
        """
        ...

    def end_waiting(self, age: timedelta, most: int) -> int:
        """Make the oldest batches due that still wait for requests; returns how many."""
        ...

    def prune(self, age: timedelta, most: int) -> int:
        """Delete deliveries that ended and are older; returns how many."""
        ...


@dataclass(frozen=True)
class Answer:
    """
    The answer of a receiver.

    Args:
        status: The status code.
        retry_after: The header, or empty.
        excerpt: The beginning of the body, as text.
    """

    status: int
    retry_after: str = ""
    excerpt: str = ""


class WebhookClient(Protocol):
    """Sends signed bodies over HTTPS."""

    def resolve(self, host: str, port: int) -> Sequence[str]:
        """
        Resolve a host to its addresses.

        Raises:
            TemporaryError: It cannot be resolved.
        """
        ...

    def post(self, request: SignedPost, deadline: float) -> Answer:
        """
        Post a body to an address, without following redirects.

        Args:
            request: What is sent, and where.
            deadline: By `time.monotonic`, for connecting, sending and reading together.

        Raises:
            ConnectionLostError: The address cannot be connected to; another one may.
            TrustError: The certificate is not that of the host, or not trusted.
            TemporaryError: The receiver did not answer in time, or broke off.
        """
        ...


@dataclass(frozen=True)
class SignedPost:
    """
    What is sent to a receiver.

    Args:
        host: Its name, for TLS.
        address: The address to connect to.
        port: The port.
        path: Path and query.
        headers: With Host and the signature.
        body: The body.
    """

    host: str
    address: str
    port: int
    path: str
    headers: Mapping[str, str]
    body: bytes
