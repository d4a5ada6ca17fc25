"""
Decides how a request message is settled; pure, so every case can be tested without a broker.

==================  ============================================================
`Done`              result message; the result is recorded
`AlreadyDone`       the stored result again
`Retry`             a delayed copy of the request
`Rejected`          failed result and dead letter; recorded unless a row exists or
                    the message has no valid request id
`Exhausted`         as `Rejected`, with the operators' reason on the dead letter
==================  ============================================================

The messages are sent in one transaction with the acknowledgement of the request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from grader.contract.bucket import ObjectUrl, result_key
from grader.contract.headers import producer_headers
from grader.contract.messages import Failure, JobResult, answer_id
from grader.contract.names import (
    ATTEMPT_HEADER,
    EXPIRES_HEADER,
    ORIGINAL_ID_HEADER,
    ORIGINAL_QUEUE_HEADER,
    REASON_CODE_HEADER,
    REASON_HEADER,
)
from grader.contract.verdicts import ErrorCode, Status
from grader.errors import RequestError
from grader.ports.jobs import JobRecord
from grader.ports.messages import Delivery, Outgoing

_LONGEST_ID = 255
_EXPIRES = re.compile(r"[0-9]{1,16}")
_LONGEST_REASON = 500
#: The user's message for platform faults; operators find the reason in log and dead letter.
_OUR_FAULT = "the grading system could not grade this request"


@dataclass(frozen=True)
class DeliveryPolicy:
    """
    Where messages go, and how often a request is tried.

    Args:
        bucket: Bucket of the `result.json` files.
        result_queue: Queue of results.
        dead_letter_queue: Queue for copies of requests that cannot be done.
        max_attempts: Attempts before a request is exhausted.
        retry_delay_ms: Milliseconds before another attempt.
    """

    bucket: str
    result_queue: str
    dead_letter_queue: str
    max_attempts: int
    retry_delay_ms: int

    def allows(self, attempt: int) -> bool:
        """Whether attempt number `attempt` may be made; ends requests that kill their workers."""
        return attempt <= self.max_attempts


@dataclass(frozen=True)
class Done:
    """The handler produced a result, in this attempt."""

    result: JobResult
    attempt: int


@dataclass(frozen=True)
class AlreadyDone:
    """The database has a result: a duplicate, or the worker died before it could settle."""

    result: JobResult


@dataclass(frozen=True)
class Retry:
    """Attempt `attempt` failed; 0 when another message holds the request and none was made."""

    attempt: int = 0


@dataclass(frozen=True)
class Rejected:
    """
    The request can never be done.

    Args:
        error: Why.
        request_id: None when the message has no valid id; the answer then goes to `answer_id`.
        known: The row of an earlier message with this id; it is kept, and its result sent again.
        attempt: Number of the attempt; 0 before a claim.
    """

    error: RequestError
    request_id: str | None
    known: JobRecord | None = None
    attempt: int = 0


@dataclass(frozen=True)
class Exhausted:
    """All attempts failed, `attempt` was the last; `reason` is for operators only."""

    request_id: str
    reason: str
    attempt: int


Outcome = Done | AlreadyDone | Retry | Rejected | Exhausted


@dataclass(frozen=True)
class Settlement:
    """
    How a message is settled.

    Args:
        outgoing: Sent in one transaction with the acknowledgement.
        record: A result to store in the database before that transaction.
        attempt: Number of the attempt whose result it is; a later attempt may have taken over.
        failed: The record is a failure, whose `result.json` has not been written yet.
    """

    outgoing: tuple[Outgoing, ...]
    record: JobResult | None = None
    attempt: int = 0
    failed: bool = False


def original_id(delivery: Delivery) -> str:
    """Give the first message id of the request; a copy carries it in a header."""
    return (delivery.headers.get(ORIGINAL_ID_HEADER) or delivery.message_id)[:_LONGEST_ID]


def is_expired(delivery: Delivery, now: datetime) -> bool:
    """Whether the time is over that the producer gave the request, also for a delayed copy."""
    expires = _expires_ms(delivery)
    return bool(expires) and now.timestamp() * 1000 >= expires


def _expires_ms(delivery: Delivery) -> int:
    """Return the expiry in Unix milliseconds; 0 for none, as in JMS."""
    text = delivery.headers.get(EXPIRES_HEADER) or delivery.headers.get("expires", "")
    return int(text) if _EXPIRES.fullmatch(text) else 0


def settle(
    outcome: Outcome, delivery: Delivery, policy: DeliveryPolicy, now: datetime
) -> Settlement:
    """
    Decide which messages are sent and which result is stored for an outcome.

    Args:
        outcome: Result of processing.
        delivery: The request message.
        policy: Queues and limits.
        now: Timestamp of a failed result, UTC.
    """
    match outcome:
        case Done(result, attempt):
            return Settlement((_result_message(result, policy),), result, attempt)
        case AlreadyDone(result):
            return Settlement((_result_message(result, policy),))
        case Retry(attempt):
            return Settlement((_delayed_copy(delivery, attempt, policy),))
        case Rejected():
            return _rejected(outcome, delivery, policy, now)
        case Exhausted(request_id, reason, attempt):
            error = RequestError(ErrorCode.INTERNAL_ERROR, _OUR_FAULT)
            dead = _exhausted_dead_letter(delivery, error, reason, policy)
            return replace(_failed(request_id, error, dead, policy, now), attempt=attempt)


def superseded(row: JobRecord | None) -> Outcome:
    """
    Decide about a message whose result was not stored, because its claim was taken over.

    Args:
        row: The request's row now. Its result is the only one, also if it came second; without one
            the message waits until the later attempt has stored it.
    """
    if row is None or row.result is None:
        return Retry()
    return AlreadyDone(row.result)


def _rejected(
    outcome: Rejected, delivery: Delivery, policy: DeliveryPolicy, now: datetime
) -> Settlement:
    dead = _dead_letter(delivery, outcome.error, policy)
    if outcome.request_id is None:
        return _rejected_without_id(outcome.error, delivery, dead, policy, now)
    if outcome.known is None:
        failed = _failed(outcome.request_id, outcome.error, dead, policy, now)
        return replace(failed, attempt=outcome.attempt)
    stored = outcome.known.result
    answer = () if stored is None else (_result_message(stored, policy),)
    return Settlement((*answer, dead))


def _rejected_without_id(
    error: RequestError, delivery: Delivery, dead: Outgoing, policy: DeliveryPolicy, now: datetime
) -> Settlement:
    """Answer by correlation id, if there is one; an invalid id names neither a row nor a file."""
    request_id = answer_id(delivery.headers, delivery.body)
    if not request_id:
        return Settlement((dead,))
    return Settlement((_result_message(_failure(request_id, error, now), policy), dead))


def _failed(
    request_id: str, error: RequestError, dead: Outgoing, policy: DeliveryPolicy, now: datetime
) -> Settlement:
    result_file = str(ObjectUrl(policy.bucket, result_key(request_id)))
    result = _failure(request_id, error, now).model_copy(update={"result_file": result_file})
    return Settlement((_result_message(result, policy), dead), record=result, failed=True)


def _failure(request_id: str, error: RequestError, now: datetime) -> JobResult:
    code = ErrorCode(error.code)
    return JobResult(
        request_id=request_id,
        status=Status.FAILED,
        error=Failure(code=code, message=error.what, fault=code.fault),
        timestamp=now,
    )


def _delayed_copy(delivery: Delivery, attempt: int, policy: DeliveryPolicy) -> Outgoing:
    headers = _copied_headers(delivery)
    if expires := _expires_ms(delivery):
        headers[EXPIRES_HEADER] = str(expires)  # the worker that gets the copy answers it
    if attempt:
        headers[ATTEMPT_HEADER] = str(attempt)
    return Outgoing(delivery.queue, delivery.body, headers, delay_ms=policy.retry_delay_ms)


def _result_message(result: JobResult, policy: DeliveryPolicy) -> Outgoing:
    headers = {"correlation-id": result.request_id, "content-type": "application/json"}
    return Outgoing(policy.result_queue, result.to_json(), headers)


def _dead_letter(delivery: Delivery, error: RequestError, policy: DeliveryPolicy) -> Outgoing:
    headers = {
        **_copied_headers(delivery),
        REASON_CODE_HEADER: str(error.code),
        REASON_HEADER: error.what[:_LONGEST_REASON],
    }
    return Outgoing(policy.dead_letter_queue, delivery.body, headers)


def _exhausted_dead_letter(
    delivery: Delivery, error: RequestError, reason: str, policy: DeliveryPolicy
) -> Outgoing:
    """Give operators the internal reason; the result message has only the general one."""
    dead = _dead_letter(delivery, error, policy)
    why = {REASON_HEADER: reason[:_LONGEST_REASON], ATTEMPT_HEADER: str(policy.max_attempts)}
    return replace(dead, headers={**dead.headers, **why})


def _copied_headers(delivery: Delivery) -> dict[str, str]:
    kept = producer_headers(delivery.headers)
    return {
        **kept,
        ORIGINAL_ID_HEADER: original_id(delivery),
        ORIGINAL_QUEUE_HEADER: kept.get(ORIGINAL_QUEUE_HEADER) or delivery.queue,
    }
