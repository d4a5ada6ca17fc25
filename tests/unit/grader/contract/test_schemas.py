"""The published schemas match the models and the samples of the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from grader.contract.messages import GradingRequest, GradingResult
from grader.contract.schemas import schemas

PUBLISHED = Path(__file__).parents[4] / "docs" / "schemas"
REQUEST = {
    "requestId": "req_123456789",
    "userId": "user_001",
    "problemId": "prob_001",
    "language": "python",
    "sourceFile": "s3://bucket/submissions/req_123456789/solution.py",
    "testCases": "s3://bucket/problems/prob_001/testcases/",
    "timeLimit": 5000,
    "memoryLimit": 256,
    "timestamp": "2024-08-20T12:00:00Z",
}
RESULT = {
    "requestId": "req_123456789",
    "status": "completed",
    "result": {
        "verdict": "AC",
        "score": 100,
        "executionTime": 1250,
        "memoryUsage": 128,
        "testResults": [
            {"case": 1, "status": "AC", "time": 250, "memory": 64},
            {"case": 2, "status": "AC", "time": 300, "memory": 72},
        ],
    },
    "resultFile": "s3://bucket/results/req_123456789/result.json",
    "timestamp": "2024-08-20T12:00:15Z",
}
FAILED = {
    "requestId": "req_1",
    "status": "failed",
    "error": {"code": "UNKNOWN_LANGUAGE", "message": "unknown language: 'cobol'"},
    "timestamp": "2024-08-20T12:00:15Z",
}


def validate(document: dict[str, Any], name: str) -> None:
    """Validate a document with a published schema."""
    schema = json.loads((PUBLISHED / name).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)


def test_published_schemas_are_fresh() -> None:
    """The published schemas are those of the messages; `make docs` writes them."""
    published = PUBLISHED.glob("*.schema.json")

    assert {path.name: path.read_text() for path in published} == schemas()


@pytest.mark.parametrize(
    "document",
    [
        REQUEST,
        {key: value for key, value in REQUEST.items() if key != "testCases"},
        {**REQUEST, "webhookUrl": "https://example.org/"},
    ],
)
def test_valid_requests_match(document: dict[str, Any]) -> None:
    """The sample of the contract, also without test cases and with unknown fields."""
    validate(document, "grading-request.schema.json")
    GradingRequest.from_json(json.dumps(document).encode())


@pytest.mark.parametrize(
    "changes",
    [{"timeLimit": -1}, {"requestId": ".."}, {"memoryLimit": "much"}, {"userId": ""}],
)
def test_invalid_requests_do_not_match(changes: dict[str, Any]) -> None:
    """The schema rejects what the worker rejects."""
    with pytest.raises(jsonschema.ValidationError):
        validate({**REQUEST, **changes}, "grading-request.schema.json")


@pytest.mark.parametrize("document", [RESULT, FAILED])
def test_results_match_and_are_unchanged_by_a_round_trip(document: dict[str, Any]) -> None:
    """Field for field as in the contract."""
    validate(document, "grading-result.schema.json")

    assert json.loads(GradingResult.from_json(json.dumps(document)).to_json()) == document
