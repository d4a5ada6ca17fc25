"""Behaviour of every job store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from grader.contract.functions import (
    NOT_RUN,
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
from grader.ports.jobs import (
    DEFAULT_LEASE,
    AlreadyFinished,
    Claim,
    Granted,
    HeldByAnother,
    JobStore,
)
from grader.ports.results import ProgressNote

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


def failed(request_id: str = "req_1") -> GradingResult:
    """A result without a verdict."""
    error = Failure(code=ErrorCode.INVALID_REQUEST, message="timeLimit: too small")
    return GradingResult(request_id=request_id, status=Status.FAILED, error=error, timestamp=NOW)


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
    assert job_store.finish(completed(), attempt=1)

    assert job_store.claim(claim("ID:2")) == AlreadyFinished(as_stored(completed()))
    again = AlreadyFinished(as_stored(completed()), same_message=True)
    assert job_store.claim(claim("ID:1")) == again


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

    job_store.finish(result, attempt=1)

    assert job_store.claim(claim("ID:2")) == AlreadyFinished(result)


def test_field_longer_than_its_column_is_truncated(job_store: JobStore) -> None:
    """No field of a handler's request may stop the worker."""

    class Translation(JobRequest):
        language: list[str]
        user_id: str

    request = Translation(request_id="req_1", language=["Korean"] * 100, user_id="u" * 1000)

    assert job_store.claim(Claim(request, "ID:1", "documents", "one")) == Granted(1)


def test_claims_that_hold_are_listed_by_message(job_store: JobStore) -> None:
    """With their workers; neither those of other queues, nor finished ones, nor those over."""
    job_store.claim(claim("ID:1"))
    job_store.claim(claim("ID:2", request_id="req_2"))
    job_store.finish(failed().model_copy(update={"request_id": "req_2"}), attempt=1)
    over = replace(claim("ID:3", request_id="req_3"), lease=timedelta(seconds=-1))
    job_store.claim(over)

    assert job_store.claimed(claim().queue) == {"ID:1": claim().worker_id}
    assert job_store.claimed("another") == {}


def test_row_has_status_and_result(job_store: JobStore) -> None:
    """The web tier reads them."""
    job_store.claim(claim())
    assert job_store.finish(completed(), attempt=1)

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


def test_only_a_failed_request_is_reopened(job_store: JobStore) -> None:
    """A result is kept, and a running job too."""
    assert not job_store.reopen("req_1")
    job_store.claim(claim())
    assert not job_store.reopen("req_1")
    job_store.finish(failed(), attempt=1)

    assert job_store.reopen("req_1")
    assert job_store.claim(claim("ID:2")) == Granted(1)

    job_store.finish(completed(), attempt=1)
    assert not job_store.reopen("req_1")


def test_ping_returns(job_store: JobStore) -> None:
    """No exception means that the table is reachable."""
    job_store.ping()


def test_a_claim_ends_with_its_lease(job_store: JobStore, clock: Any) -> None:
    """A dead worker holds a request for minutes: its message may have been purged."""
    job_store.claim(claim(message_id="ID:purged"))

    clock.now += DEFAULT_LEASE
    assert isinstance(job_store.claim(claim(message_id="ID:2")), HeldByAnother)
    clock.now += timedelta(seconds=1)
    assert job_store.claim(claim(message_id="ID:2")) == Granted(2)


def test_progress_is_noted_for_running_attempts_only(job_store: JobStore) -> None:
    """With one call for all; an attempt that was taken over, or has a result, gets none."""
    for name in ("req_1", "req_2", "req_3"):
        job_store.claim(claim(request_id=name))
    job_store.claim(claim(request_id="req_2"))
    job_store.finish(completed("req_3"), attempt=1)
    before = job_store.get("req_1")
    names = ("req_1", "req_2", "req_3", "req_4")

    job_store.note_progress([])
    job_store.note_progress([ProgressNote(name, 1, '{"phase":"한"}') for name in names])

    rows = [job_store.get(name) for name in names]
    assert [row and row.progress for row in rows] == ['{"phase":"한"}', None, None, None]
    assert rows[0] == replace(before, progress='{"phase":"한"}')


def test_progress_ends_with_its_attempt(job_store: JobStore) -> None:
    """By a result, by the next claim, or when it is given back."""
    names = ("req_1", "req_2", "req_3")
    for name in names:
        job_store.claim(claim(request_id=name))
    job_store.note_progress([ProgressNote(name, 1, "{}") for name in names])

    job_store.finish(completed("req_1"), attempt=1)
    job_store.claim(claim(request_id="req_2"))
    job_store.give_back("one", "req_3", 1)

    assert [job_store.get(name).progress for name in names] == [None, None, None]


def test_a_known_result_has_the_number_of_its_attempts(job_store: JobStore) -> None:
    """For the document that is published again."""
    job_store.claim(claim())
    job_store.claim(claim())
    job_store.finish(completed(), attempt=2)

    assert job_store.claim(claim()).attempts == 2


