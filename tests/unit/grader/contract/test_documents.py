"""The document of a finished request, which is the same text in every way to its owner."""

from __future__ import annotations

import json

import pytest
from sample_results import NOW, completed, failed, request

from grader.contract.documents import JobFields, document_of, fields_of
from grader.contract.functions import (
    FunctionAnswer,
    FunctionRequest,
    FunctionResult,
    FunctionStatus,
)
from grader.contract.messages import JobRequest, JobResult
from grader.contract.verdicts import ErrorCode, Status

SUBMITTED = request(batch_id="batch_1")
ANSWER = FunctionAnswer(
    request_id="req_1",
    function_id="hello",
    status=FunctionStatus.SUCCESS,
    exit_code=0,
    stdout="hi\n",
    stderr="",
    duration_millis=3,
    peak_memory_bytes=6_000_000,
    peak_memory_mb=6,
)


def test_a_graded_submission_has_its_grade_and_nothing_of_the_bucket() -> None:
    """The result file and the name of a rejudging are for operators."""
    result = completed().model_copy(update={"rejudging": "rj-1"})

    document = document_of(fields_of(SUBMITTED), result, attempts=2)

    assert json.loads(document.to_json()) == {
        "requestId": "req_1",
        "status": "completed",
        "userId": "ann",
        "problemId": "sum",
        "language": "python",
        "batchId": "batch_1",
        "submittedAt": "2024-08-20T12:00:00Z",
        "finishedAt": "2024-08-20T12:00:00Z",
        "attempts": 2,
        "result": {"verdict": "AC", "score": 100, "executionTime": 2, "memoryUsage": 3,
                   "testResults": []},
    }  # fmt: skip


@pytest.mark.parametrize("result", [completed(), failed()], ids=["completed", "failed"])
def test_a_result_from_a_row_gives_the_same_text(result: JobResult) -> None:
    """The worker has models, the database has JSON."""
    stored = JobResult.from_json(result.to_json())

    texts = {
        document_of(fields_of(SUBMITTED), each, attempts=1).to_json() for each in (result, stored)
    }

    assert len(texts) == 1


def test_a_function_has_its_flat_answer() -> None:
    """Also read from a row."""
    asked = FunctionRequest(request_id="req_1", function_id="hello")
    result = FunctionResult(
        request_id="req_1", status=Status.COMPLETED, result=ANSWER, timestamp=NOW
    )
    stored = JobResult.from_json(result.to_json())

    for each in (result, stored):
        assert document_of(fields_of(asked), each, attempts=1) == ANSWER


def test_a_function_that_could_not_run_has_an_answer_too() -> None:
    """Its caller reads a status and an exit code in each case."""
    job = JobFields("req_1", function_id="hello")

    document = document_of(job, failed(code=ErrorCode.INTERNAL_ERROR, message="no"), attempts=6)

    assert isinstance(document, FunctionAnswer)
    assert document.status is FunctionStatus.FAILURE
    assert (document.exit_code, document.stderr) == (-1, "INTERNAL_ERROR: no")
    assert document.reason == "no"


def test_a_result_of_another_handler_is_its_own_document() -> None:
    """Its shape is the handler's, without the place of its file."""
    result = JobResult(
        request_id="req_1",
        status=Status.COMPLETED,
        result={"words": 3},
        result_file="s3://bucket/results/req_1/result.json",
        timestamp=NOW,
    )

    document = document_of(fields_of(JobRequest(request_id="req_1")), result, attempts=1)

    assert json.loads(document.to_json()) == {
        "requestId": "req_1",
        "status": "completed",
        "result": {"words": 3},
        "timestamp": "2024-08-20T12:00:00Z",
    }
