"""Runs that wait for their result, and batches."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from grader.api.endpoints.common import (
    BatchId,
    IdempotencyKey,
    Parts,
    PartsOf,
    Reader,
    Submitter,
    answer,
    encoded,
    errors,
    log_accepted,
    plain_text_only,
)
from grader.api.errors import ApiError, Kind
from grader.api.leaving import until_left
from grader.api.models import Accepted, BatchAccepted, NewBatch, NewRun
from grader.api.views import view_of_row
from grader.contract.functions import FunctionAnswer
from grader.contract.submissions import Batch, Submission
from grader.ports.submissions import SubmissionRow

router = APIRouter(tags=["runs"])
_ACCEPTED = 202
#: Kept of the time of a call, so that one that has queued a request answers with its id.
_ANSWER_SECONDS = 2.0
#: Submissions of a batch that are read for the price of one call.
_READ_AS_ONE = 50


@router.post(
    "/v1/run",
    response_model=Submission | FunctionAnswer,
    responses={
        202: {"description": "There is no result yet; `url` is where to ask", "model": Accepted},
        **errors(400, 415),
    },
    dependencies=[Depends(plain_text_only)],
)
@router.post("/run", include_in_schema=False, dependencies=[Depends(plain_text_only)])
async def run(
    body: NewRun,
    caller: Submitter,
    parts: PartsOf,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """
    Run a function, or grade a program, and wait for the result.

    Without a result within `waitSeconds`, less if the body was slow to arrive, it is 202 with the
    id and where to ask.
    """
    accepted = await parts.intake.run(caller, body, idempotency_key)
    log_accepted(request, accepted.request_id)
    seconds = min(body.wait_seconds, _seconds_left(request) - _ANSWER_SECONDS)
    is_waiting = seconds > 0 and parts.services.options.wait_enabled
    text = await _result(parts, request, accepted.request_id, seconds) if is_waiting else None
    if text is not None:
        return encoded(text)
    return answer(accepted, _ACCEPTED, accepted.url)


def _seconds_left(request: Request) -> float:
    """Return the seconds until the call is ended with 503."""
    deadline: float = request.scope["deadline"]
    return deadline - asyncio.get_running_loop().time()


async def _result(parts: Parts, request: Request, request_id: str, seconds: float) -> bytes | None:
    """Wait for a result; None without one, and when the process stops or the caller has left."""
    try:
        async with parts.hub.watch(request_id) as watch:
            update = await until_left(request.receive, watch.next(seconds))
    except ApiError as error:
        if error.kind is Kind.BUSY:  # it is queued, so the answer is 202
            return None
        raise
    if update is None:
        return None
    return view_of_row(update).text if isinstance(update, SubmissionRow) else update.text


@router.post(
    "/v1/batches",
    status_code=_ACCEPTED,
    response_model=BatchAccepted,
    responses=errors(400, 415),
    dependencies=[Depends(plain_text_only)],
)
async def submit_batch(
    body: NewBatch,
    caller: Submitter,
    parts: PartsOf,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """
    Send up to 1,000 programs; one that is invalid refuses all. Each counts as a call.

    After an error repeat it with the same `Idempotency-Key`: what was sent is not sent again.
    """
    request.scope["rate"] = parts.services.gate.charge(caller, len(body.submissions) - 1)
    batch_id, submissions = await parts.batches.submit(caller, body, idempotency_key)
    log_accepted(request, batch_id)
    url = f"/v1/batches/{batch_id}"
    document = BatchAccepted(batch_id=batch_id, url=url, submissions=submissions)
    return answer(document, _ACCEPTED, url)


@router.get("/v1/batches/{batch_id}", response_model=Batch, responses=errors(404))
async def read_batch(
    batch_id: BatchId, caller: Reader, parts: PartsOf, request: Request
) -> Response:
    """Read the state of all submissions of a batch; each 50 of them count as a call more."""
    found = await parts.lookup.batch(caller, batch_id)
    more = len(found.submissions) // _READ_AS_ONE
    request.scope["rate"] = parts.services.gate.charge(caller, more)
    return encoded(await asyncio.to_thread(found.to_json))
