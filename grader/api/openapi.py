"""Completes the OpenAPI document that FastAPI generates."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from grader.api.models import ProblemDetails

_TITLE = "Grading API"
_DESCRIPTION = """\
Send programs and functions to be run, and read their results.

Every call below `/v1` needs a key, as `Authorization: Bearer gk_...` or `X-Api-Key: gk_...`.
Errors are problem details (RFC 9457); `nextStep` says what to do.
"""
_REF = "#/components/schemas/{model}"
_OPEN = ("/health",)


def describe(routers: Iterable[APIRouter]) -> dict[str, Any]:
    """Make the OpenAPI document of endpoints."""
    together = APIRouter()
    for router in routers:
        together.include_router(router)
    document: dict[str, Any] = get_openapi(
        title=_TITLE,
        version=version("gradectl"),
        description=_DESCRIPTION,
        routes=together.routes,
        summary="Asynchronous grading of programs",
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _, extra = models_json_schema([(ProblemDetails, "serialization")], ref_template=_REF)
    schemas.update(extra.get("$defs", {}))
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "an API key or a token"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _complete(path, operation)
    return document


def _complete(path: str, operation: dict[str, Any]) -> None:
    if path not in _OPEN:
        operation["security"] = [{"bearer": []}, {"key": []}]
