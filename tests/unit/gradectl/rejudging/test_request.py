"""The request that grades a submission again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gradectl.rejudging.request import (
    KnownLimits,
    Submission,
    rejudged_request,
    rejudging_headers,
)
from grader.contract.messages import GradingRequest
from grader.contract.rejudging import rejudging_of
from grader.ports.finished import FinishedJob

JOB = FinishedJob("req_1", "ann", "sum", "python", "WA", 0, datetime(2026, 11, 30, tzinfo=UTC))
REQUEST = {
    "requestId": "req_1",
    "userId": "ann",
    "problemId": "sum",
    "language": "py",
    "sourceFile": "s3://bucket/submissions/req_1/solution.py",
    "testCases": "s3://bucket/problems/sum/testcases/",
    "timeLimit": 700,
    "memoryLimit": 64,
    "stopAtFirstFailure": True,
    "timestamp": "2026-11-30T12:00:00Z",
    "sha256": "of the source",
}
SOURCE = "submissions/req_1/solution.py"


def made(
    metadata: dict[str, Any] | None,
    sources: tuple[str, ...] = (SOURCE,),
    limits: KnownLimits | None = None,
) -> GradingRequest | str:
    """The request of a submission with this metadata.json."""
    content = None if metadata is None else json.dumps(metadata).encode()
    return rejudged_request(JOB, Submission(content, sources), "bucket", "again", limits)


def test_it_is_the_first_request_with_another_id_and_user() -> None:
    """So that workers grade the same, and lists of the user do not show it."""
    found = made(REQUEST)

    assert isinstance(found, GradingRequest)
    new = {"requestId": "req_1.rejudge.again", "userId": "rejudge.again"}
    expected = {key: value for key, value in REQUEST.items() if key != "sha256"}
    assert json.loads(found.to_json()) == {**expected, **new}
    headers = rejudging_headers(found, "again")
    assert rejudging_of(headers, found.to_json()) == "again"
    assert int(headers["priority"]) < 4


def test_its_result_is_not_pushed() -> None:
    """The webhook and the batch are those of the first grading."""
    batch = {"batchId": "b", "batchSize": 2}
    found = made({**REQUEST, "webhookUrl": "https://hooks.example.com/", **batch})

    assert isinstance(found, GradingRequest)
    assert (found.webhook_url, found.batch_id, found.batch_size) == (None, None, None)


@pytest.mark.parametrize(
    ("metadata", "sources", "why"),
    [
        ({**REQUEST, "requestId": "req_2"}, (SOURCE,), "of another request"),
        ({**REQUEST, "problemId": "other"}, (SOURCE,), "of another request"),
        ({**REQUEST, "timeLimit": "fast"}, (SOURCE,), "is not a request: timeLimit"),
        (None, (SOURCE,), "its limits are unknown"),
        (None, (), "0 source files"),
        (None, (SOURCE, "submissions/req_1/solution.c"), "2 source files"),
    ],
)
def test_it_is_held_back_with_the_reason(
    metadata: dict[str, Any] | None, sources: tuple[str, ...], why: str
) -> None:
    """Grading something else than what the user sent would be worse."""
    found = made(metadata, sources)

    assert isinstance(found, str)
    assert why in found


def test_without_metadata_it_is_made_of_the_row_with_given_limits() -> None:
    """Producers need not write metadata.json."""
    found = made(None, limits=KnownLimits(900, 128))

    assert isinstance(found, GradingRequest)
    assert found.source_file == f"s3://bucket/{SOURCE}"
    assert (found.problem_id, found.language, found.test_cases) == ("sum", "python", None)
    assert (found.time_limit, found.memory_limit) == (900, 128)
