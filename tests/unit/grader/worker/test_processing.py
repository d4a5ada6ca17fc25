"""What becomes of a request: its result, row, files and dead letter."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Self

import pytest
from consumer_bench import NOW, POLICY, REQUEST, Bench, accept, raising

from grader.contract.messages import Failure, GradingRequest, GradingResult, JobRequest, JobResult
from grader.contract.names import (
    ATTEMPT_HEADER,
    EXPIRES_HEADER,
    FIRST_SEEN_HEADER,
    ORIGINAL_ID_HEADER,
    REASON_CODE_HEADER,
    REASON_HEADER,
)
from grader.contract.verdicts import ErrorCode, Fault, Status
from grader.errors import RequestError, SandboxError, TemporaryError
from grader.ports.messages import Outgoing


def test_request_is_answered_stored_and_logged(bench: Bench, log_stream: io.StringIO) -> None:
    """Message, row, and the log lines in order."""
    bench.send()

    bench.run()

    assert [result.status for result in bench.results()] == ["completed"]
    assert bench.jobs.get("req_1").status == "completed"
    lines = [line[22:] for line in log_stream.getvalue().splitlines()]
    assert lines == ["INFO: Processing request req_1", "INFO: Result sent to queue"]


def test_second_message_of_a_request_gets_the_stored_result(bench: Bench) -> None:
    """It is graded once."""
    bench.send()
    bench.send()

    bench.run()

    assert len(bench.results()) == 2
    assert bench.jobs.get("req_1").attempts == 1


def test_rejected_request_has_a_result_file_too(bench: Bench) -> None:
    """The handler has not written result.json."""
    bench.handler = raising(RequestError(ErrorCode.UNKNOWN_LANGUAGE, "unknown language"))
    bench.send()

    bench.run()

    (dead,) = bench.queues.waiting("dlq")
    assert dead.headers[REASON_CODE_HEADER] == "UNKNOWN_LANGUAGE"
    assert b"UNKNOWN_LANGUAGE" in bench.objects.objects["results/req_1/result.json"]
    assert bench.jobs.get("req_1").result.to_json() == bench.results()[0].to_json()


def test_unreadable_body_is_dead_lettered(bench: Bench) -> None:
    """A message without a request id is not retried."""
    bench.queues.send(Outgoing("requests", b"nonsense"))

    bench.run()

    assert [item.body for item in bench.queues.waiting("dlq")] == [b"nonsense"]
    assert bench.results() == []


def test_request_with_an_invalid_id_is_answered_but_not_stored(bench: Bench) -> None:
    """Its producer gets the reason; the id is good for neither a row nor an object key."""
    bench.send(requestId="../req 1")

    bench.run()

    (result,) = bench.results()
    assert (result.request_id, result.error.code) == ("../req 1", "INVALID_REQUEST")
    assert bench.jobs.get("../req 1") is None
    assert bench.objects.objects == {}


def test_expired_request_fails_and_is_not_graded(bench: Bench) -> None:
    """Also as a delayed copy, which the broker does not expire."""
    bench.handler = raising(AssertionError("graded"))
    body = json.dumps(REQUEST).encode()
    bench.queues.send(Outgoing("requests", body, {EXPIRES_HEADER: "1724155214999"}))

    bench.run()

    assert bench.results()[0].error == Failure(
        code=ErrorCode.EXPIRED,
        message="the request expired before it was graded",
        fault=Fault.PLATFORM,
    )
    assert bench.jobs.get("req_1").status == "failed"
    assert bench.queues.waiting("dlq")[0].headers[REASON_CODE_HEADER] == "EXPIRED"


def test_expired_duplicate_gets_the_stored_result(bench: Bench) -> None:
    """It was graded in time."""
    bench.send()
    bench.queues.send(
        Outgoing("requests", json.dumps(REQUEST).encode(), {"expires": "1724155214999"})
    )

    bench.run()

    assert [result.status for result in bench.results()] == ["completed"] * 2


def test_failing_requests_do_not_starve_sound_ones(bench: Bench) -> None:
    """Each leaves the queue after one attempt, and carries why and since when."""
    bench.policy = replace(POLICY, retry_delay_ms=3_600_000, retry_max_delay_ms=7_200_000)

    def only_the_sound_one(request: GradingRequest) -> GradingResult:
        if request.request_id != "req_sound":
            raise TemporaryError("SlowDown", where="s3://bucket")
        return accept(request)

    bench.handler = only_the_sound_one
    for number in range(20):
        bench.send(requestId=f"req_{number}")
    bench.send(requestId="req_sound")

    bench.run()

    assert [result.request_id for result in bench.results()] == ["req_sound"]
    waiting = bench.queues.waiting("requests")
    assert len(waiting) == 20
    assert waiting[0].headers[REASON_HEADER] == "TemporaryError: s3://bucket: SlowDown"
    assert waiting[0].headers[FIRST_SEEN_HEADER] == "2024-08-20T12:00:15Z"


def test_invalid_request_is_not_claimed(bench: Bench) -> None:
    """It fails without a counted attempt."""
    bench.send(timeLimit=-1)

    bench.run()

    assert bench.jobs.get("req_1").attempts == 0
    assert bench.results()[0].error.code == "INVALID_REQUEST"


@pytest.mark.parametrize("error", [SandboxError("no box"), OSError("disk full"), KeyError("bug")])
def test_failed_attempts_are_repeated_up_to_the_limit(bench: Bench, error: Exception) -> None:
    """Whatever a handler raises, the worker continues and the request fails visibly."""
    bench.handler = raising(error)
    bench.send()

    bench.run()

    (dead,) = bench.queues.waiting("dlq")
    assert dead.headers[ATTEMPT_HEADER] == "2"
    assert dead.headers[ORIGINAL_ID_HEADER] == "ID:1"
    assert bench.jobs.get("req_1").attempts == 2
    assert bench.results()[0].error.code == "INTERNAL_ERROR"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "NoneType instead of a JobResult"),
        ({"status": "completed"}, "dict instead of a JobResult"),
        (
            JobResult(request_id="req_2", status=Status.COMPLETED, timestamp=NOW),
            "of another request: 'req_2'",
        ),
        (
            JobResult(request_id="req_1", status=Status.COMPLETED, result=object(), timestamp=NOW),
            "Unable to serialize",
        ),
        (
            JobResult(
                request_id="req_1", status=Status.COMPLETED, result_file="s" * 1025, timestamp=NOW
            ),
            "longer than 1024",
        ),
        (
            JobResult(
                request_id="req_1", status=Status.COMPLETED, result="s" * (8 << 20), timestamp=NOW
            ),
            "put the rest into the bucket",
        ),
    ],
    ids=["nothing", "a dict", "another's", "no JSON", "long URL", "large"],
)
def test_invalid_return_value_of_a_handler_is_a_failed_attempt(
    bench: Bench, given: object, reason: str
) -> None:
    """It is a failed attempt; the user sees a platform fault, operators the reason."""
    bench.handler = lambda _request: given
    bench.send()

    bench.run()

    (dead,) = bench.queues.waiting("dlq")
    assert reason in dead.headers[REASON_HEADER]
    assert bench.results()[0].error == Failure(
        code=ErrorCode.INTERNAL_ERROR,
        message="the grading system could not grade this request",
        fault=Fault.PLATFORM,
    )
    assert bench.jobs.get("req_2") is None


def test_rejection_with_an_unpublished_code_is_a_failed_attempt(bench: Bench) -> None:
    """Programs that read results know only the published codes."""
    bench.handler = raising(RequestError("TOO_FUNNY", "we laughed"))
    bench.send()

    bench.run()

    assert bench.results()[0].error.code == "INTERNAL_ERROR"
    assert "TOO_FUNNY" in bench.queues.waiting("dlq")[0].headers[REASON_HEADER]


def test_other_handlers_have_their_own_requests_and_results(bench: Bench) -> None:
    """It needs only a request id, and its result is sent unchanged."""

    class Translation(JobRequest):
        text: str

    def translate(request: Translation) -> JobResult:
        result = {"text": request.text[::-1], "notes": None}
        return JobResult(
            request_id=request.request_id, status=Status.COMPLETED, result=result, timestamp=NOW
        )

    bench.request_model, bench.handler = Translation, translate
    body = b'{"requestId": "t_1", "text": "abc"}'
    for _ in range(2):
        bench.queues.send(Outgoing("requests", body))

    bench.run()

    first, again = bench.queues.waiting("results")
    assert json.loads(first.body)["result"] == {"text": "cba", "notes": None}
    assert again.body == first.body
    assert bench.jobs.get("t_1").attempts == 1


def test_failing_request_model_rejects_the_request(bench: Bench) -> None:
    """It is not retried: it would fail again."""

    class Careless(JobRequest):
        @classmethod
        def from_json(cls, body: bytes) -> Self:
            raise KeyError(body)

    bench.request_model = Careless
    bench.send()

    bench.run()

    assert bench.results()[0].error.code == "INTERNAL_ERROR"
    assert len(bench.queues.waiting("dlq")) == 1