def test_a_row_says_until_when_its_claim_holds(job_store: JobStore, clock: Any) -> None:
    """A renewal moves the end, and the first claim stays known; a finished row has no claim."""
    job_store.claim(claim())
    first = clock.now.replace(tzinfo=UTC)
    clock.now += timedelta(minutes=1)
    job_store.renew("one", ["req_1"], DEFAULT_LEASE)

    row = job_store.get("req_1")
    assert (row.created_at, row.updated_at) == (first, first)
    assert row.held_until == clock.now.replace(tzinfo=UTC) + DEFAULT_LEASE

    job_store.finish(completed(), attempt=1)
    row = job_store.get("req_1")
    assert (row.created_at, row.held_until) == (first, None)
    assert row.updated_at == clock.now.replace(tzinfo=UTC)


def test_the_claim_of_a_dead_worker_is_released(job_store: JobStore, clock: Any) -> None:
    """Once: the next message is granted the next attempt, which has a claim of its own."""
    assert not job_store.release("req_1", 1)
    job_store.claim(claim())
    assert not job_store.release("req_1", 1)
    clock.now += DEFAULT_LEASE + timedelta(seconds=1)

    assert not job_store.release("req_1", 2)
    assert job_store.release("req_1", 1)
    assert job_store.get("req_1").worker_id == ""
    assert job_store.claim(claim("ID:2", "two")) == Granted(2)
    assert not job_store.release("req_1", 1)

    job_store.finish(completed(), attempt=2)
    assert not job_store.release("req_1", 2, force=True)


def test_a_claim_released_by_force_is_not_renewed(job_store: JobStore, clock: Any) -> None:
    """Its worker may live: it keeps its result only where no other attempt has begun."""
    for request_id in ("req_1", "req_2"):
        job_store.claim(claim(request_id=request_id))
        assert job_store.release(request_id, 1, force=True)
    clock.now += timedelta(seconds=1)
    job_store.renew("one", ["req_1", "req_2"], DEFAULT_LEASE)

    assert job_store.claim(claim("ID:2", "two")) == Granted(2)
    assert not job_store.finish(failed(), attempt=1)
    assert job_store.finish(completed("req_2"), attempt=1)
    assert job_store.claim(claim("ID:3", "two", "req_2")) == AlreadyFinished(
        as_stored(completed("req_2"))
    )


def test_a_renewed_claim_holds(job_store: JobStore, clock: Any) -> None:
    """As long as its worker lives, however long the job takes; other rows are not renewed."""
    job_store.claim(claim("ID:1", "one"))
    job_store.claim(claim("ID:2", "one", "req_2"))
    job_store.claim(claim("ID:3", "two", "req_3"))

    for _ in range(40):
        clock.now += DEFAULT_LEASE
        job_store.renew("one", ["req_1", "req_3", "req_unknown"], DEFAULT_LEASE)

    assert job_store.claim(claim("ID:9", "three")) == HeldByAnother("one")
    assert job_store.claim(claim("ID:9", "three", "req_2")) == Granted(2)
    assert job_store.claim(claim("ID:9", "three", "req_3")) == Granted(2)


def test_nothing_to_renew_is_not_an_error(job_store: JobStore) -> None:
    """Neither no requests, nor one that has finished."""
    job_store.claim(claim())
    job_store.finish(completed(), attempt=1)

    job_store.renew("one", [], DEFAULT_LEASE)
    job_store.renew("one", ["req_1"], DEFAULT_LEASE)

    assert job_store.claim(claim("ID:2")) == AlreadyFinished(as_stored(completed()))


def test_a_lease_is_as_long_as_its_worker_asks(job_store: JobStore, clock: Any) -> None:
    """It is stored with the claim, so workers with other settings respect it."""
    long = timedelta(hours=2)
    job_store.claim(replace(claim("ID:1", "one"), lease=long))

    clock.now += long
    assert job_store.claim(claim("ID:2", "two")) == HeldByAnother("one")
    clock.now += timedelta(seconds=1)
    assert job_store.claim(claim("ID:2", "two")) == Granted(2)


def test_result_of_an_attempt_that_was_taken_over_is_refused(
    job_store: JobStore, clock: Any
) -> None:
    """A worker that was frozen meanwhile overwrites neither a running attempt nor its result."""
    job_store.claim(claim("ID:1", "one"))
    clock.now += DEFAULT_LEASE + timedelta(seconds=1)
    job_store.claim(claim("ID:2", "two"))

    job_store.renew("one", ["req_1"], DEFAULT_LEASE)
    assert not job_store.finish(failed(), attempt=1)
    assert job_store.get("req_1").status == "running"
    assert job_store.finish(completed(), attempt=2)
    assert not job_store.finish(failed(), attempt=1)
    assert not job_store.finish(failed())

    row = job_store.get("req_1")
    assert (row.status, row.attempts, row.result) == ("completed", 2, as_stored(completed()))


