"""The body of a webhook."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grader.contract.callbacks import Callback
from grader.contract.documents import document_of, fields_of
from grader.contract.functions import (
    FunctionAnswer,
    FunctionRequest,
    FunctionResult,
    FunctionStatus,
)
from grader.contract.messages import (
    CaseResult,
    Failure,
    Grade,
    GradingRequest,
    GradingResult,
    JobRequest,
    JobResult,
)
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.ports.jobs import Claim
from grader.testing import MemoryJobStore
from grader.webhooks.payload import NoBodyError, body_of

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
URL = "https://hooks.example.com/"


def request(request_id: str = "req_1", **fields: Any) -> GradingRequest:
    """A request."""
    return GradingRequest(
        request_id=request_id, user_id="ann", problem_id="sum", language="python",
        source_file="s3://bucket/submissions/x/a.py", time_limit=1000, memory_limit=64,
        timestamp=NOW, webhook_url=URL, **fields,
    )  # fmt: skip


def graded(request_id: str = "req_1", cases: int = 2, at: datetime = NOW) -> GradingResult:
    """A result."""
    results = tuple(
        CaseResult(case=number, status=Verdict.ACCEPTED, time=1, memory=2)
        for number in range(cases)
    )
    grade = Grade(
        verdict=Verdict.ACCEPTED, score=100, execution_time=1, memory_usage=1, test_results=results
    )
    file = f"s3://bucket/results/{request_id}/result.json"
    return GradingResult(
        request_id=request_id, status=Status.COMPLETED, result=grade, result_file=file, timestamp=at
    )


class Table:
    """A table of jobs with results."""

    def __init__(self) -> None:
        self.jobs = MemoryJobStore()

    def add(self, job: JobRequest, result: JobResult | None, callback: Callback) -> None:
        """Claim and finish a request."""
        self.jobs.claim(Claim(job, f"ID:{job.request_id}", "requests", "one"))
        if result is not None:
            self.jobs.finish(result, attempt=1, callback=callback)

    def body(self, most: int = 1 << 20) -> bytes:
        """The body of the only delivery."""
        (delivery,) = self.jobs.outbox.find()
        jobs = self.jobs.outbox.jobs([delivery.subject])
        return body_of(delivery, jobs.get(delivery.subject), self.jobs.outbox, most=most)


@pytest.fixture
def table() -> Table:
    """An empty table."""
    return Table()


def test_the_data_is_the_document_byte_for_byte(table: Table) -> None:
    """A receiver needs one parser for `GET` and webhook; nothing of the bucket is in it."""
    table.add(request(), graded(), Callback(URL))

    body = table.body()

    document = document_of(fields_of(request()), graded(), attempts=1)
    assert body.endswith(b',"data":' + document.to_json() + b"}")
    parsed = json.loads(body)
    assert parsed["type"] == "submission.finished"
    assert parsed["timestamp"] == "2026-11-30T12:00:00Z"
    assert b"s3://" not in body


def test_a_failed_submission_has_its_error(table: Table) -> None:
    """In the same form."""
    error = Failure(code=ErrorCode.INVALID_REQUEST, message="timeLimit: too small")
    failed = GradingResult(request_id="req_1", status=Status.FAILED, error=error, timestamp=NOW)
    table.add(request(), failed, Callback(URL))

    data = json.loads(table.body())["data"]

    assert (data["status"], data["error"]["message"]) == ("failed", "timeLimit: too small")


def test_a_function_has_its_answer(table: Table) -> None:
    """As Redis and `GET` have it."""
    answer = FunctionAnswer(
        request_id="req_1", function_id="hello", status=FunctionStatus.SUCCESS, exit_code=0,
        stdout="hi", stderr="", duration_millis=1, peak_memory_bytes=1, peak_memory_mb=1,
    )  # fmt: skip
    result = FunctionResult(
        request_id="req_1", status=Status.COMPLETED, result=answer, timestamp=NOW
    )  # fmt: skip
    table.add(FunctionRequest(request_id="req_1", function_id="hello"), result, Callback(URL))

    parsed = json.loads(table.body())

    assert parsed["type"] == "function.finished"
    assert parsed["data"]["stdout"] == "hi"


def test_a_request_that_has_no_result_any_more_is_not_sent(table: Table) -> None:
    """It was deleted, or a redrive processes it anew."""
    table.add(request(), graded(), Callback(URL))
    table.jobs.delete("req_1")
    with pytest.raises(NoBodyError, match="processed anew"):
        table.body()

    table.jobs.claim(Claim(request(), "ID:1", "requests", "one"))
    with pytest.raises(NoBodyError, match="processed anew"):
        table.body()


def batch(table: Table, cases: int = 2) -> None:
    """A batch of three: two have ended."""
    callback = Callback(URL, "batch_1", 3)
    for number in range(3):
        job = request(f"req_{number}", batch_id="batch_1", batch_size=3)
        at = NOW + timedelta(minutes=number)
        table.add(job, graded(job.request_id, cases, at) if number < 2 else None, callback)


def test_a_batch_is_sent_as_a_whole(table: Table) -> None:
    """Each submission as it is sent alone; one that runs has no result."""
    batch(table)

    parsed = json.loads(table.body())

    data = parsed["data"]
    assert (parsed["type"], parsed["timestamp"]) == ("batch.finished", "2026-11-30T12:01:00Z")
    assert (data["batchId"], data["size"], data["finished"]) == ("batch_1", 3, 2)
    statuses = [each["status"] for each in data["submissions"]]
    assert statuses == ["completed", "completed", "running"]
    assert len(data["submissions"][0]["result"]["testResults"]) == 2


def test_a_function_of_a_batch_that_runs_is_named(table: Table) -> None:
    """As `GET` names it."""
    fields = {"function_id": "hello", "batch_id": "batch_1", "webhook_url": URL}
    table.add(request(batch_id="batch_1"), graded(), Callback(URL, "batch_1", 1))
    table.add(FunctionRequest(request_id="req_2", **fields), None, Callback(URL, "batch_1", 1))

    (_, running) = json.loads(table.body())["data"]["submissions"]

    assert (running["status"], running["functionId"]) == ("running", "hello")


def test_a_large_batch_is_sent_without_its_cases(table: Table) -> None:
    """Verdicts and scores are there; a thousand long results would not fit into the worker."""
    batch(table, cases=100)

    data = json.loads(table.body(most=5000))["data"]

    assert [each["result"]["verdict"] for each in data["submissions"][:2]] == ["AC", "AC"]
    assert not any(each.get("result", {}).get("testResults") for each in data["submissions"])


def test_a_batch_whose_rows_were_deleted_is_not_sent(table: Table) -> None:
    """There is nothing to send."""
    batch(table)
    for number in range(3):
        table.jobs.delete(f"req_{number}")

    with pytest.raises(NoBodyError, match="no request of the batch"):
        table.body()
