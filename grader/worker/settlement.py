"""
What to do with a request message, decided without touching anything.

::

    unreadable, no id ─────────► copy to the dead-letter queue
    invalid, or refused ───────► failed result, row, dead-letter copy
    finished before ───────────► the stored result again
    held by another message ───► delayed copy
    temporary error ───────────► delayed copy; at the last attempt as if refused
    graded ────────────────────► result, row

Each ends with the acknowledgement of the message, in one transaction with what is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from grader.contract.bucket import ObjectUrl, result_key
from grader.contract.messages import Failure, JobResult
from grader.contract.names import (
    ATTEMPT_HEADER,
    ORIGINAL_ID_HEADER,
    ORIGINAL_QUEUE_HEADER,
    REASON_CODE_HEADER,
    REASON_HEADER,
)
from grader.contract.verdicts import ErrorCode, Status
from grader.errors import RequestError
from grader.ports.messages import Delivery, Outgoing

#: Set by the broker for one delivery, or by us for each copy; the rest is the producer's.
_NOT_COPIED = frozenset(
    {
        "ack",
        "amq-msg-type",
        "content-length",
        "destination",
        "message-id",
        "original-destination",
        "originalExpiration",
        "persistent",
        "receipt",
        "redelivered",
        "scheduledJobId",
        "subscription",
        "timestamp",
        "transaction",
    }
)
_SCHEDULING_PREFIX = "AMQ_SCHEDULED_"
_LONGEST_ID = 255
_LONGEST_REASON = 500
#: What a user is told when we are to blame; the operators find the reason in the log and the DLQ.
_OUR_FAULT = "the grading system could not grade this request"


@dataclass(frozen=True)
class DeliveryPolicy:
    """
    What a worker's settings say about messages.

    Args:
        bucket: Where `result.json` files lie.
        result_queue: Where results go.
        dead_letter_queue: Where go copies of what could not be done.
        max_attempts: Attempts before a request is given up.
        retry_delay_ms: Milliseconds before another attempt.
    """

    bucket: str
    result_queue: str
    dead_letter_queue: str
    max_attempts: int
    retry_delay_ms: int


@dataclass(frozen=True)
class Settlement:
    """
    How a message is done with.

    Args:
        outgoing: Sent in one transaction with the acknowledgement.
        record: A result to store in the database before the commit.
        failed: The record is a failure whose `result.json` nobody has written yet.
    """

    outgoing: tuple[Outgoing, ...]
    record: JobResult | None = None
    failed: bool = False


def original_id(delivery: Delivery) -> str:
    """The first message id the request had; a copy carries it in a header."""
    return (delivery.headers.get(ORIGINAL_ID_HEADER) or delivery.message_id)[:_LONGEST_ID]


def graded(result: JobResult, rules: DeliveryPolicy) -> Settlement:
    """It was done."""
    return Settlement((_result_message(result, rules),), record=result)


def finished_before(result: JobResult, rules: DeliveryPolicy) -> Settlement:
    """It had been done: the producer asked twice, or a worker died before it could say so."""
    return Settlement((_result_message(result, rules),))


def put_off(delivery: Delivery, rules: DeliveryPolicy, attempt: int = 0) -> Settlement:
    """Look again later: another message holds the request, or attempt `attempt` was in vain."""
    headers = _copied_headers(delivery)
    if attempt:
        headers[ATTEMPT_HEADER] = str(attempt)
    copy = Outgoing(delivery.queue, delivery.body, headers, delay_ms=rules.retry_delay_ms)
    return Settlement((copy,))


def unreadable(delivery: Delivery, error: RequestError, rules: DeliveryPolicy) -> Settlement:
    """Nobody can be told, for not even the id can be made out."""
    return Settlement((_dead_letter(delivery, error, rules),))


def refused(
    delivery: Delivery, request_id: str, error: RequestError, rules: DeliveryPolicy, now: datetime
) -> Settlement:
    """It can never be done."""
    code = ErrorCode(error.code)
    result = JobResult(
        request_id=request_id,
        status=Status.FAILED,
        error=Failure(code=code, message=error.what, fault=code.fault),
        result_file=str(ObjectUrl(rules.bucket, result_key(request_id))),
        timestamp=now,
    )
    outgoing = (_result_message(result, rules), _dead_letter(delivery, error, rules))
    return Settlement(outgoing, record=result, failed=True)


def refused_again(
    delivery: Delivery, stored: JobResult | None, error: RequestError, rules: DeliveryPolicy
) -> Settlement:
    """It cannot be done, and the database knows the request: what is known there stands."""
    known = () if stored is None else (_result_message(stored, rules),)
    return Settlement((*known, _dead_letter(delivery, error, rules)))


def may_try(attempt: int, rules: DeliveryPolicy) -> bool:
    """Whether attempt number `attempt` is still allowed; a request that kills workers ends here."""
    return attempt <= rules.max_attempts


def given_up(
    delivery: Delivery, request_id: str, reason: str, rules: DeliveryPolicy, now: datetime
) -> Settlement:
    """All attempts were in vain; `reason` is for operators alone."""
    error = RequestError(ErrorCode.INTERNAL_ERROR, _OUR_FAULT)
    settlement = refused(delivery, request_id, error, rules, now)
    result, dead = settlement.outgoing
    why = {REASON_HEADER: reason[:_LONGEST_REASON], ATTEMPT_HEADER: str(rules.max_attempts)}
    outgoing = (result, replace(dead, headers={**dead.headers, **why}))
    return replace(settlement, outgoing=outgoing)


def _result_message(result: JobResult, rules: DeliveryPolicy) -> Outgoing:
    headers = {"correlation-id": result.request_id, "content-type": "application/json"}
    return Outgoing(rules.result_queue, result.to_json(), headers)


def _dead_letter(delivery: Delivery, error: RequestError, rules: DeliveryPolicy) -> Outgoing:
    headers = {
        **_copied_headers(delivery),
        REASON_CODE_HEADER: str(error.code),
        REASON_HEADER: error.what[:_LONGEST_REASON],
    }
    headers.pop("expires", None)  # it would vanish from where operators look for it
    return Outgoing(rules.dead_letter_queue, delivery.body, headers)


def _copied_headers(delivery: Delivery) -> dict[str, str]:
    kept = {
        key: value
        for key, value in delivery.headers.items()
        if key not in _NOT_COPIED and not key.startswith(_SCHEDULING_PREFIX)
    }
    if kept.get("expires") == "0":
        del kept["expires"]
    return {
        **kept,
        ORIGINAL_ID_HEADER: original_id(delivery),
        ORIGINAL_QUEUE_HEADER: kept.get(ORIGINAL_QUEUE_HEADER) or delivery.queue,
    }
