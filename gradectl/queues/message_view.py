"""Summarizes messages of any kind for people; pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from grader.contract import names
from grader.contract.messages import GradingRequest, JobResult, readable_request_id
from grader.errors import RequestError
from grader.ports.messages import QueuedMessage


@dataclass(frozen=True)
class MessageView:
    """
    The summary of one message.

    Attributes:
        message_id: The message id of the broker.
        age_seconds: Time since it was sent, by the broker's clock.
        request_id: Id of the request or of the answered request; empty if unknown.
        about: The reason of a dead letter, or else a summary of the content.
        reason_code: Error code of a dead letter.
        original_queue: The queue it was moved from, if it was moved.
        attempt: Number of attempts when it was moved.
        size_bytes: Size of its body.
    """

    message_id: str
    age_seconds: float
    request_id: str
    about: str
    reason_code: str
    original_queue: str
    attempt: str
    size_bytes: int

    @classmethod
    def of(cls, message: QueuedMessage, now_ms: int) -> MessageView:
        """Summarize a message; `now_ms` is the time of the broker's clock."""
        headers = message.headers
        code = headers.get(names.REASON_CODE_HEADER, "")
        moved_from = headers.get("original-destination", "").removeprefix("/queue/")
        return cls(
            message_id=message.message_id,
            age_seconds=max(now_ms - message.timestamp_ms, 0) / 1000,
            request_id=readable_request_id(message.body) or headers.get("correlation-id", ""),
            about=_reason(message) or _content(message.body),
            reason_code=code,
            original_queue=headers.get(names.ORIGINAL_QUEUE_HEADER, moved_from),
            attempt=headers.get(names.ATTEMPT_HEADER, ""),
            size_bytes=len(message.body),
        )


def _reason(message: QueuedMessage) -> str:
    """Return why it was dead-lettered, by the worker or else by the broker."""
    code = message.headers.get(names.REASON_CODE_HEADER, "")
    sentence = message.headers.get(names.REASON_HEADER, "")
    ours = ": ".join(part for part in (code, sentence) if part)
    return ours or message.headers.get("dlqDeliveryFailureCause", "")


def _content(body: bytes) -> str:
    """Summarize the content of a request or a result."""
    try:
        request = GradingRequest.from_json(body)
    except RequestError:
        pass
    else:
        return f"{request.language}, problem {request.problem_id}"
    try:
        result = JobResult.from_json(body)
    except ValueError:
        return "unknown message format"
    if isinstance(result.result, dict) and "verdict" in result.result:
        return f"{result.status} {result.result['verdict']} {result.result.get('score', '')}"
    return f"{result.status} {result.error.code if result.error else ''}".strip()


def decoded(body: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Parse a body as JSON, or else return it as text with escapes for invalid UTF-8."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # the second for deeply nested brackets
        return body.decode(errors="backslashreplace")


def pretty(body: bytes) -> str:
    """Format a body for reading."""
    content = decoded(body)
    if isinstance(content, str):
        return content
    return json.dumps(content, indent=2, ensure_ascii=False)


def age(seconds: float) -> str:
    """Format an age in its two largest units, such as ``2h 5m``."""
    left = int(seconds)
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])