def test_storing_the_same_result_again_succeeds(job_store: JobStore) -> None:
    """The answer to the first call may have been lost."""
    job_store.claim(claim())

    assert [job_store.finish(completed(), attempt=1) for _ in range(2)] == [True, True]
    assert [job_store.finish(failed("req_2")) for _ in range(2)] == [True, True]


def test_attempt_that_is_given_back_does_not_count(job_store: JobStore) -> None:
    """Its lease has ended, so another message of the request may be graded at once."""
    job_store.claim(claim("ID:1", "one"))
    job_store.claim(claim("ID:1", "two"))

    assert job_store.give_back("two", "req_1", 2)

    assert job_store.get("req_1").attempts == 1
    assert job_store.claim(claim("ID:2", "three")) == Granted(2)


def test_a_failure_that_was_noted_is_known_to_the_next_claim(job_store: JobStore) -> None:
    """So attempts that failed and attempts that ended their worker can be told apart."""
    job_store.claim(claim("ID:1", "one"))
    job_store.note_failure("req_1", 1)

    assert job_store.claim(claim("ID:1", "two")) == Granted(2, settled=1)
    assert job_store.claim(claim("ID:1", "two")) == Granted(3, settled=1)


def test_only_the_running_attempt_has_its_failure_noted(job_store: JobStore) -> None:
    """Not one that was taken over, nor one of a finished, deleted or unknown request."""
    job_store.claim(claim("ID:1", "one"))
    job_store.claim(claim("ID:1", "two"))
    job_store.note_failure("req_1", 1)
    job_store.note_failure("req_2", 1)

    assert job_store.claim(claim("ID:1", "three")) == Granted(3)
    job_store.finish(completed(), attempt=3)
    job_store.note_failure("req_1", 3)
    assert job_store.get("req_1").result == as_stored(completed())
    job_store.delete("req_1")
    assert job_store.claim(claim("ID:1", "four")) == Granted(1)


def test_worker_gives_back_only_its_own_running_attempt(job_store: JobStore) -> None:
    """Neither another one's, nor an earlier one of its own, nor a finished or unknown one."""
    job_store.claim(claim("ID:1", "one"))
    job_store.claim(claim("ID:1", "two"))

    assert not job_store.give_back("one", "req_1", 1)
    assert not job_store.give_back("one", "req_1", 2)
    assert not job_store.give_back("two", "req_1", 1)
    assert not job_store.give_back("two", "req_2", 1)
    job_store.finish(completed(), attempt=2)
    assert not job_store.give_back("two", "req_1", 2)
    assert job_store.get("req_1").attempts == 2


def test_worker_cannot_renew_or_finish_what_it_gave_back(job_store: JobStore) -> None:
    """Its result is not stored, and the claim stays free."""
    job_store.claim(claim("ID:1", "one"))
    job_store.give_back("one", "req_1", 1)

    assert not job_store.finish(completed(), attempt=1)
    job_store.renew("one", ["req_1"], DEFAULT_LEASE)
    assert job_store.claim(claim("ID:2", "two")) == Granted(1)


def run(job_store: JobStore, number: int, peak_mb: int, **changes: Any) -> None:
    """Let a function run to its end."""
    request = FunctionRequest(request_id=f"req_{number}", function_id="hello")
    answer = FunctionAnswer(
        request_id=request.request_id,
        function_id="hello",
        status=FunctionStatus.SUCCESS,
        exit_code=0,
        stdout="",
        stderr="",
        duration_millis=1,
        peak_memory_bytes=peak_mb << 20,
        peak_memory_mb=peak_mb,
    ).model_copy(update=changes)
    result = FunctionResult(
        request_id=request.request_id, status=Status.COMPLETED, result=answer, timestamp=NOW
    )
    assert job_store.claim(Claim(request, f"ID:{number}", "grading-requests", "one")) == Granted(1)
    assert job_store.finish(result, attempt=1)


def test_the_last_runs_of_a_function_are_known_by_their_peaks(job_store: Any, clock: Any) -> None:
    """The newest first; only of successful runs, and not those of other functions and gradings."""
    for number, peak_mb in enumerate((5, 6, 7), 1):
        clock.now += timedelta(seconds=1)
        run(job_store, number, peak_mb)
    run(job_store, 4, 0, status=FunctionStatus.NOT_FOUND, exit_code=NOT_RUN)
    run(job_store, 5, 64, status=FunctionStatus.OUT_OF_MEMORY, exit_code=137)
    run(job_store, 6, 3, status=FunctionStatus.FAILURE, exit_code=1)
    job_store.claim(claim(request_id="req_graded"))
    job_store.finish(completed("req_graded"), attempt=1)

    assert job_store.peaks_mb("hello", 2) == [7, 6]
    assert job_store.peaks_mb("hello", 20) == [7, 6, 5]
    assert job_store.peaks_mb("other", 20) == job_store.peaks_mb("Hello", 20) == []
    assert job_store.get("req_1").result.result["peakMemoryMB"] == 5
