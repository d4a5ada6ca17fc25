"""Turns answers of the HTTP API that are errors (RFC 9457) into errors of this package."""

from __future__ import annotations

import json
import re
from http import HTTPStatus

from grader.adapters.http_api import HttpAnswer
from grader.contract.verdicts import ErrorCode
from grader.errors import (
    AccessError,
    GraderError,
    ObjectNotFoundError,
    RequestError,
    TemporaryError,
)

#: Answers after which the same call may succeed.
LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOST_SECONDS = 300.0
_EXCERPT = 200
_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")


class LaterError(TemporaryError):
    """
    The API asks for a repetition.

    Args:
        what: The problem.
        seconds: When to repeat it; 0: not said.
        where: The URL.
        next_step: What to do.
    """

    def __init__(self, what: str, *, seconds: float, where: str, next_step: str) -> None:
        super().__init__(what, where=where, next_step=next_step)
        self.seconds = seconds


def error_of(answer: HttpAnswer, where: str) -> GraderError:
    """
    Make the error of an answer.

    Args:
        answer: With a status code of 300 or more.
        where: The URL, without credentials.
    """
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    details = found if isinstance(found, dict) else {}
    said = answer.body[:_EXCERPT].decode(errors="replace").strip()
    what = str(details.get("detail") or f"HTTP {answer.status} {said}".strip())
    step = str(details.get("nextStep") or "")
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return AccessError(what, where=where, next_step=step or "check the API key")
    if answer.status == HTTPStatus.NOT_FOUND:
        return ObjectNotFoundError(what, where=where, next_step=step)
    if answer.status in LATER:
        return LaterError(what, seconds=_seconds(answer), where=where, next_step=step)
    if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        is_size = answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        code = ErrorCode.SOURCE_TOO_LARGE if is_size else ErrorCode.INVALID_REQUEST
        return RequestError(code, _named(details) or what)
    return GraderError(what, where=where, next_step=step or "check the URL of the API")


def retry_seconds(error: GraderError) -> float:
    """Return the seconds after which the API asked for a repetition; 0: it did not."""
    return error.seconds if isinstance(error, LaterError) else 0.0


def _seconds(answer: HttpAnswer) -> float:
    try:
        return min(max(float(answer.headers.get("retry-after", "")), 0.0), _MOST_SECONDS)
    except ValueError:  # absent, or a date, which the API does not send
        return 0.0


def _named(details: dict[str, object]) -> str:
    """Return the first invalid field, named as the argument of a method, and what is wrong."""
    errors = details.get("errors")
    if not isinstance(errors, list) or not errors or not isinstance(errors[0], dict):
        return ""
    field = _CAPITAL.sub(lambda found: f"_{found[1].lower()}", str(errors[0].get("field", "")))
    return f"{field}: {errors[0].get('message', '')}"
