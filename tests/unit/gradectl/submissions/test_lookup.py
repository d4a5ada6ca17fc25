"""What is known of a request is put together from whoever answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime

import pytest

from gradectl.errors import GradectlError, StoppedError, UnreachableError
from gradectl.queues.testing import MemoryBroker
from gradectl.submissions.lookup import Findings, look_up, state
from gradectl.submissions.result_table import result_rows, result_table
from gradectl.submissions.submit import stored_job_result
from grader.contract.bucket import result_key
from grader.contract.messages import (
    CaseResult,
    Failure,
    Grade,
    GradingRequest,
    GradingResult,
    JobResult,
)
from grader.contract.verdicts import ErrorCode, Fault, Status, Verdict
from grader.errors import TemporaryError
from grader.ports.jobs import Claim, JobStore
from grader.testing import MemoryJobStore, MemoryObjectStore

NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)
CASE = CaseResult(case=1, status=Verdict.ACCEPTED, time=2, memory=3)
GRADE = Grade(
    verdict=Verdict.ACCEPTED, score=100, execution_time=2, memory_usage=3, test_results=(CASE,)
)
DONE = GradingResult(request_id="req_1", status=Status.COMPLETED, result=GRADE, timestamp=NOW)
REQUEST = GradingRequest(
    request_id="req_1",
    user_id="u",
    problem_id="sum",
    language="python",
    source_file="s3://b/submissions/req_1/solution.py",
    time_limit=1000,
    memory_limit=64,
    timestamp=NOW,
)


class World:
    """An environment in memory."""

    def __init__(self) -> None:
        """Begin empty."""
        self.store = MemoryObjectStore()
        self.jobs = MemoryJobStore()
        self.broker = MemoryBroker()

    def look_up(self) -> Findings:
        return look_up(
            "req_1", self.store, lambda: nullcontext(self.jobs), lambda: nullcontext(self.broker)
        )


def test_a_finished_request_is_known_to_all() -> None:
    """Bucket, row and the result message are reported, each where it is."""
    world = World()
    world.store.objects[result_key("req_1")] = DONE.to_json()
    world.jobs.claim(Claim(REQUEST, "ID:1", "grading-requests", "w"))
    world.jobs.finish(DONE)
    world.broker.send("grading-results", DONE.to_json(), {"correlation-id": "req_1"})
    world.broker.send("grading-results", b"{}", {"correlation-id": "req_2"})

    found = world.look_up()

    assert found.result == DONE
    assert found.row is not None
    assert found.row.attempts == 1
    assert [located.queue for located in found.messages] == ["grading-results"]
    assert state(found) == "finished"


def test_a_waiting_request_is_found_in_its_queue() -> None:
    """The first thing somebody asks: is it still in the queue?"""
    world = World()
    world.store.objects["submissions/req_1/solution.py"] = b"x"
    world.broker.send("grading-priority", REQUEST.to_json(), {})

    assert state(world.look_up()) == "in grading-priority"


def test_a_running_request_is_known_by_its_row() -> None:
    """With its attempt, for a third one is a reason to look closer."""
    world = World()
    world.jobs.claim(Claim(REQUEST, "ID:1", "grading-requests", "w"))

    assert state(world.look_up()) == "being worked on, attempt 1"


def test_a_submission_that_was_never_sent_is_told_apart() -> None:
    """Its source is there and no message is."""
    world = World()
    world.store.objects["submissions/req_1/solution.py"] = b"x"

    assert state(world.look_up()).startswith("submitted, but in no queue")


def test_a_request_whose_object_expired_is_still_finished() -> None:
    """Objects have a lifecycle, rows have not."""
    world = World()
    world.jobs.finish(DONE)

    assert state(world.look_up()) == "finished, but its result.json is not in the bucket"


def test_nobody_knows_a_request_that_never_was() -> None:
    """That is not the same as not having been able to ask."""
    found = World().look_up()

    assert not found.anything
    assert found.unknown == ()


def test_a_database_and_a_broker_that_do_not_answer_are_findings_and_not_errors() -> None:
    """From outside the network only the bucket can be reached; that is enough for a verdict."""
    world = World()
    world.store.objects[result_key("req_1")] = DONE.to_json()

    found = look_up("req_1", world.store, away(TemporaryError), away(UnreachableError))

    assert found.result == DONE
    assert [each.partition(":")[0] for each in found.unknown] == ["database", "broker"]


def test_a_signal_is_obeyed_and_not_taken_for_an_absent_broker() -> None:
    """Ctrl-C and SIGTERM end the command."""
    world = World()

    with pytest.raises(StoppedError):
        look_up("req_1", world.store, lambda: nullcontext(world.jobs), away(StoppedError, 15))


def away(
    error: type[Exception], *arguments: object
) -> Callable[[], AbstractContextManager[JobStore]]:
    """Something that cannot be opened."""

    @contextmanager
    def opened() -> Iterator[JobStore]:
        raise error(*(arguments or ("nothing answers",)))
        yield

    return opened


def test_a_verdict_is_laid_out_with_a_row_for_each_case() -> None:
    """The title holds what most people want to know."""
    table = result_table(DONE)

    assert table.title == "req_1: AC, score 100, 2 ms, 3 MB"
    assert list(table.rows) == [(1, Verdict.ACCEPTED, 2, 3, "")]
    assert ("case 1", "AC, 2 ms, 3 MB") in result_rows(DONE)


def test_a_failure_is_laid_out_with_its_code() -> None:
    """There is no verdict to show, and none is invented."""
    failure = Failure(code=ErrorCode.UNKNOWN_LANGUAGE, message="unknown language 'ruby'")
    failed = GradingResult(request_id="r", status=Status.FAILED, error=failure, timestamp=NOW)

    assert result_table(failed).title == "r: failed"
    assert list(result_table(failed).rows) == [("UNKNOWN_LANGUAGE", "unknown language 'ruby'")]
    assert result_rows(failed)[0] == (
        "verdict",
        "failed: UNKNOWN_LANGUAGE: unknown language 'ruby'",
    )


def test_the_compilers_words_are_shown() -> None:
    """They are why a compile error is one."""
    grade = GRADE.model_copy(update={"message": "expected ';'"})
    result = DONE.model_copy(update={"result": grade})

    assert "expected ';'" in result_table(result).title
    assert ("message", "expected ';'") in result_rows(result)


def test_who_is_at_fault_and_why_is_shown() -> None:
    """For the submission and for each case that was not accepted."""
    said = {"fault": Fault.SUBMISSION, "reason": "ended by SIGSEGV"}
    case = CASE.model_copy(update={"status": Verdict.RUNTIME_ERROR} | said)
    grade = GRADE.model_copy(
        update={"verdict": Verdict.RUNTIME_ERROR, "test_results": (case,)} | said
    )
    result = DONE.model_copy(update={"result": grade})

    assert result_table(result).title.endswith("\nended by SIGSEGV (fault: submission)")
    assert next(iter(result_table(result).rows))[-1] == "ended by SIGSEGV"
    assert ("why", "ended by SIGSEGV (fault: submission)") in result_rows(result)
    assert ("case 1", "RE, 2 ms, 3 MB: ended by SIGSEGV") in result_rows(result)


def test_a_tip_is_shown() -> None:
    """Who submits learns that less would do."""
    tip = "256 MB of memory asked, 6 MB used: 16 MB would do."
    result = DONE.model_copy(update={"result": GRADE.model_copy(update={"optimization_tip": tip})})

    assert result_table(result).title.endswith(tip)
    assert ("tip", tip) in result_rows(result)


def test_a_result_of_other_work_is_shown_as_it_is() -> None:
    """What the work is, is replaceable; where its result is, is not."""
    store = MemoryObjectStore()
    counted = JobResult(
        request_id="req_1", status=Status.COMPLETED, result={"words": 7, "note": "é"}, timestamp=NOW
    )
    store.put("results/req_1/result.json", counted.to_json(), content_type="application/json")

    found = stored_job_result(store, "req_1")

    assert found == counted
    assert result_rows(found)[0] == ("result", 'completed: {"words": 7, "note": "é"}')


def test_a_file_that_is_no_result_is_said_to_be_none() -> None:
    """Whatever wrote it there."""
    store = MemoryObjectStore()
    store.put("results/req_1/result.json", b"[]", content_type="application/json")

    with pytest.raises(GradectlError, match="not a result"):
        stored_job_result(store, "req_1")
