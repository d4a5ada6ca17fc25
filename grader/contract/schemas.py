"""
The messages as JSON Schemas, for producers and consumers in other languages.

``python -m grader.contract.schemas DIRECTORY`` writes them; a test keeps docs/schemas fresh.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import CoreSchema

from grader.contract.messages import GradingRequest, GradingResult

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, str]:
    """File name and content of each schema."""
    return {
        "grading-request.schema.json": _schema(GradingRequest),
        "grading-result.schema.json": _schema(GradingResult),
    }


class _WithoutTitles(GenerateJsonSchema):
    """A title made from a field's name says nothing that the name does not."""

    def field_title_should_be_set(self, schema: CoreSchema) -> bool:  # noqa: ARG002 - inherited
        """Leave it out."""
        return False


def _schema(model: type[BaseModel]) -> str:
    schema = model.model_json_schema(schema_generator=_WithoutTitles)
    return json.dumps({"$schema": _DIALECT, **schema}, indent=2) + "\n"


def main(directory: Path) -> None:
    """Write all schemas into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in schemas().items():
        (directory / name).write_text(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
