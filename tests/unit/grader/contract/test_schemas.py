"""The published schemas match the models and the samples of the contract."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grader.contract.messages import GradingRequest, GradingResult, readable_request_id
from grader.contract.schemas import schemas
from grader.errors import RequestError

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


def is_accepted_by_the_schema(document: object) -> bool:
    """Validate as ECMA 262 and the worker read a pattern: `$` is not before a final newline."""

    def pattern(_validator: Any, regex: str, instance: object, _schema: Any) -> Any:
        if isinstance(instance, str) and not re.search(regex.replace("$", r"\Z"), instance):
            yield jsonschema.ValidationError(f"{instance!r} does not match {regex!r}")

    schema = json.loads((PUBLISHED / "grading-request.schema.json").read_text())
    strict = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})
    return bool(strict(schema).is_valid(document))


def is_accepted_by_the_worker(document: object) -> bool:
    """Decode as the worker does."""
    try:
        GradingRequest.from_json(json.dumps(document).encode())
    except RequestError:
        return False
    return True


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


ACCEPTED = {
    "requestId": ["req_1", "a" * 128, 7, 7.0, 0, 2**53 - 1],
    "userId": ["user 1", "\N{HANGUL SYLLABLE GA}" * 128, 42, 0],
    "problemId": ["p", 1000],
    "testCases": ["s3://b/p/", None],
    "timeLimit": [1, 5000, 5000.0, "5000", "1", 2**53 - 1],
    "memoryLimit": [256, "256", 1e3],
    "stopAtFirstFailure": [True, False, "true", "false"],
    "timestamp": [
        "2024-08-20T12:00:00Z",
        "2024-08-20 12:00:00.123456789+09:00",
        "2024-08-20t12:00:00z",
        "2024-08-20T12:00:00.000+0000",
        "2024-02-29T23:59:59-23:59",
    ],
}
REFUSED = {
    "requestId": ["", "..", "a" * 129, "a\n", -1, 7.5, 2**53, 1e300, True, None, ["a"]],
    "userId": ["", "u" * 129, -1, 0.5, True, None, {}],
    "language": ["", "l" * 33, 3, None],
    "sourceFile": [7, None],
    "testCases": [7, []],
    "timeLimit": [
        0,
        -1,
        0.5,
        "0",
        "-1",
        "+1",
        "05",
        " 5",
        "5.0",
        "5_0",
        "5e3",
        "",
        True,
        None,
        1e300,
    ],
    "memoryLimit": ["much", "\N{ARABIC-INDIC DIGIT FIVE}", "256MB", "5\n", False, [256]],
    "stopAtFirstFailure": [0, 1, "yes", "True", None],
    "timestamp": [
        "2024-08-20",
        "2024-08-20T12:00:00",
        "2024-13-20T12:00:00Z",
        "2024-08-20T24:00:00Z",
        "2024-08-20T12:00:00Z\n",
        "1724155200",
        1724155200,
        1724155200000,
        None,
    ],
}


@pytest.mark.parametrize(
    ("field", "value", "accepted"),
    [
        *((field, value, True) for field, values in ACCEPTED.items() for value in values),
        *((field, value, False) for field, values in REFUSED.items() for value in values),
    ],
)
def test_what_has_one_meaning_is_accepted(field: str, value: object, accepted: bool) -> None:
    """By the schema and by the worker: limits as digits, ids as numbers, and nothing ambiguous."""
    document = {**REQUEST, field: value}

    assert is_accepted_by_the_schema(document) == accepted
    assert is_accepted_by_the_worker(document) == accepted


def test_a_number_and_its_text_are_the_same_request() -> None:
    """So a producer may change between them."""
    numbers = {"requestId": 7, "userId": 42, "problemId": 1000, "timeLimit": 5000}
    texts = {key: str(value) for key, value in numbers.items()}
    first, second = (
        GradingRequest.from_json(json.dumps({**REQUEST, **changes}).encode())
        for changes in (numbers, texts)
    )

    assert first == second
    assert (first.request_id, first.user_id, first.time_limit) == ("7", "42", 5000)
    assert readable_request_id(b'{"requestId": 7}') == "7"


_TEXTS = st.text(st.characters(codec="utf-8"), max_size=140)
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(2**53 - 2, 2**53 + 1),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXTS,
    st.from_regex(r"^[0-9+ ._eE-]{0,17}$"),
    st.from_regex(r"^[A-Za-z0-9._-]{0,130}$"),
    st.from_regex(
        r"^[0-2][0-9]{3}-[01][0-9]-[012][0-8][Tt _][0-2][0-9]:[0-6][0-9]:[0-6][0-9]"
        r"(\.[0-9]{0,10})?([Zz]|[+-][0-2][0-9]:?[0-6][0-9])?$"
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(_TEXTS, st.integers(), max_size=2),
)


@given(
    st.one_of(
        st.dictionaries(st.sampled_from([*REQUEST, "stopAtFirstFailure"]), _VALUES).map(
            lambda changes: {**REQUEST, **changes}
        ),
        st.sets(st.sampled_from(list(REQUEST))).map(
            lambda absent: {key: value for key, value in REQUEST.items() if key not in absent}
        ),
        st.dictionaries(st.sampled_from(["request_id", "user_id", "time_limit"]), _VALUES).map(
            lambda others: {**REQUEST, **others, "timeLimit": "x"}
        ),
        _VALUES,
    )
)
@example({key: value for key, value in REQUEST.items() if key != "userId"} | {"user_id": "u"})
def test_schema_and_worker_accept_the_same_documents(document: object) -> None:
    """All but what JSON Schema cannot express: that a day exists, such as the 30th of February."""
    assert is_accepted_by_the_schema(document) == is_accepted_by_the_worker(document)


@pytest.mark.parametrize("document", [RESULT, FAILED])
def test_results_match_and_are_unchanged_by_a_round_trip(document: dict[str, Any]) -> None:
    """Field for field as in the contract."""
    validate(document, "grading-result.schema.json")

    assert json.loads(GradingResult.from_json(json.dumps(document)).to_json()) == document
