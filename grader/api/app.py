"""Makes the application of its services."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Scope

from grader.api.catalogue import Catalogue
from grader.api.docs import docs_router
from grader.api.endpoints import catalogue, operation, runs, submissions
from grader.api.endpoints.common import Parts, described
from grader.api.errors import MEDIA_TYPE, ApiError, Kind
from grader.api.intake.batches import Batches
from grader.api.intake.dispatch import Dispatcher
from grader.api.intake.prepared import RequestFactory
from grader.api.intake.single import Intake
from grader.api.intake.uploads import Uploads
from grader.api.loader import BatchLoader
from grader.api.lookup import Lookup, MetadataReader
from grader.api.metrics import Metrics, MetricsMiddleware
from grader.api.models import FieldProblem
from grader.api.openapi import describe
from grader.api.operator import Operator
from grader.api.protection.stack import protect
from grader.api.queue_monitor import QueueMonitor
from grader.api.remote import RemoteService
from grader.api.services import Services
from grader.api.waiting import WaitingHub
from grader.errors import GraderError
from grader.logs import Logger

_ENDPOINTS = (submissions.router, runs.router, catalogue.router, operation.router)
_BUCKET_THREADS = 16
_DATABASE_THREADS = 2
_MOST_ROWS_AT_ONCE = 500
_KINDS = {400: Kind.MALFORMED_BODY, 404: Kind.NOT_FOUND, 405: Kind.METHOD_NOT_ALLOWED}


def create_app(services: Services) -> FastAPI:
    """
    Make the application; it calls its services only when it is served.

    Args:
        services: What it calls. Those that it opens it closes when it stops being served.
    """
    parts = _make_parts(services)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await parts.hub.start()
        try:
            yield
        finally:
            await parts.hub.close()
            await parts.queues.close()
            for remote in parts.remotes:
                remote.close()

    def on_fault(scope: Scope, error: Exception) -> None:
        services.log.error("An endpoint failed", **described(scope), exc_info=error)

    guard = Middleware(protect, gate=services.gate, settings=services.protection, on_fault=on_fault)
    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[Middleware(MetricsMiddleware, metrics=parts.metrics), guard],
    )
    app.state.parts = parts
    app.state.gate = services.gate
    app.openapi_schema = _description()
    for router in (*_ENDPOINTS, docs_router(app.openapi_schema), *services.routers):
        app.include_router(router)
    _handle_errors(app, services.log)
    return app


@cache
def _description() -> dict[str, Any]:
    """Describe the endpoints once in a process; it takes longer than all else that makes an app."""
    return describe(_ENDPOINTS)


def _make_parts(services: Services) -> Parts:
    options, log = services.options, services.log
    refusal = services.on_refusal
    bucket = RemoteService("bucket", _BUCKET_THREADS, log, refusal)
    sending = RemoteService("queue", options.senders, log, refusal)
    counting = RemoteService("queue counters", 1, log, refusal)
    database = RemoteService("database", _DATABASE_THREADS, log, refusal)
    queues = QueueMonitor(services.open_inspector, options.queues, counting)
    metadata = MetadataReader(services.store, bucket)
    rows = BatchLoader(
        lambda ids: database.call(lambda: services.reader.rows(ids)),
        most_at_once=_MOST_ROWS_AT_ONCE,
    )
    lookup = Lookup(rows, metadata, queues, services.reader, database)
    catalogue = Catalogue(services.store, bucket)
    factory = RequestFactory(options, queues, catalogue)
    dispatcher = Dispatcher(
        services, bucket=bucket, sending=sending, queues=queues, metadata=metadata, lookup=lookup
    )
    uploads = Uploads(services, bucket, metadata, dispatcher)
    hub = WaitingHub(
        services.reader,
        database,
        services.feed,
        most_waiters=options.max_waiters,
        log=log,
    )
    metrics = Metrics()
    metrics.gauge("waiting_callers", "Callers that wait for a result", lambda: hub.waiters)
    metrics.gauge("event_streams", "Open event streams", lambda: hub.streams)
    metrics.counter("lookups", "Look-ups for waiting callers", lambda: hub.total_lookups)
    return Parts(
        services=services,
        intake=Intake(services.check_webhook, factory, dispatcher, uploads),
        uploads=uploads,
        batches=Batches(services.check_webhook, factory, dispatcher),
        lookup=lookup,
        hub=hub,
        queues=queues,
        catalogue=catalogue,
        operator=Operator(options.environment, queues, services.reader, database),
        metrics=metrics,
        database=database,
        remotes=(bucket, sending, counting, database),
    )


def problem(request: Request, error: ApiError) -> Response:
    """Answer an error."""
    body = error.body(request.scope.get("call_id", ""))
    return Response(body, error.status, error.headers, MEDIA_TYPE)


def _handle_errors(app: FastAPI, log: Logger) -> None:
    """Answer each error as problem details."""

    async def api_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, ApiError):
            raise error
        return problem(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        if [each["loc"] for each in found] == [("body",)] and not _is_json(request):
            return problem(
                request,
                ApiError(
                    Kind.MEDIA_TYPE,
                    "the body has no media type of JSON",
                    next_step="send the header Content-Type: application/json",
                ),
            )
        return problem(request, _invalid(found))

    async def http_error(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 400
        kind = _KINDS.get(status, Kind.MALFORMED_BODY)
        headers = {"allow": _allowed(app, request)} if kind is Kind.METHOD_NOT_ALLOWED else {}
        return problem(
            request,
            ApiError(kind, kind.value.title, next_step="/docs has all endpoints", headers=headers),
        )

    async def away(request: Request, error: Exception) -> Response:
        log.error("A call failed", **described(request.scope), reason=str(error))
        return problem(request, ApiError(Kind.UNAVAILABLE, "a service is away", retry_after=5))

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(GraderError, away)


def _is_json(request: Request) -> bool:
    """Whether a body is read as JSON, as FastAPI decides it."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _allowed(app: FastAPI, request: Request) -> str:
    """List the methods of a path; Starlette names those of one endpoint only."""
    found = {
        method
        for path, operations in (app.openapi_schema or {}).get("paths", {}).items()
        for method in operations
        if compile_path(path)[0].match(request.url.path)
    }
    return ", ".join(sorted(method.upper() for method in found)) or "GET"


def _invalid(found: Any) -> ApiError:  # noqa: ANN401 - FastAPI gives errors as plain dictionaries
    """Turn the errors of FastAPI into an answer."""
    first = found[0] if found else {"type": "", "loc": (), "msg": "it cannot be read"}
    if any(each["loc"] and each["loc"][0] == "path" for each in found):
        return ApiError(Kind.NOT_FOUND, "not found", next_step="check the id")
    if first["type"] == "json_invalid":
        return ApiError(
            Kind.MALFORMED_BODY, "the body is not JSON", next_step="send a JSON document"
        )
    problems = [
        FieldProblem(field=_field(each["loc"]), message=str(each["msg"])) for each in found[:20]
    ]
    detail = "; ".join(f"{each.field}: {each.message}" for each in problems[:3])
    return ApiError(
        Kind.INVALID_REQUEST,
        detail or "the request is invalid",
        next_step="correct the fields; /docs has the fields of each request",
        errors=problems,
    )


def _field(place: tuple[object, ...]) -> str:
    """Write the path of a field; the first part says where the request has it."""
    return ".".join(map(str, place[1:])) or (str(place[0]) if place else "body")
