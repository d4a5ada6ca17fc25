"""A lookup combines the bucket, the database and the queues."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sample_results import completed, failed, request
from unsearchable_queues import UnsearchableBroker

from gradectl.errors import StoppedError, UnreachableError
from gradectl.queues.testing import MemoryBroker
from gradectl.submissions.lookup import (
    LookupResult,
    claim_text,
    look_up,
    not_searched,
    request_state,
)
from gradectl.submissions.result_table import result_rows, result_table
from gradectl.submissions.submitted import submitted_request
from gradectl.submissions.trace import advice
from grader.client.results import stored_job_result
from grader.contract.bucket import result_key
from grader.contract.messages import (
    CaseResult,
    Grade,
    JobResult,
)
from grader.contract.verdicts import ErrorCode, Fault, Status, Verdict
from grader.errors import GraderError, RequestError, TemporaryError
from grader.ports.jobs import Claim, JobRecord, JobStore
from grader.ports.messages import QueueStatistics
from grader.testing import MemoryJobStore, MemoryObjectStore

NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)
CASE = CaseResult(case=1, status=Verdict.ACCEPTED, time=2, memory=3)
GRADE = Grade(
    verdict=Verdict.ACCEPTED, score=100, execution_time=2, memory_usage=3, test_results=(CASE,)
)
DONE = completed(result=GRADE)
REQUEST = request()


class FakeEnvironment:
    """An empty in-memory environment."""

    def __init__(self) -> None:
        self.store = MemoryObjectStore()
        self.jobs = MemoryJobStore()
        self.broker = MemoryBroker()

    def look_up(self) -> LookupResult:
        return look_up(
            "req_1", self.store, lambda: nullcontext(self.jobs), lambda: nullcontext(self.broker)
        )


def test_a_request_whose_program_is_not_uploaded_waits_for_its_client() -> None:
    """To grade it again would fail it: its program is not there yet."""
    here = FakeEnvironment()
    metadata = b'{"requestId": "req_1", "awaitingUpload": true}'
    here.store.put("submissions/req_1/metadata.json", metadata, content_type="application/json")

    assert request_state(here.look_up()) == "waits until its client has uploaded its program"
    assert advice(here.look_up(), "dev", NOW).command == ""
    with pytest.raises(RequestError, match="not uploaded its program yet"):
        submitted_request(here.store, "req_1")


def test_a_request_that_a_worker_has_had_was_uploaded() -> None:
    """The API sends it, and its note that it did may fail."""
    here = FakeEnvironment()
    document = json.loads(REQUEST.to_json()) | {"awaitingUpload": True}
    here.store.put(
        "submissions/req_1/metadata.json", json.dumps(document).encode(), content_type="text/plain"
    )
    here.jobs.claim(Claim(REQUEST, "ID:1", "grading-requests", "w"))
    here.jobs.give_back("w", "req_1", 1)

    assert submitted_request(here.store, "req_1", was_taken=True) == REQUEST
    assert advice(here.look_up(), "dev", NOW).command == "gradectl queue requeue -e dev req_1"


def test_a_finished_request_is_in_all_sources() -> None:
    """Object, row and result message are reported."""
    environment = FakeEnvironment()
    environment.store.objects[result_key("req_1")] = DONE.to_json()
    environment.jobs.claim(Claim(REQUEST, "ID:1", "grading-requests", "w"))
    environment.jobs.finish(DONE, attempt=1)
    environment.broker.send("grading-results", DONE.to_json(), {"correlation-id": "req_1"})
    environment.broker.send("grading-results", b"{}", {"correlation-id": "req_2"})

    found = environment.look_up()

    assert found.result == DONE
    assert found.row is not None
    assert found.row.attempts == 1
    assert [located.queue for located in found.messages] == ["grading-results"]
    assert request_state(found) == "finished"


def test_a_waiting_request_is_found_in_its_queue() -> None:
    """The state names the queue."""
    environment = FakeEnvironment()
    environment.store.objects["submissions/req_1/solution.py"] = b"x"
    environment.broker.send("grading-priority", REQUEST.to_json(), {})

    assert request_state(environment.look_up()) == "in grading-priority"


def test_a_running_request_has_a_row() -> None:
    """The state has the attempt and the age of its claim, and says when that is void."""
    environment = FakeEnvironment()
    environment.jobs.claim(Claim(REQUEST, "ID:1", "grading-requests", "w"))

    assert request_state(environment.look_up()).startswith("running, attempt 1, claimed 0s ago")


def test_the_age_of_a_claim_tells_a_dead_worker_from_a_long_job() -> None:
    """A worker renews its claim; a void one may be taken over."""
    row = JobRecord(
        "req_1", "running", 1, "w", "grading-requests", None, NOW, NOW, NOW + timedelta(minutes=3)
    )

    assert claim_text(row, NOW + timedelta(minutes=2)) == ", claimed 2m ago"
    assert claim_text(row, NOW + timedelta(minutes=9)) == (
        ", claimed 9m ago, not renewed: void for 6m"
    )
    assert claim_text(replace(row, worker_id=""), NOW) == ", claimed 0s ago, released since"
    assert claim_text(replace(row, held_until=None), NOW) == ""


def test_a_submission_without_a_message_is_recognized() -> None:
    """Its source is stored, but no queue has its message."""
    environment = FakeEnvironment()
    environment.store.objects["submissions/req_1/solution.py"] = b"x"

    assert request_state(environment.look_up()).startswith("submitted, but in no queue")


def test_a_request_whose_object_expired_is_still_finished() -> None:
    """Objects expire, rows do not."""
    environment = FakeEnvironment()
    environment.jobs.finish(DONE)

    assert request_state(environment.look_up()) == "finished, but result.json is not in the bucket"


def test_an_unknown_request_is_in_no_source() -> None:
    """All sources were reachable."""
    found = FakeEnvironment().look_up()

    assert not found.is_known
    assert found.unreachable == ()


def test_an_unreachable_database_or_broker_is_not_an_error() -> None:
    """From outside the network only the bucket is reachable, which suffices for the verdict."""
    environment = FakeEnvironment()
    environment.store.objects[result_key("req_1")] = DONE.to_json()

    found = look_up("req_1", environment.store, failing(TemporaryError), failing(UnreachableError))

    assert found.result == DONE
    assert [each.partition(":")[0] for each in found.unreachable] == ["database", "broker"]


def test_a_signal_ends_the_lookup() -> None:
    """It is not treated as an unreachable broker."""
    environment = FakeEnvironment()

    with pytest.raises(StoppedError):
        look_up(
            "req_1",
            environment.store,
            lambda: nullcontext(environment.jobs),
            failing(StoppedError, 15),
        )


def failing(
    error: type[Exception], *arguments: object
) -> Callable[[], AbstractContextManager[JobStore]]:
    """Return a function whose context manager raises."""

    @contextmanager
    def opened() -> Iterator[JobStore]:
        raise error(*(arguments or ("nothing answers",)))
        yield

    return opened


def test_a_table_has_a_row_per_case() -> None:
    """The title has the verdict."""
    table = result_table(DONE)

    assert table.title == "req_1: AC, score 100, 2 ms, 3 MB"
    assert list(table.rows) == [(1, Verdict.ACCEPTED, 2, 3, "")]
    assert ("case 1", "AC, 2 ms, 3 MB") in result_rows(DONE)


def test_a_failed_request_shows_its_error_code() -> None:
    """It has no verdict."""
    result = failed("r", ErrorCode.UNKNOWN_LANGUAGE, "unknown language 'ruby'")

    assert result_table(result).title == "r: failed"
    assert list(result_table(result).rows) == [("UNKNOWN_LANGUAGE", "unknown language 'ruby'")]
    assert result_rows(result)[0] == (
        "verdict",
        "failed: UNKNOWN_LANGUAGE: unknown language 'ruby'",
    )


def test_compiler_output_is_shown() -> None:
    """In the title and as a row."""
    grade = GRADE.model_copy(update={"message": "expected ';'"})
    result = DONE.model_copy(update={"result": grade})

    assert "expected ';'" in result_table(result).title
    assert ("message", "expected ';'") in result_rows(result)


def test_fault_and_reason_are_shown() -> None:
    """For the submission and for each rejected case."""
    details = {"fault": Fault.SUBMISSION, "reason": "ended by SIGSEGV"}
    case = CASE.model_copy(update={"status": Verdict.RUNTIME_ERROR} | details)
    grade = GRADE.model_copy(
        update={"verdict": Verdict.RUNTIME_ERROR, "test_results": (case,)} | details
    )
    result = DONE.model_copy(update={"result": grade})

    assert result_table(result).title.endswith("\nended by SIGSEGV (fault: submission)")
    assert next(iter(result_table(result).rows))[-1] == "ended by SIGSEGV"
    assert ("why", "ended by SIGSEGV (fault: submission)") in result_rows(result)
    assert ("case 1", "RE, 2 ms, 3 MB: ended by SIGSEGV") in result_rows(result)


def test_an_optimization_tip_is_shown() -> None:
    """In the title and as a row."""
    tip = "256 MB of memory asked, 6 MB used: 16 MB would do."
    result = DONE.model_copy(update={"result": GRADE.model_copy(update={"optimization_tip": tip})})

    assert result_table(result).title.endswith(tip)
    assert ("tip", tip) in result_rows(result)


def test_a_result_of_another_handler_is_shown_as_json() -> None:
    """Its content is free; only its place is fixed."""
    store = MemoryObjectStore()
    counted = JobResult(
        request_id="req_1", status=Status.COMPLETED, result={"words": 7, "note": "é"}, timestamp=NOW
    )
    store.put("results/req_1/result.json", counted.to_json(), content_type="application/json")

    found = stored_job_result(store, "req_1")

    assert found == counted
    assert result_rows(found)[0] == ("result", 'completed: {"words": 7, "note": "é"}')


def test_an_object_that_is_not_a_result_is_an_error() -> None:
    """The error says so."""
    store = MemoryObjectStore()
    store.put("results/req_1/result.json", b"[]", content_type="application/json")

    with pytest.raises(GraderError, match="not a valid result"):
        stored_job_result(store, "req_1")


class CrowdedBroker(MemoryBroker):
    """A broker without memory to page in all messages of its queues."""

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """Count messages that no browse shows."""
        found = super().statistics(queues)
        return {
            name: replace(each, size=each.size + 1_000, memory_bytes=10_240, average_bytes=1_024)
            for name, each in found.items()
        }


def test_a_request_may_be_in_the_part_of_a_queue_that_was_not_read() -> None:
    """So it is not called unknown; what was found elsewhere is certain all the same."""
    environment = FakeEnvironment()
    environment.broker = CrowdedBroker(["grading-requests"])
    environment.broker.send("grading-requests", b"{}", {})

    lost = environment.look_up()
    environment.broker.send("grading-requests", b"{}", {"correlation-id": "req_1"})
    found = environment.look_up()

    assert (lost.is_known, lost.is_partial) == (False, True)
    (partly,) = lost.partly_searched
    assert str(partly).startswith("grading-requests: seen 1 of 1001: INCOMPLETE, a sample")
    assert request_state(lost) == "not found: not all messages could be read"
    assert (found.is_partial, found.partly_searched) == (False, ())
    assert request_state(found) == "in grading-requests"


def test_a_retry_that_waits_for_its_time_is_found() -> None:
    """It is in no queue until then."""
    environment = FakeEnvironment()
    later = {"AMQ_SCHEDULED_DELAY": "60000", "correlation-id": "req_1"}
    environment.broker.send("grading-requests", b"{}", later)

    found = look_up(
        "req_1",
        environment.store,
        lambda: nullcontext(environment.jobs),
        lambda: nullcontext(environment.broker),
        open_scheduler=lambda: nullcontext(environment.broker),
    )

    assert not environment.look_up().is_known
    (message,) = found.messages
    assert message.queue == "grading-requests"
    assert 0 < (message.due_seconds or 0) <= 60
    assert request_state(found).startswith("waits for its next attempt in ")


class OnSqs(FakeEnvironment):
    """An empty environment whose queues cannot be searched."""

    def __init__(self) -> None:
        super().__init__()
        self.broker = UnsearchableBroker()

    def everywhere(self) -> LookupResult:
        """Look up as trace and requeue do."""
        return look_up(
            "req_1",
            self.store,
            lambda: nullcontext(self.jobs),
            lambda: nullcontext(self.broker),
            open_scheduler=lambda: nullcontext(self.broker),
            everywhere=True,
        )


def test_bucket_and_row_answer_where_queues_cannot_be_searched() -> None:
    """Messages of others do not matter once there is a result."""
    environment = OnSqs()
    environment.broker.send("grading-requests", b"{}", {})
    environment.store.objects[result_key("req_1")] = DONE.to_json()

    found = environment.look_up()

    assert request_state(found) == "finished"
    assert (found.partly_searched, found.unreachable) == ((), ())


def test_a_request_that_may_wait_on_sqs_is_not_called_missing() -> None:
    """One line names all queues that may hold it; it is received from none."""
    environment = OnSqs()
    for queue in ("grading-requests", "grading-requests", "grading-dlq"):
        environment.broker.send(queue, REQUEST.to_json(), {"correlation-id": "req_1"})

    found = environment.everywhere()

    assert not found.is_known
    assert found.is_partial
    assert request_state(found) == "not found: Amazon SQS cannot be searched"
    (line,) = not_searched(found.partly_searched)
    assert line.endswith(
        "searched for a request; messages: 2 in grading-requests, 1 in grading-dlq"
    )
    environment.store.objects["submissions/req_1/solution.py"] = b"x"
    assert request_state(environment.look_up()) == (
        "submitted; its current place is unknown: Amazon SQS cannot be searched"
    )


def test_empty_queues_of_sqs_hold_no_request() -> None:
    """So a request that has no row either was never sent."""
    environment = OnSqs()
    environment.store.objects["submissions/req_1/solution.py"] = b"x"

    assert request_state(environment.everywhere()).startswith("submitted, but in no queue")
