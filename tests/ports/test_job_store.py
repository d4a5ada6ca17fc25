"""Behaviour of every job store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

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
from grader.ports.jobs import (
    ABANDONED_AFTER,
    AlreadyFinished,
    Claim,
    Granted,
    HeldByAnother,
    JobStore,
)

NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)


def claim(message_id: str = "ID:1", worker_id: str = "one", request_id: str = "req_1") -> Claim:
    """A claim of a request."""
    request = GradingRequest(
        request_id=request_id,
        user_id="ユーザー😀",
        problem_id="prob_1",
        language="python",
        source_file="s3://bucket/submissions/req_1/solution.py",
        time_limit=1000,
        memory_limit=64,
        timestamp=NOW,
    )
    return Claim(request, message_id, "grading-requests", worker_id)


def completed(request_id: str = "req_1") -> GradingResult:
    """A result with all fields set."""
    cases = (CaseResult(case=1, status=Verdict.WRONG_ANSWER, time=250, memory=64),)
    grade = Grade(
        verdict=Verdict.WRONG_ANSWER,
        score=0,
        execution_time=250,
        memory_usage=64,
        test_results=cases,
        message="한국어 😀",
    )
    return GradingResult(
        request_id=request_id,
        status=Status.COMPLETED,
        result=grade,
        result_file="s3://bucket/results/req_1/result.json",
        timestamp=NOW,
    )


def as_stored(result: GradingResult) -> JobResult:
    """Results are stored without the model of their handler."""
    return JobResult.from_json(result.to_json())


def failed() -> GradingResult:
    """A result without a verdict."""
    error = Failure(code=ErrorCode.INVALID_REQUEST, message="timeLimit: too small")
    return GradingResult(request_id="req_1", status=Status.FAILED, error=error, timestamp=NOW)


def test_first_claim_is_granted_and_counted(job_store: JobStore) -> None:
    """The attempt is counted before the work starts."""
    assert job_store.claim(claim()) == Granted(1)

    row = job_store.get("req_1")
    assert row is not None
    assert (row.status, row.attempts, row.worker_id) == ("running", 1, "one")


def test_redelivered_message_takes_over_its_claim(job_store: JobStore) -> None:
    """A redelivery means that the previous worker died or returned the message."""
    job_store.claim(claim(worker_id="one"))

    assert job_store.claim(claim(worker_id="two")) == Granted(2)
    assert job_store.get("req_1").worker_id == "two"


def test_other_message_of_the_same_request_must_wait(job_store: JobStore) -> None:
    """A request sent twice is not processed twice at the same time."""
    job_store.claim(claim("ID:1", "one"))

    assert job_store.claim(claim("ID:2", "two")) == HeldByAnother("one")
    assert job_store.get("req_1").attempts == 1


def test_finished_request_returns_its_result(job_store: JobStore) -> None:
    """Unchanged, including Unicode and test cases."""
    job_store.claim(claim())
    job_store.finish(completed())

    assert job_store.claim(claim("ID:2")) == AlreadyFinished(as_stored(completed()))
    assert job_store.claim(claim("ID:1")) == AlreadyFinished(as_stored(completed()))


def test_stored_result_has_the_same_bytes_as_the_message(job_store: JobStore) -> None:
    """It can be sent again unchanged."""
    job_store.finish(completed())

    row = job_store.get("req_1")

    assert row is not None
    assert row.result is not None
    assert row.result.to_json() == completed().to_json()


def test_results_of_other_handlers_are_stored_too(job_store: JobStore) -> None:
    """The table is the same for all handlers."""
    result = JobResult(
        request_id="req_1",
        status=Status.COMPLETED,
        result={"words": [1, None, {"deep": 1.5}]},
        timestamp=NOW,
    )
    job_store.claim(Claim(JobRequest(request_id="req_1"), "ID:1", "documents", "one"))

    job_store.finish(result)

    assert job_store.claim(claim("ID:2")) == AlreadyFinished(result)


def test_field_longer_than_its_column_is_truncated(job_store: JobStore) -> None:
    """No field of a handler's request may stop the worker."""

    class Translation(JobRequest):
        language: list[str]
        user_id: str

    request = Translation(request_id="req_1", language=["Korean"] * 100, user_id="u" * 1000)

    assert job_store.claim(Claim(request, "ID:1", "documents", "one")) == Granted(1)


def test_row_has_status_and_result(job_store: JobStore) -> None:
    """The web tier reads them."""
    job_store.claim(claim())
    job_store.finish(completed())

    row = job_store.get("req_1")

    assert row is not None
    assert (row.status, row.result, row.attempts) == ("completed", as_stored(completed()), 1)


def test_rejected_request_has_a_row_without_a_claim(job_store: JobStore) -> None:
    """The failure of an invalid message is stored although it was never claimed."""
    job_store.finish(failed())

    row = job_store.get("req_1")

    assert row is not None
    assert (row.status, row.attempts, row.result) == ("failed", 0, as_stored(failed()))


def test_ids_differ_by_case(job_store: JobStore) -> None:
    """Ids that differ only in case are two requests, like their object keys."""
    job_store.claim(claim(request_id="req_a"))

    assert job_store.claim(claim("ID:2", request_id="req_A")) == Granted(1)


def test_one_of_many_claims_at_once_is_granted(job_store: JobStore) -> None:
    """Claiming is atomic."""
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda n: job_store.claim(claim(f"ID:{n}")), range(24)))

    assert outcomes.count(Granted(1)) == 1
    assert sum(isinstance(outcome, HeldByAnother) for outcome in outcomes) == 23


def test_attempts_of_one_message_are_all_counted(job_store: JobStore) -> None:
    """No attempt is lost between two workers that claim at the same time."""
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: job_store.claim(claim()), range(16)))

    assert sorted(outcome.attempt for outcome in outcomes) == list(range(1, 17))


def test_unknown_request_has_no_row(job_store: JobStore) -> None:
    """A missing row is None, not an error."""
    assert job_store.get("req_1") is None


def test_deleted_row_is_gone(job_store: JobStore) -> None:
    """Deleting again has no effect."""
    job_store.claim(claim())

    job_store.delete("req_1")
    job_store.delete("req_1")

    assert job_store.get("req_1") is None
    assert job_store.claim(claim()) == Granted(1)


def test_ping_returns(job_store: JobStore) -> None:
    """No exception means that the table is reachable."""
    job_store.ping()


def test_an_abandoned_claim_expires(job_store: JobStore, clock: Any) -> None:
    """Its message may have been purged; the claim holds for an hour."""
    job_store.claim(claim(message_id="ID:purged"))

    clock.now += ABANDONED_AFTER
    assert isinstance(job_store.claim(claim(message_id="ID:2")), HeldByAnother)
    clock.now += timedelta(seconds=1)
    assert job_store.claim(claim(message_id="ID:2")) == Granted(2)
