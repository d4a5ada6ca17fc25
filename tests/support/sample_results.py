"""Requests and results with usual values, for tests in which only a few of them matter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from grader.contract.bucket import result_key, source_key
from grader.contract.messages import Failure, Grade, GradingRequest, GradingResult
from grader.contract.verdicts import ErrorCode, Status, Verdict

NOW = datetime(2024, 8, 20, 12, 0, 0, tzinfo=UTC)


def request(request_id: str = "req_1", **changes: Any) -> GradingRequest:
    """A request to grade a Python program for the problem `sum`."""
    usual = {
        "request_id": request_id,
        "user_id": "ann",
        "problem_id": "sum",
        "language": "python",
        "source_file": f"s3://bucket/{source_key(request_id, 'py')}",
        "time_limit": 1000,
        "memory_limit": 64,
        "timestamp": NOW,
    }
    return GradingRequest.model_validate({**usual, **changes}, by_name=True)


def completed(
    request_id: str = "req_1", verdict: Verdict = Verdict.ACCEPTED, score: int = 100, **changes: Any
) -> GradingResult:
    """A result with a verdict."""
    grade = Grade(verdict=verdict, score=score, execution_time=2, memory_usage=3)
    file = f"s3://bucket/{result_key(request_id)}"
    usual = {"status": Status.COMPLETED, "result": grade, "result_file": file, "timestamp": NOW}
    return GradingResult(request_id=request_id, **{**usual, **changes})


def failed(
    request_id: str = "req_1", code: ErrorCode = ErrorCode.INTERNAL_ERROR, message: str = "failed"
) -> GradingResult:
    """A result without a verdict."""
    error = Failure(code=code, message=message)
    return GradingResult(request_id=request_id, status=Status.FAILED, error=error, timestamp=NOW)
