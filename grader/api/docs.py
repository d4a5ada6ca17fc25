"""The OpenAPI document, a page that shows it without any other host, and one of each error."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from grader.api.endpoints.common import JSON
from grader.api.errors import Kind
from grader.api.protection.headers import page_policy

_READING = ["GET", "HEAD"]
_HTML = "text/html; charset=utf-8"
#: What `type` of an error leads to.
_PROBLEM = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{kind.name}</title>
<h1>{kind.title}</h1>
<p>Error <code>{kind.name}</code>, status {kind.status}. In the answer, <code>detail</code> has the
reason and <code>nextStep</code> what to do. <a href="/docs">All endpoints</a></p>
</html>
"""
_ASSETS = {
    "docs.css": "text/css; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
}


def docs_router(description: dict[str, Any]) -> APIRouter:
    """Make the endpoints, from the OpenAPI document."""
    router = APIRouter(include_in_schema=False)
    folder = files("grader.api") / "docs_page"
    page = (folder / "index.html").read_text(encoding="utf-8")
    policy = page_policy(page)
    document = json.dumps(description, separators=(",", ":")).encode()

    @router.api_route("/openapi.json", methods=_READING)
    async def openapi(request: Request) -> Response:
        return _cached(request, document, JSON)

    @router.api_route("/docs", methods=_READING)
    async def docs(request: Request) -> Response:
        answer = _cached(request, page.encode(), _HTML)
        answer.headers["content-security-policy"] = policy
        return answer

    for kind in Kind:
        text = _PROBLEM.format(kind=kind.value)
        router.add_api_route(
            f"/problems/{kind.value.name}", _asset(text.encode(), _HTML), methods=_READING
        )
    for name, media_type in _ASSETS.items():
        body = (folder / name).read_bytes()
        router.add_api_route(f"/docs/{name}", _asset(body, media_type), methods=_READING)
    return router


def _asset(body: bytes, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def asset(request: Request) -> Response:
        return _cached(request, body, kind)

    return asset


def _cached(request: Request, body: bytes, kind: str) -> Response:
    """Answer a constant; a client that has it already gets 304."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=kind)
