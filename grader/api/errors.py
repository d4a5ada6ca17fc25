"""
The errors of the API: problem details (RFC 9457), with the media type application/problem+json.

Each kind has a name that programs may compare; `type` of the answer is `/problems/` and the name,
where `grader.api.docs` has a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from grader.api.models import FieldProblem, ProblemDetails
from grader.errors import GraderError

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class _Kind:
    name: str
    status: int
    title: str


class Kind(Enum):
    """The kinds of errors; docs/api.md lists them."""

    INVALID_REQUEST = _Kind("invalid-request", 422, "The request is invalid")
    MALFORMED_BODY = _Kind("malformed-body", 400, "The body is not JSON")
    UNAUTHENTICATED = _Kind("unauthenticated", 401, "An API key is needed")
    FORBIDDEN = _Kind("forbidden", 403, "The key lacks a scope")
    NOT_FOUND = _Kind("not-found", 404, "Not found")
    METHOD_NOT_ALLOWED = _Kind("method-not-allowed", 405, "The method is not allowed here")
    TIMEOUT = _Kind("timeout", 408, "The request took too long to arrive")
    UPLOAD_MISSING = _Kind("upload-missing", 409, "The program was not uploaded")
    BODY_TOO_LARGE = _Kind("body-too-large", 413, "The body is too large")
    MEDIA_TYPE = _Kind("unsupported-media-type", 415, "The body must be JSON")
    IDEMPOTENCY_KEY_REUSED = _Kind(
        "idempotency-key-reused", 422, "The key was used for another request"
    )
    RATE_LIMITED = _Kind("rate-limited", 429, "Too many requests")
    TOO_MANY_CALLS = _Kind("too-many-calls", 429, "Too many calls at the same time")
    INTERNAL_ERROR = _Kind("internal-error", 500, "The service has a fault")
    QUEUE_FULL = _Kind("queue-full", 503, "The queue is full")
    BUSY = _Kind("busy", 503, "The service is busy")
    UNAVAILABLE = _Kind("unavailable", 503, "A service that this needs is away")


class ApiError(GraderError):
    """
    An answer that is an error.

    Args:
        kind: What kind.
        detail: The problem, in one sentence that may be shown to the caller.
        next_step: What the caller can do.
        retry_after: Seconds after which a repetition makes sense; None: not said.
        headers: More headers of the answer.
        errors: What is wrong with which field.
    """

    def __init__(  # noqa: PLR0913 - the parts of an answer, named at the call
        self,
        kind: Kind,
        detail: str,
        *,
        next_step: str = "",
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldProblem] = (),
    ) -> None:
        super().__init__(detail, next_step=next_step)
        self.kind = kind
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["retry-after"] = str(retry_after)
        self.errors = list(errors)

    @property
    def status(self) -> int:
        """HTTP status code."""
        return self.kind.value.status

    def body(self, call_id: str) -> bytes:
        """
        Return the body of the answer.

        Args:
            call_id: Id of the call, as in the header X-Request-Id; empty: not known.
        """
        details = ProblemDetails(
            type=f"/problems/{self.kind.value.name}",
            title=self.kind.value.title,
            status=self.status,
            detail=self.what,
            instance=call_id or None,
            next_step=self.next_step or None,
            errors=self.errors or None,
        )
        return details.to_json()
