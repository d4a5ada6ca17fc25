"""Summarizes messages of any kind for people; pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from grader.contract import names
from grader.contract.messages import GradingRequest, JobResult, readable_request_id
from grader.errors import RequestError
from grader.ports.messages import QueuedMessage

#: In the cause that the broker gives an expired message.
_EXPIRED = "Message Expired"


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
        language: Language of the submission; empty if the message does not say.
        problem: Problem of the submission; likewise.
        user: User of the submission; likewise.
    """

    message_id: str
    age_seconds: float
    request_id: str
    about: str
    reason_code: str
    original_queue: str
    attempt: str
    size_bytes: int
    language: str = ""
    problem: str = ""
    user: str = ""

    @property
    def reason(self) -> str:
        """Why it was dead-lettered, or how it ended, in a form that equal messages share."""
        if _EXPIRED in self.about and not self.reason_code:
            return "expired in the broker"  # `about` has the time, which differs
        return self.reason_code or self.about

    @classmethod
    def of(cls, message: QueuedMessage, now_ms: int) -> MessageView:
        """Summarize a message; `now_ms` is the time of the broker's clock."""
        headers = message.headers
        code = headers.get(names.REASON_CODE_HEADER, "")
        request = _request(message.body)
        moved_from = headers.get("original-destination", "").removeprefix("/queue/")
        return cls(
            message_id=message.message_id,
            age_seconds=max(now_ms - message.timestamp_ms, 0) / 1000,
            request_id=readable_request_id(message.body) or headers.get("correlation-id", ""),
            about=_reason(message) or (_summary(request) if request else _content(message.body)),
            reason_code=code,
            original_queue=headers.get(names.ORIGINAL_QUEUE_HEADER, moved_from),
            attempt=headers.get(names.ATTEMPT_HEADER, ""),
            size_bytes=len(message.body),
            language=request.language if request else "",
            problem=request.problem_id if request else "",
            user=request.user_id if request else "",
        )


def _reason(message: QueuedMessage) -> str:
    """Return why it was dead-lettered, by the worker or else by the broker."""
    code = message.headers.get(names.REASON_CODE_HEADER, "")
    sentence = message.headers.get(names.REASON_HEADER, "")
    ours = ": ".join(part for part in (code, sentence) if part)
    return ours or message.headers.get("dlqDeliveryFailureCause", "")


def _request(body: bytes) -> GradingRequest | None:
    """Read a request; None for any other content."""
    try:
        return GradingRequest.from_json(body)
    except RequestError:
        return None


def _summary(request: GradingRequest) -> str:
    return f"{request.language}, problem {request.problem_id}"


def _content(body: bytes) -> str:
    """Summarize the content of a result."""
    try:
        result = JobResult.from_json(body)
    except ValueError:
        return "unknown message format"
    if isinstance(result.result, dict) and "verdict" in result.result:
        return f"{result.status} {result.result['verdict']} {result.result.get('score', '')}"
    return f"{result.status} {result.error.code if result.error else ''}".strip()


@dataclass(frozen=True)
class Body:
    """
    The body of a message, for documents and for people.

    Attributes:
        encoding: `json`, `text`, or `base64` for other bytes than UTF-8.
        content: The parsed JSON, or the text.
    """

    encoding: str
    content: Any


def decoded(body: bytes) -> Body:
    """Read a body as strict JSON, else as text, else as bytes; each form gives the body back."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return Body("base64", base64.b64encode(body).decode())
    try:
        content = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        json.dumps(content)  # nested deeper than it could be written again
    except (ValueError, RecursionError):
        return Body("text", text)
    return Body("json", content)


def _refuse(name: str) -> float:
    """Refuse NaN and Infinity, which Python reads although JSON has none."""
    raise ValueError(name)


def _finite(number: str) -> float:
    """Refuse numbers that a float does not hold, such as 1e999."""
    value = float(number)
    if value in (float("inf"), float("-inf")):
        raise ValueError(number)
    return value


def pretty(body: bytes) -> str:
    """Format a body for reading; other bytes than UTF-8 are written as escapes."""
    found = decoded(body)
    if found.encoding == "json" and not isinstance(found.content, str):
        return json.dumps(found.content, indent=2, ensure_ascii=False)
    return body.decode(errors="backslashreplace")


def age(seconds: float) -> str:
    """Format an age in its two largest units, such as ``2h 5m``."""
    left = int(seconds)
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])
