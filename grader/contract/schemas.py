"""The messages as JSON Schemas, for programs in other languages; published in docs/schemas."""

from __future__ import annotations

import json

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import CoreSchema

from grader.contract.functions import FunctionManifest, FunctionRequest, FunctionResult
from grader.contract.messages import GradingRequest, GradingResult

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, str]:
    """Return the content of each schema by file name."""
    return {
        "grading-request.schema.json": _schema(GradingRequest),
        "grading-result.schema.json": _schema(GradingResult),
        "function-request.schema.json": _schema(FunctionRequest),
        "function-result.schema.json": _schema(FunctionResult),
        "function-manifest.schema.json": _schema(FunctionManifest),
    }


class _WithoutTitles(GenerateJsonSchema):
    """Omits titles, which only repeat the names of the fields."""

    def field_title_should_be_set(self, schema: CoreSchema) -> bool:  # noqa: ARG002 - inherited
        """Omit the title."""
        return False


def _schema(model: type[BaseModel]) -> str:
    schema = model.model_json_schema(schema_generator=_WithoutTitles)
    return json.dumps({"$schema": _DIALECT, **schema}, indent=2) + "\n"
