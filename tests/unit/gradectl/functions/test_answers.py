"""How functions and their answers are shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gradectl.functions.answer_table import answer_table, was_taken_for_submission
from gradectl.functions.listing import describe_function, function_table
from grader.client.functions import StoredFunction, make_function_request, make_manifest
from grader.contract.functions import FunctionAnswer, FunctionResult, FunctionStatus
from grader.contract.messages import Failure, GradingRequest
from grader.contract.verdicts import ErrorCode, Status
from grader.errors import RequestError

NOW = datetime(2024, 8, 20, 12, tzinfo=UTC)
MANIFEST = make_manifest(
    function_id="hello", runtime="python", entry="main.py", contents={"main.py": b""}
)


def failed(code: ErrorCode, message: str) -> FunctionResult:
    """A failed request."""
    error = Failure(code=code, message=message)
    return FunctionResult(request_id="req_1", status=Status.FAILED, error=error, timestamp=NOW)


def refused_by_grading() -> FunctionResult:
    """What a worker that only grades answers to a request of a function."""
    request = make_function_request("hello", {"name": "Ada"}, user_id="ann")
    with pytest.raises(RequestError) as refused:
        GradingRequest.from_json(request.to_json())
    return failed(refused.value.code, refused.value.what)


def test_an_answer_is_shown_with_both_streams_and_the_tip() -> None:
    """Empty streams are left out."""
    answer = FunctionAnswer(
        request_id="req_1",
        function_id="hello",
        status=FunctionStatus.FAILURE,
        exit_code=3,
        stdout="out\n",
        stderr="",
        duration_millis=5,
        peak_memory_bytes=6 << 20,
        peak_memory_mb=6,
        optimization_tip="less",
        reason="exit code 3",
    )
    result = FunctionResult(
        request_id="req_1", status=Status.COMPLETED, result=answer, timestamp=NOW
    )

    table = answer_table(result)

    assert list(table.rows) == [("FAILURE", 3, 5, 6, "exit code 3")]
    assert (table.title, table.text) == ("req_1: hello\ntip: less", "stdout:\nout")


def test_a_failed_request_is_shown_with_its_error() -> None:
    """As one of a submission."""
    table = answer_table(failed(ErrorCode.FUNCTION_INVALID, "the file main.py is missing"))

    assert list(table.rows) == [("FUNCTION_INVALID", "the file main.py is missing")]


@pytest.mark.parametrize(
    ("result", "is_so"),
    [
        (refused_by_grading(), True),
        (failed(ErrorCode.INVALID_REQUEST, "inputData: 9 bytes"), False),
        (failed(ErrorCode.FUNCTION_INVALID, "entry: Field required"), False),
    ],
)
def test_workers_that_only_grade_are_recognised(result: FunctionResult, *, is_so: bool) -> None:
    """They take a request of a function for a submission, and miss its fields."""
    assert was_taken_for_submission(result) is is_so


def test_the_list_has_limits_runs_and_tips() -> None:
    """Without the database the runs are not known; without runs there is no tip."""
    known = describe_function(StoredFunction("hello", MANIFEST, "", NOW), [6, 10])
    unknown = describe_function(StoredFunction("hello", MANIFEST, "", NOW), None)
    invalid = describe_function(StoredFunction("odd", None, "invalid manifest: x", None), [])

    assert (known["runs"], known["peak_mb"], known["suggested_mb"]) == (2, 10, 16)
    assert known["tip"] == (
        "256 MB asked, at most 10 MB used in the last 2 successful runs; 16 MB would do"
    )
    assert (unknown["runs"], unknown["peak_mb"], unknown["tip"]) == (None, None, None)
    table = function_table([known, unknown, invalid], "exams")
    assert [row[-2:] for row in table.rows] == [(2, 10), ("?", ""), (0, "")]
    assert table.text == f"hello: {known['tip']}\nodd: invalid manifest: x"
    assert function_table([], "exams").title == "exams has no functions"
