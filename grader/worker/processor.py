"""Processes one message: reads it, claims the request, and calls the handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from grader.contract.messages import JobRequest, JobResult, readable_request_id
from grader.contract.verdicts import ErrorCode
from grader.errors import GraderError, RequestError, StoppingError, TemporaryError
from grader.logs import Logger
from grader.ports.handlers import JobHandler
from grader.ports.jobs import (
    DEFAULT_LEASE,
    AlreadyFinished,
    Claim,
    Granted,
    HeldByAnother,
    JobStore,
)
from grader.ports.messages import Delivery
from grader.worker.copies import is_expired, original_id
from grader.worker.retry import Retrier, retry_database
from grader.worker.settlement import (
    AlreadyDone,
    DeliveryPolicy,
    Done,
    Exhausted,
    Outcome,
    Rejected,
    Retry,
    superseded,
)

_T = TypeVar("_T")
#: Broker and database accept this much; they would refuse more at every attempt.
_LONGEST_RESULT_FILE = 1024
_LARGEST_RESULT_BYTES = 6 << 20


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class JobProcessor:
    """
    Turns deliveries into outcomes.

    Args:
        jobs: The table of jobs.
        request_model: Model of a message.
        handler: Does the work.
        policy: Limits the attempts.
        worker_id: Owner of the claims.
        retrier: Repeats calls to the database.
        refresh: Called when the database refuses the login: the password may have been changed.
        log: Log of the worker.
        lease: How long a claim holds unless it is renewed.
        on_claim: Called with the request id and the attempt of a granted claim; returns False if
            it is too late to begin, and the claim is given back.
        clock: Current time, UTC; compared with the expiry of messages.
    """

    jobs: JobStore
    request_model: type[JobRequest]
    handler: JobHandler[Any]
    policy: DeliveryPolicy
    worker_id: str
    retrier: Retrier
    refresh: Callable[[], None]
    log: Logger
    lease: timedelta = DEFAULT_LEASE
    on_claim: Callable[[str, int], bool] = lambda _request_id, _attempt: True
    clock: Callable[[], datetime] = _now

    def process(self, delivery: Delivery, confirm: Callable[[], None] = lambda: None) -> Outcome:
        """
        Process a message.

        Args:
            delivery: The message.
            confirm: Called before the work begins; waits until the message before this one is
                settled. If it raises, the request is given back.

        Raises:
            StoppingError: The worker stops while the database is unreachable, or has no time left;
                the message stays unacknowledged.
            GraderError: Raised by `confirm`.
        """
        try:
            request = self._read(delivery)
        except RequestError as error:
            return self._reject_unclaimed(delivery, error)
        claim = Claim(request, original_id(delivery), delivery.queue, self.worker_id, self.lease)
        claimed = self._retry(lambda: self.jobs.claim(claim))
        if isinstance(claimed, AlreadyFinished):
            self._note("Result is known, sending it again", request)
            return AlreadyDone(claimed.result, claimed.same_message, claimed.attempts)
        if isinstance(claimed, HeldByAnother):
            self._note("Request is held by another message", request, holder=claimed.worker_id)
            return Retry()
        try:
            if not self.on_claim(request.request_id, claimed.attempt):
                raise StoppingError("stopped before the request was begun")
            confirm()
        except GraderError:
            self._give_back(request, claimed.attempt)
            raise
        return self._attempt(delivery, request, claimed)

    def superseded(self, request_id: str, delivery: Delivery) -> Outcome:
        """
        Return the outcome of a message whose claim was taken over before its result was stored.

        Args:
            request_id: The request.
            delivery: The message.

        Raises:
            StoppingError: As `process`.
        """
        self.log.warning("Claim was taken over, result discarded", request_id=request_id)
        row = self._retry(lambda: self.jobs.get(request_id))
        return superseded(row, original_id(delivery))

    def _read(self, delivery: Delivery) -> JobRequest:
        """Parse a message; a model that fails at it would fail at the next attempt too."""
        try:
            return self.request_model.from_json(delivery.body)
        except RequestError:
            raise
        except Exception as error:
            self.log.exception("Request model failed", message_id=delivery.message_id)
            raise RequestError(
                ErrorCode.INTERNAL_ERROR, "the grading system could not read this request"
            ) from error

    def _reject_unclaimed(self, delivery: Delivery, error: RequestError) -> Outcome:
        request_id = readable_request_id(delivery.body)
        self.log.warning(
            "Message is not a valid request",
            request_id=request_id,
            message_id=delivery.message_id,
            reason=error.what,
        )
        if request_id is None:
            return Rejected(error, None)
        return Rejected(error, request_id, self._retry(lambda: self.jobs.get(request_id)))

    def _give_back(self, request: JobRequest, attempt: int) -> None:
        """Give back a request without trying twice: there is no time left to wait."""
        try:
            self.jobs.give_back(self.worker_id, request.request_id, attempt)
        except GraderError as error:
            message = "Request not given back, its attempt counts"
            self._note(message, request, reason=str(error))

    def _attempt(self, delivery: Delivery, request: JobRequest, claimed: Granted) -> Outcome:
        attempt = claimed.attempt
        if not self.policy.allows(attempt, delivery, claimed.settled):
            reason = "the last attempts ended their worker, or its connection to the broker"
            return self._exhausted(request, reason, attempt, made=attempt - 1)
        if is_expired(delivery, self.clock()):
            self._note("Request has expired", request)
            error = RequestError(ErrorCode.EXPIRED, "the request expired before it was graded")
            return Rejected(error, request.request_id, attempt=attempt)
        message = f"Processing request {request.request_id}"
        self.log.info(message, request_id=request.request_id, queue=delivery.queue)
        try:
            return self._call_handler(request, attempt)
        except Exception as error:  # whatever a handler raises, the worker lives on
            expected = isinstance(error, TemporaryError)
            self.log.warning(
                "Attempt failed",
                request_id=request.request_id,
                attempt=attempt,
                reason=str(error),
                exc_info=None if expected else error,
            )
            reason = f"{type(error).__name__}: {error}"
            if attempt < self.policy.max_attempts:
                return Retry(attempt, reason, request.request_id)
            return self._exhausted(request, reason, attempt, made=attempt)

    def _call_handler(self, request: JobRequest, attempt: int) -> Outcome:
        try:
            result = self.handler(request)
        except RequestError as error:
            ErrorCode(error.code)  # ValueError: an unpublished code is a fault of the handler
            self._note("Request rejected", request, code=str(error.code), reason=error.what)
            return Rejected(error, request.request_id, attempt=attempt)
        _check(result, request)
        return Done(result, attempt)

    def _exhausted(self, request: JobRequest, reason: str, attempt: int, *, made: int) -> Outcome:
        self.log.error("All attempts failed", request_id=request.request_id, reason=reason)
        return Exhausted(request.request_id, reason, attempt, made)

    def _retry(self, action: Callable[[], _T]) -> _T:
        return retry_database(self.retrier, action, self.refresh)

    def _note(self, message: str, request: JobRequest, **fields: str) -> None:
        self.log.warning(message, request_id=request.request_id, **fields)


def _check(result: object, request: JobRequest) -> None:
    """Check the result of a handler; raises `TypeError` or `ValueError`."""
    if not isinstance(result, JobResult):
        raise TypeError(f"the handler returned {type(result).__name__} instead of a JobResult")
    if result.request_id != request.request_id:
        raise ValueError(f"the handler returned a result of another request: {result.request_id!r}")
    if len(result.result_file or "") > _LONGEST_RESULT_FILE:
        raise ValueError(f"the handler's resultFile is longer than {_LONGEST_RESULT_FILE}")
    if (size := len(result.to_json())) > _LARGEST_RESULT_BYTES:
        raise ValueError(
            f"the handler's result has {size} bytes, at most {_LARGEST_RESULT_BYTES} can be sent; "
            "put the rest into the bucket"
        )
