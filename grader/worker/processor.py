"""From one message to what becomes of it: read, claim, work, decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from grader.contract.bucket import result_key
from grader.contract.messages import JobRequest, JobResult, readable_request_id
from grader.contract.verdicts import ErrorCode
from grader.errors import AccessError, RequestError, TemporaryError
from grader.logs import Logger
from grader.ports.handlers import JobHandler
from grader.ports.jobs import AlreadyFinished, Claim, HeldByAnother, JobStore
from grader.ports.messages import Delivery
from grader.ports.stores import ObjectStore
from grader.worker import settlement
from grader.worker.retry import Retrier
from grader.worker.settlement import DeliveryPolicy, Settlement

_T = TypeVar("_T")
_AWAY = (TemporaryError, AccessError)
#: What broker and database surely take; they would refuse more at each try, and for ever.
_LONGEST_RESULT_FILE = 1024
_LARGEST_RESULT_BYTES = 6 << 20


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class JobProcessor:
    """
    What one slot needs to work on a message.

    Args:
        jobs: The table of jobs.
        objects: The grading bucket.
        request_model: What a message must look like.
        handler: Does the work.
        rules: What the settings say about messages.
        worker_id: Whose claims these are.
        retrier: Waits for the database and the bucket.
        refresh: Called when the database refuses us: the password may have been changed.
        log: Where events go.
        clock: Tells the time of a failed result.
    """

    jobs: JobStore
    objects: ObjectStore
    request_model: type[JobRequest]
    handler: JobHandler[Any]
    rules: DeliveryPolicy
    worker_id: str
    retrier: Retrier
    refresh: Callable[[], None]
    log: Logger
    clock: Callable[[], datetime] = _now

    def decide(self, delivery: Delivery) -> Settlement:
        """
        Work on a message.

        Raises:
            StoppingError: The worker must stop, and the database is away; the message stays
                unacknowledged.
        """
        try:
            request = self._read(delivery)
        except RequestError as error:
            return self._refuse_unclaimed(delivery, error)
        message_id = settlement.original_id(delivery)
        claim = Claim(request, message_id, delivery.queue, self.worker_id)
        outcome = self._retry(lambda: self.jobs.claim(claim))
        if isinstance(outcome, AlreadyFinished):
            self._note("Result is known, sending it again", request)
            return settlement.finished_before(outcome.result, self.rules)
        if isinstance(outcome, HeldByAnother):
            self._note("Request is held by another message", request, holder=outcome.worker_id)
            return settlement.put_off(delivery, self.rules)
        return self._attempt(delivery, request, outcome.attempt)

    def record(self, settled: Settlement) -> None:
        """Store what a settlement says is to be stored; raises `StoppingError` as `decide`."""
        result = settled.record
        if result is None:
            return
        if settled.failed:
            key = result_key(result.request_id)
            put = self.objects.put
            self.retrier.call(
                "bucket",
                lambda: put(key, result.to_json(), content_type="application/json"),
                _AWAY,
            )
        self._retry(lambda: self.jobs.finish(result))

    def _attempt(self, delivery: Delivery, request: JobRequest, attempt: int) -> Settlement:
        if not settlement.may_try(attempt, self.rules):
            return self._give_up(delivery, request, "each attempt ended its worker")
        message = f"Processing request {request.request_id}"
        self.log.info(message, request_id=request.request_id, queue=delivery.queue)
        try:
            return self._work(delivery, request)
        except Exception as error:  # whatever a handler raises, the worker lives on
            expected = isinstance(error, TemporaryError)
            self.log.warning(
                "Attempt failed",
                request_id=request.request_id,
                attempt=attempt,
                reason=str(error),
                exc_info=None if expected else error,
            )
            if settlement.may_try(attempt + 1, self.rules):
                return settlement.put_off(delivery, self.rules, attempt)
            return self._give_up(delivery, request, f"{type(error).__name__}: {error}")

    def _read(self, delivery: Delivery) -> JobRequest:
        """Read a message; a model that fails at it would fail the next time too."""
        try:
            return self.request_model.from_json(delivery.body)
        except RequestError:
            raise
        except Exception as error:
            self.log.exception("Request model failed", message_id=delivery.message_id)
            raise RequestError(
                ErrorCode.INTERNAL_ERROR, "the grading system could not read this request"
            ) from error

    def _work(self, delivery: Delivery, request: JobRequest) -> Settlement:
        """Have it done; whatever is raised here is a failed attempt."""
        try:
            result = self.handler(request)
        except RequestError as error:
            settled = settlement.refused(
                delivery, request.request_id, error, self.rules, self.clock()
            )
            self._note("Request refused", request, code=str(error.code), reason=error.what)
            return settled
        _check(result, request)
        return settlement.graded(result, self.rules)

    def _give_up(self, delivery: Delivery, request: JobRequest, reason: str) -> Settlement:
        self.log.error("Request given up", request_id=request.request_id, reason=reason)
        return settlement.given_up(delivery, request.request_id, reason, self.rules, self.clock())

    def _refuse_unclaimed(self, delivery: Delivery, error: RequestError) -> Settlement:
        request_id = readable_request_id(delivery.body)
        self.log.warning(
            "Message is no request",
            request_id=request_id,
            message_id=delivery.message_id,
            reason=error.what,
        )
        if request_id is None:
            return settlement.unreadable(delivery, error, self.rules)
        known = self._retry(lambda: self.jobs.get(request_id))
        if known is not None:
            return settlement.refused_again(delivery, known.result, error, self.rules)
        return settlement.refused(delivery, request_id, error, self.rules, self.clock())

    def _retry(self, action: Callable[[], _T]) -> _T:
        return self.retrier.call("database", action, _AWAY, between=self._refresh_when_refused)

    def _refresh_when_refused(self, error: BaseException) -> None:
        if isinstance(error, AccessError):
            self.refresh()

    def _note(self, message: str, request: JobRequest, **fields: str) -> None:
        self.log.warning(message, request_id=request.request_id, **fields)


def _check(result: object, request: JobRequest) -> None:
    """Make sure that a handler gave what it must; raises `TypeError` or `ValueError`."""
    if not isinstance(result, JobResult):
        raise TypeError(f"the handler gave {type(result).__name__} and not a JobResult")
    if result.request_id != request.request_id:
        raise ValueError(f"the handler gave a result of another request: {result.request_id!r}")
    if len(result.result_file or "") > _LONGEST_RESULT_FILE:
        raise ValueError(f"the handler's resultFile is longer than {_LONGEST_RESULT_FILE}")
    if (size := len(result.to_json())) > _LARGEST_RESULT_BYTES:
        raise ValueError(
            f"the handler's result has {size} bytes, at most {_LARGEST_RESULT_BYTES} can be sent; "
            "the rest belongs into the bucket"
        )
