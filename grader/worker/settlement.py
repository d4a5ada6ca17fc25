"""
Decides how a request message is settled; pure, so every case can be tested without a broker.

==================  ============================================================
`Done`              result message, and a dead letter if the handler returned a
                    failure; the result is recorded
`AlreadyDone`       the stored result again, and the dead letter of a failure
                    whose message was not settled
`Retry`             a delayed copy of the request, later after each failed attempt
`Rejected`          failed result and dead letter; recorded unless a row exists or
                    the message has no valid request id
`Exhausted`         as `Rejected`, with the operators' reason on the dead letter
==================  ============================================================

The messages are sent in one transaction with the acknowledgement of the request.

A request of a rejudging has a record and no message, except for the delayed copy: the programs that
read `grading-results` did not ask for it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from datetime import datetime

from grader.contract.bucket import ObjectUrl, result_key
from grader.contract.callbacks import Callback, readable_callback
from grader.contract.messages import Failure, JobResult, answer_id
from grader.contract.rejudging import rejudging_of
from grader.contract.verdicts import ErrorCode, Status
from grader.errors import RequestError
from grader.ports.jobs import JobRecord
from grader.ports.messages import Delivery, Outgoing
from grader.webhooks.guard import HostRules, host_of
from grader.worker.copies import (
    attempts_settled,
    dead_letter,
    dead_letter_of,
    delayed_copy,
    for_operators,
    original_id,
)

_NO_HOSTS = HostRules()
_MOST_DOUBLINGS = 30
_LONGEST_WAIT_MS = 1_800_000
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
        retry_delay_ms: Milliseconds before the second attempt; doubled for each further one.
        retry_max_delay_ms: Longest delay.
        max_crashes: Attempts in a row that may end without a settlement, as when they end their
            worker.
        result_expiry_seconds: Seconds after which the broker drops an unconsumed result message; 0
            for never.
        webhook_hosts: Hosts that may receive webhooks.
    """

    bucket: str
    result_queue: str
    dead_letter_queue: str
    max_attempts: int
    retry_delay_ms: int
    retry_max_delay_ms: int = 300_000
    max_crashes: int = 3
    result_expiry_seconds: int = 0
    webhook_hosts: HostRules = _NO_HOSTS

    def allows(self, attempt: int, delivery: Delivery, settled: int = 0) -> bool:
        """
        Whether an attempt may be made; ends requests that kill their workers.

        Args:
            attempt: Its number.
            delivery: The message; a copy for another attempt names the last one that was settled.
            settled: That of the row, for a message that is delivered again instead of copied.
        """
        unsettled = attempt - 1 - max(attempts_settled(delivery), settled)
        return attempt <= self.max_attempts and unsettled < self.max_crashes

    def delay_ms(self, attempt: int, key: str) -> int:
        """
        Return the delay after a failed attempt, from half of the exponential one to all of it.

        Args:
            attempt: Number of the failed attempt, from 1.
            key: Spreads requests that failed together, such as in an outage of the bucket.
        """
        doubled = self.retry_delay_ms << min(attempt, _MOST_DOUBLINGS)
        longest = min(doubled, max(self.retry_max_delay_ms, self.retry_delay_ms))
        share = zlib.crc32(f"{key} {attempt}".encode(errors="replace")) / 2**32
        return round(longest / 2 * (1 + share))

    def waiting_ms(self, receives: int) -> int:
        """
        Return how long a message waits whose request another message holds.

        Where receipts are counted it waits as long again as it did in all, at most half an hour. So
        it is received 32 times by the end of a job of 12 h, the longest, and the queue does not
        take it for one that cannot be processed: that is 50 times.

        Args:
            receives: How often the message was received; 0 if that is not counted.
        """
        doubled = self.retry_delay_ms << min(max(receives - 1, 0), _MOST_DOUBLINGS)
        return min(doubled, max(_LONGEST_WAIT_MS, self.retry_delay_ms))


@dataclass(frozen=True)
class Done:
    """The handler produced a result, in this attempt."""

    result: JobResult
    attempt: int


