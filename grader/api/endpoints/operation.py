"""For operators and machines: queues, overview, health, metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from grader.api.auth import Gate, Scope
from grader.api.endpoints.common import (
    Administrator,
    Anyone,
    PartsOf,
    answer,
    encoded,
    errors,
)
from grader.api.errors import ApiError, Kind
from grader.api.metrics import CONTENT_TYPE, is_near
from grader.api.models import HealthPage, OperatorOverview, QueueInfo, QueueStatus

router = APIRouter(tags=["operation"])


@router.get("/v1/queue/status", response_model=QueueStatus, responses=errors())
async def queue_status(_caller: Anyone, parts: PartsOf) -> Response:
    """Read the counters of the request queue."""
    options = parts.services.options
    counters = (await parts.queues.statistics()).get(options.queue)
    info = QueueInfo(
        messages_available=str(counters.waiting if counters else 0),
        messages_in_flight=str(counters.in_flight if counters else 0),
        queue_url=options.queue_url,
    )
    status = QueueStatus(
        status="success",
        queue_info=info,
        sqs_enabled=options.queue_url is not None,
        consumers=counters.consumers if counters else 0,
    )
    return encoded(status.to_json())


@router.get("/v1/operator/overview", response_model=OperatorOverview, responses=errors())
async def overview(_caller: Administrator, parts: PartsOf) -> Response:
    """Read queues, workers, the latest failures, and commands to copy."""
    return answer(await parts.operator.overview())


@router.get("/health", response_model=HealthPage)
@router.head("/health", include_in_schema=False)
async def health(parts: PartsOf) -> Response:
    """
    Tell that the process answers; 503 when it stops.

    A service that is away does not make it unhealthy: what does not need it works.
    """
    checks = {each.name: "away" if each.is_away else "ok" for each in parts.remotes}
    feed = parts.services.feed
    if feed is not None:
        checks["redis"] = "ok" if feed.works else "away"
    if parts.hub.is_stopping:
        return answer(HealthPage(status="stopping", checks=checks), 503)
    degraded = "away" in checks.values()
    return answer(HealthPage(status="degraded" if degraded else "ok", checks=checks))


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, parts: PartsOf) -> Response:
    """Read the counters, from this network or with the scope admin."""
    if not is_near(request):
        gate: Gate = request.app.state.gate
        async with gate.admit(request) as caller:
            if not caller.has(Scope.ADMIN):
                raise ApiError(Kind.FORBIDDEN, "the key has not the scope admin")
    return Response(parts.metrics.page(), media_type=CONTENT_TYPE)
