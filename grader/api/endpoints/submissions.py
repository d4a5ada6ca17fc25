"""Submissions: send, read, list, watch."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response

from grader.api.auth import Scope
from grader.api.endpoints.common import (
    IdempotencyKey,
    PartsOf,
    Reader,
    RequestId,
    Submitter,
    answer,
    encoded,
    errors,
    log_accepted,
    plain_text_only,
)
from grader.api.errors import ApiError, Kind
from grader.api.events import MEDIA_TYPE, EventResponse, last_event
from grader.api.models import Accepted, NewSubmission, SubmissionPage
from grader.api.requests import invalid
from grader.api.views import view_of_row
from grader.contract.functions import FunctionAnswer
from grader.contract.submissions import Submission
from grader.ports.submissions import Place

router = APIRouter(prefix="/v1/submissions", tags=["submissions"])
_NO_CONTENT = 204
_ACCEPTED = 202
_TEXT = {"type": "string"}
_EVENT = {"type": "object", "properties": {"event": _TEXT, "id": _TEXT, "data": _TEXT}}


@router.post(
    "",
    status_code=_ACCEPTED,
    response_model=Accepted,
    responses=errors(400, 415),
    dependencies=[Depends(plain_text_only)],
)
async def submit(
    body: NewSubmission,
    caller: Submitter,
    parts: PartsOf,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """
    Send a program to be graded; answers before it is.

    A repetition with the same `Idempotency-Key` and body is answered alike, and leads to one
    result. With the same key and another body it is refused.
    """
    document = await parts.intake.submit(caller, body, idempotency_key)
    log_accepted(request, document.request_id)
    return answer(document, _ACCEPTED, document.url)


@router.post(
    "/{request_id}/uploaded",
    status_code=_ACCEPTED,
    response_model=Accepted,
    responses=errors(404, 409),
)
async def uploaded(
    request_id: RequestId, caller: Submitter, parts: PartsOf, request: Request
) -> Response:
    """Send a submission whose program was put to its `uploadUrl`."""
    accepted = await parts.uploads.complete(caller, request_id)
    log_accepted(request, request_id)
    return answer(accepted, _ACCEPTED, accepted.url)


@router.get("", response_model=SubmissionPage, responses=errors())
async def list_submissions(
    caller: Reader,
    parts: PartsOf,
    limit: Annotated[int, Query(ge=1, le=100, description="most submissions of the page")] = 20,
    cursor: Annotated[str | None, Query(max_length=500, description="`next` of a page")] = None,
    user_id: Annotated[
        str | None,
        Query(alias="userId", max_length=128, description="only those of this user"),
    ] = None,
) -> Response:
    """
    List the submissions that a worker has taken, the newest first, without runs of functions.

    With the scope `read-own` those of the key's user; with `read-all` those of all users, or of
    one.
    """
    user = user_id if caller.has(Scope.READ_ALL) else caller.user_id
    if not caller.has(Scope.READ_ALL):
        if user is None:
            raise ApiError(
                Kind.FORBIDDEN,
                "the key has no user of its own, so it needs the scope read-all",
                next_step="ask an operator for a key with this scope",
            )
        if user_id not in (None, user):
            raise invalid("userId", "the key belongs to another user; leave it out")
    after = place_of(cursor)
    database, reader = parts.database, parts.services.reader
    rows = await database.call(lambda: reader.newest(user, limit + 1, after))
    views = [view_of_row(row) for row in rows[:limit]]
    page = SubmissionPage(
        submissions=[view.document for view in views if isinstance(view.document, Submission)],
        next=cursor_of(rows[limit - 1].created_at, rows[limit - 1].request_id)
        if len(rows) > limit
        else None,
    )
    return answer(page)


@router.get("/{request_id}", response_model=Submission | FunctionAnswer, responses=errors(404))
async def read(request_id: RequestId, caller: Reader, parts: PartsOf) -> Response:
    """
    Read a submission, or the answer of a run of a function.

    While it waits, `queue` has its position, and says why nothing happens.
    """
    return encoded((await parts.lookup.view(caller, request_id)).text)


@router.get(
    "/{request_id}/events",
    response_class=Response,
    responses={
        200: {
            "description": "Events named `submission`; each has the document of the submission",
            "content": {MEDIA_TYPE: {"schema": _EVENT}},
        },
        204: {"description": "The client has seen the last event"},
        **errors(404),
    },
)
async def events(
    request_id: RequestId,
    caller: Reader,
    parts: PartsOf,
    last_event_id: Annotated[
        str | None, Header(description="id of the last event that was seen")
    ] = None,
) -> Response:
    """
    Watch a submission: an event at each change, until its result.

    After a loss of the connection send the id of the last event as `Last-Event-ID`. `EventSource`
    of browsers cannot send a key, so read the stream with `fetch`.
    """
    view = await parts.lookup.view(caller, request_id)
    seen = last_event(last_event_id)
    if view.is_final and seen >= view.event:
        return Response(status_code=_NO_CONTENT)
    return EventResponse(parts.lookup, parts.hub, view, seen)


def cursor_of(created_at: datetime, request_id: str) -> str:
    """Write where a page ends."""
    return base64.urlsafe_b64encode(f"{created_at.isoformat()} {request_id}".encode()).decode()


def place_of(cursor: str | None) -> Place | None:
    """Read where a page begins; raises `ApiError` for a text that is not a cursor."""
    if cursor is None:
        return None
    try:
        moment, _, request_id = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        created_at = datetime.fromisoformat(moment).astimezone(UTC)
    except (binascii.Error, ValueError, OverflowError) as error:
        raise invalid("cursor", "not valid; send `next` of the page before") from error
    if not request_id:
        raise invalid("cursor", "not valid; send `next` of the page before")
    return Place(created_at, request_id)
