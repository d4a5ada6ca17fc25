"""
Copies of request messages, for another attempt or for the dead-letter queue; pure.

A copy keeps the headers of the producer, and the id and the queue that the message had first.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from grader.contract.headers import producer_headers
from grader.contract.messages import JobResult
from grader.contract.names import (
    ATTEMPT_HEADER,
    EXPIRES_HEADER,
    FIRST_SEEN_HEADER,
    ORIGINAL_ID_HEADER,
    ORIGINAL_QUEUE_HEADER,
    REASON_CODE_HEADER,
    REASON_HEADER,
)
from grader.errors import RequestError
from grader.ports.messages import Delivery, Outgoing

_LONGEST_ID = 255
_ATTEMPTS = re.compile(r"[0-9]{1,6}")
_EXPIRES = re.compile(r"[0-9]{1,16}")
_LONGEST_REASON = 500


def original_id(delivery: Delivery) -> str:
    """Give the first message id of the request; a copy carries it in a header."""
    return (delivery.headers.get(ORIGINAL_ID_HEADER) or delivery.message_id)[:_LONGEST_ID]


def attempts_settled(delivery: Delivery) -> int:
    """Return the number of the last attempt that ended with a copy; 0 for a producer's message."""
    text = delivery.headers.get(ATTEMPT_HEADER, "")
    return int(text) if _ATTEMPTS.fullmatch(text) else 0


def is_expired(delivery: Delivery, now: datetime) -> bool:
    """Whether the time is over that the producer gave the request, also for a delayed copy."""
    expires = _expires_ms(delivery)
    return bool(expires) and now.timestamp() * 1000 >= expires


def _expires_ms(delivery: Delivery) -> int:
    """Return the expiry in Unix milliseconds; 0 for none, as in JMS."""
    text = delivery.headers.get(EXPIRES_HEADER) or delivery.headers.get("expires", "")
    return int(text) if _EXPIRES.fullmatch(text) else 0


def delayed_copy(
    delivery: Delivery, now: datetime, *, delay_ms: int, attempt: int, reason: str
) -> Outgoing:
    """
    Make the copy for another attempt.

    Args:
        delivery: The message.
        now: Current time, UTC.
        delay_ms: Time until the broker delivers it.
        attempt: Number of the failed attempt; 0 if none was made.
        reason: Why it failed.
    """
    headers = _copied_headers(delivery, now)
    if expires := _expires_ms(delivery):
        headers[EXPIRES_HEADER] = str(expires)  # the worker that gets the copy answers it
    if attempt:
        headers[ATTEMPT_HEADER] = str(attempt)
        headers[REASON_HEADER] = reason[:_LONGEST_REASON]
    return Outgoing(delivery.queue, delivery.body, headers, delay_ms=delay_ms)


def dead_letter(delivery: Delivery, error: RequestError, queue: str, now: datetime) -> Outgoing:
    """Make the copy for the dead-letter queue, with the reason."""
    headers = {
        **_copied_headers(delivery, now),
        REASON_CODE_HEADER: str(error.code),
        REASON_HEADER: error.what[:_LONGEST_REASON],
    }
    return Outgoing(queue, delivery.body, headers)


def dead_letter_of(
    result: JobResult, delivery: Delivery, queue: str, now: datetime
) -> tuple[Outgoing, ...]:
    """
    Make the dead letter of a failure, with the user's reason; none for any other result.

    It is the same whether the message is settled at once or after a redelivery; for a failure of
    the platform, the operators' reason is in the log.
    """
    if result.error is None:
        return ()
    error = RequestError(result.error.code, result.error.message)
    return (dead_letter(delivery, error, queue, now),)


def for_operators(dead: Outgoing, *, reason: str, made: int) -> Outgoing:
    """Add the reason for operators; the result message has only the general one."""
    why = {REASON_HEADER: reason[:_LONGEST_REASON], ATTEMPT_HEADER: str(made)}
    return replace(dead, headers={**dead.headers, **why})


def _copied_headers(delivery: Delivery, now: datetime) -> dict[str, str]:
    kept = producer_headers(delivery.headers)
    known = delivery.first_received_ms
    first_seen = datetime.fromtimestamp(known / 1000, UTC) if known else now
    return {
        **kept,
        FIRST_SEEN_HEADER: kept.get(FIRST_SEEN_HEADER) or _rfc3339(first_seen),
        ORIGINAL_ID_HEADER: original_id(delivery),
        ORIGINAL_QUEUE_HEADER: kept.get(ORIGINAL_QUEUE_HEADER) or delivery.queue,
    }


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
