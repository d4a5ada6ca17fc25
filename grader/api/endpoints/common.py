"""What the endpoints share: the parts of the application, and descriptions of errors."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Request
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Scope as ASGIScope

from grader.api.auth import READ, Caller, Scope, require
from grader.api.catalogue import Catalogue
from grader.api.errors import MEDIA_TYPE, ApiError, Kind
from grader.api.intake.batches import Batches
from grader.api.intake.single import Intake
from grader.api.intake.uploads import Uploads
from grader.api.lookup import Lookup
from grader.api.metrics import Metrics
from grader.api.operator import Operator
from grader.api.queue_monitor import QueueMonitor
from grader.api.remote import RemoteService
from grader.api.services import Services
from grader.api.waiting import WaitingHub
from grader.contract.messages import IDENTIFIER

JSON = "application/json"
_ERROR_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
#: An escape of half a character, which is valid JSON and no text.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class Parts:
    """The parts of an application."""

    services: Services
    intake: Intake
    uploads: Uploads
    batches: Batches
    lookup: Lookup
    hub: WaitingHub
    queues: QueueMonitor
    catalogue: Catalogue
    operator: Operator
    metrics: Metrics
    database: RemoteService
    remotes: tuple[RemoteService, ...]


async def parts_of(request: Request) -> Parts:
    """Return the parts of the application; FastAPI would run a plain function on a thread."""
    parts: Parts = request.app.state.parts
    return parts


PartsOf = Annotated[Parts, Depends(parts_of)]


async def plain_text_only(request: Request) -> None:
    """Refuse a body with half a character in a text: it could be neither stored nor answered."""
    body = await request.body()
    if not _SURROGATE.search(body):
        return
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ApiError(
            Kind.MALFORMED_BODY,
            "the body has a text that is not valid Unicode",
            next_step="send the program as sourceBase64 if it is not text",
        ) from error


def described(scope: ASGIScope) -> dict[str, str]:
    """Describe a call for the log: its id, its key and its path; never the key itself."""
    caller = scope.get("caller")
    return {
        "call": scope.get("call_id", ""),
        "key": caller.key_id if isinstance(caller, Caller) else "",
        "path": scope["path"],
    }


def log_accepted(request: Request, accepted_id: str) -> None:
    """Note that a call was accepted under an id; one line, also as text."""
    parts: Parts = request.app.state.parts
    call = described(request.scope)
    message = f"Accepted {accepted_id}, key {call['key']}, call {call['call']}"
    parts.services.log.info(message, accepted=accepted_id, **call)


Submitter = Annotated[Caller, Depends(require(Scope.SUBMIT))]
Reader = Annotated[Caller, Depends(require(*READ))]
Anyone = Annotated[Caller, Depends(require())]
Administrator = Annotated[Caller, Depends(require(Scope.ADMIN))]
RequestId = Annotated[str, Path(pattern=IDENTIFIER, description="id of a submission or run")]
BatchId = Annotated[str, Path(pattern=IDENTIFIER, description="id of a batch")]
ProblemId = Annotated[str, Path(pattern=IDENTIFIER, description="id of a problem")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        max_length=255,
        description="any text of your own: a repetition with it leads to the same submission",
    ),
]


def answer(document: BaseModel, status: int = 200, location: str | None = None) -> Response:
    """Answer a document; absent fields stay absent."""
    body = document.model_dump_json(by_alias=True, exclude_none=True).encode()
    return encoded(body, status, location)


def encoded(body: bytes, status: int = 200, location: str | None = None) -> Response:
    """Answer JSON that is encoded already."""
    headers = {"location": location} if location else None
    return Response(body, status, headers, JSON)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors of an endpoint for OpenAPI, with those that every one has."""
    return {
        status: {"description": _DESCRIPTIONS[status], "content": _ERROR_CONTENT}
        for status in sorted({401, 403, 408, 413, 422, 429, 431, 503, *statuses})
    }


_DESCRIPTIONS = {
    400: "The body is not JSON",
    401: "An API key is needed",
    403: "The key lacks a scope",
    404: "Not found, or another user's",
    405: "The method is not allowed here",
    408: "The request took too long to arrive",
    409: "The program was not uploaded",
    413: "The body is too large",
    415: "The body must be JSON",
    422: "A value is invalid",
    429: "Too many requests",
    431: "The headers are too large",
    503: "The queue is full, or a service is away; repeat after Retry-After",
}
