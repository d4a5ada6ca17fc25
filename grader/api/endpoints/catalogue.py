"""What can be submitted to, and who asks."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from grader.api.catalogue import languages
from grader.api.endpoints.common import (
    Anyone,
    PartsOf,
    ProblemId,
    Submitter,
    answer,
    encoded,
    errors,
)
from grader.api.models import LanguageInfo, Me, Problem

router = APIRouter(prefix="/v1", tags=["catalogue"])


@router.get("/problems", response_model=list[Problem], responses=errors())
async def list_problems(_caller: Submitter, parts: PartsOf) -> Response:
    """List the problems, at most 1,000."""
    found = await parts.catalogue.problems()
    return encoded(b"[%b]" % b",".join(each.to_json() for each in found))


@router.get(
    "/problems/{problem_id}/statement",
    response_class=Response,
    responses={
        200: {"description": "Markdown", "content": {"text/markdown": {}}},
        **errors(404),
    },
)
async def statement(problem_id: ProblemId, _caller: Submitter, parts: PartsOf) -> Response:
    """Read the statement of a problem; it is not trusted HTML."""
    text = await parts.catalogue.statement(problem_id)
    return Response(text, media_type="text/markdown; charset=utf-8")


@router.get("/languages", response_model=list[LanguageInfo], responses=errors())
async def list_languages(_caller: Anyone) -> Response:
    """List the languages."""
    return encoded(b"[%b]" % b",".join(each.to_json() for each in languages()))


@router.get("/me", response_model=Me, responses=errors())
async def me(caller: Anyone, parts: PartsOf) -> Response:
    """Read what the key may do."""
    return answer(
        Me(
            name=caller.name,
            user_id=caller.user_id,
            scopes=sorted(caller.scopes),
            priority=caller.may_use_priority,
            max_source_bytes=parts.services.options.max_source_bytes,
        )
    )