@dataclass(frozen=True)
class AlreadyDone:
    """
    The database has a result.

    Args:
        result: The stored result.
        unsettled: It is that of this message, whose worker or connection ended before it was
            settled; otherwise the message is a duplicate.
        attempts: Number of attempts made.
    """

    result: JobResult
    unsettled: bool = False
    attempts: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Retry:
    """
    Another attempt may succeed.

    Args:
        attempt: Number of the failed one; 0 when another message holds the request and none was
            made.
        reason: Why it failed, for operators.
        request_id: The request, if an attempt was made.
    """

    attempt: int = 0
    reason: str = ""
    request_id: str = ""


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
    """
    All attempts failed.

    Args:
        request_id: The request.
        reason: For operators only.
        attempt: Number of the claimed attempt.
        made: Attempts made; the claimed one is not among them if it was not allowed.
    """

    request_id: str
    reason: str
    attempt: int
    made: int


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
        callback: The webhook of the record, which is stored with it.
        answer: The result that `outgoing` sends, to publish it as well once it is stored.
        attempts: Number of attempts made for it.
    """

    outgoing: tuple[Outgoing, ...]
    record: JobResult | None = None
    attempt: int = 0
    failed: bool = False
    callback: Callback | None = None
    answer: JobResult | None = None
    attempts: int = 0


def settle(
    outcome: Outcome, delivery: Delivery, policy: DeliveryPolicy, now: datetime
) -> Settlement:
    """
    Decide which messages are sent and which result is stored for an outcome.

    Args:
        outcome: Result of processing.
        delivery: The request message.
        policy: Queues and limits.
        now: Current time, UTC.
    """
    settlement = _settlement(outcome, delivery, policy, now)
    name = rejudging_of(delivery.headers, delivery.body)
    if not name or isinstance(outcome, Retry):
        return _with_callback(settlement, delivery, policy)
    record = settlement.record and settlement.record.model_copy(update={"rejudging": name})
    return replace(settlement, outgoing=(), record=record, answer=None)


def _with_callback(
    settlement: Settlement, delivery: Delivery, policy: DeliveryPolicy
) -> Settlement:
    """Add the webhook of the message, also of one that is not a valid request otherwise."""
    found = readable_callback(delivery.body) if settlement.record is not None else None
    if found is None:
        return settlement
    refusal = policy.webhook_hosts.refusal(found.url)
    callback = replace(found, host=host_of(found.url), refusal=refusal)
    return replace(settlement, callback=callback)


def _settlement(
    outcome: Outcome, delivery: Delivery, policy: DeliveryPolicy, now: datetime
) -> Settlement:
    match outcome:
        case Done(result, attempt):
            dead = dead_letter_of(result, delivery, policy.dead_letter_queue, now)
            message = _result_message(result, policy, now)
            return Settlement((message, *dead), result, attempt, answer=result, attempts=attempt)
        case AlreadyDone(result, unsettled, attempts):
            letter = dead_letter_of(result, delivery, policy.dead_letter_queue, now)
            dead = letter if unsettled else ()
            message = _result_message(result, policy, now)
            return Settlement((message, *dead), answer=result, attempts=attempts)
        case Retry(attempt, reason):
            if attempt:
                delay_ms = policy.delay_ms(attempt, original_id(delivery))
            else:
                delay_ms = policy.waiting_ms(delivery.receives)
            copy = delayed_copy(delivery, now, delay_ms=delay_ms, attempt=attempt, reason=reason)
            return Settlement((copy,))
        case Rejected():
            return _rejected(outcome, delivery, policy, now)
        case Exhausted():
            return _exhausted(outcome, delivery, policy, now)


def superseded(row: JobRecord | None, message_id: str = "") -> Outcome:
    """
    Decide about a message whose result was not stored, because its claim was taken over.

    Args:
        row: The request's row now. Its result is the only one, also if it came second; without one
            the message waits until the later attempt has stored it.
        message_id: Original id of the message. If the later attempt was made for the same one, its
            worker may have lost it and sent nothing.
    """
    if row is None or row.result is None:
        return Retry()
    return AlreadyDone(row.result, row.message_id == message_id, row.attempts)


def _rejected(
    outcome: Rejected, delivery: Delivery, policy: DeliveryPolicy, now: datetime
) -> Settlement:
    dead = dead_letter(delivery, outcome.error, policy.dead_letter_queue, now)
    if outcome.request_id is None:
        return _rejected_without_id(outcome.error, delivery, dead, policy, now)
    if outcome.known is None:
        failed = _failed(outcome.request_id, outcome.error, dead, policy, now)
        return replace(failed, attempt=outcome.attempt, attempts=outcome.attempt)
    stored = outcome.known.result
    answer = () if stored is None else (_result_message(stored, policy, now),)
    return Settlement((*answer, dead), answer=stored, attempts=outcome.known.attempts)


def _exhausted(
    outcome: Exhausted, delivery: Delivery, policy: DeliveryPolicy, now: datetime
) -> Settlement:
    error = RequestError(ErrorCode.INTERNAL_ERROR, _OUR_FAULT)
    letter = dead_letter(delivery, error, policy.dead_letter_queue, now)
    dead = for_operators(letter, reason=outcome.reason, made=outcome.made)
    failed = _failed(outcome.request_id, error, dead, policy, now)
    return replace(failed, attempt=outcome.attempt, attempts=outcome.attempt)


def _rejected_without_id(
    error: RequestError, delivery: Delivery, dead: Outgoing, policy: DeliveryPolicy, now: datetime
) -> Settlement:
    """Answer by correlation id, if there is one; an invalid id names neither a row nor a file."""
    request_id = answer_id(delivery.headers, delivery.body)
    if not request_id:
        return Settlement((dead,))
    failure = _failure(request_id, error, now)
    return Settlement((_result_message(failure, policy, now), dead))


def _failed(
    request_id: str, error: RequestError, dead: Outgoing, policy: DeliveryPolicy, now: datetime
) -> Settlement:
    result_file = str(ObjectUrl(policy.bucket, result_key(request_id)))
    result = _failure(request_id, error, now).model_copy(update={"result_file": result_file})
    message = _result_message(result, policy, now)
    return Settlement((message, dead), record=result, failed=True, answer=result)


def _failure(request_id: str, error: RequestError, now: datetime) -> JobResult:
    code = ErrorCode(error.code)
    return JobResult(
        request_id=request_id,
        status=Status.FAILED,
        error=Failure(code=code, message=error.what, fault=code.fault),
        timestamp=now,
    )


def _result_message(result: JobResult, policy: DeliveryPolicy, now: datetime) -> Outgoing:
    headers = {"correlation-id": result.request_id, "content-type": "application/json"}
    if policy.result_expiry_seconds:
        headers["expires"] = str(round((now.timestamp() + policy.result_expiry_seconds) * 1000))
    return Outgoing(policy.result_queue, result.to_json(), headers)
