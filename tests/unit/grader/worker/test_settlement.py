"""Each outcome of a request message, settled."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from grader.contract.messages import Grade, GradingResult
from grader.contract.names import (
    ATTEMPT_HEADER,
    ORIGINAL_ID_HEADER,
    ORIGINAL_QUEUE_HEADER,
    REASON_CODE_HEADER,
    REASON_HEADER,
)
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.errors import RequestError
from grader.ports.jobs import JobRecord
from grader.ports.messages import Delivery
from grader.worker.settlement import (
    AlreadyDone,
    DeliveryPolicy,
    Done,
    Exhausted,
    Outcome,
    Rejected,
    Retry,
    Settlement,
    original_id,
    settle,
)

NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)
POLICY = DeliveryPolicy("bucket", "results", "dlq", max_attempts=3, retry_delay_ms=5000)
BROKEN = RequestError(ErrorCode.INVALID_REQUEST, "timeLimit: too small")


def delivery(**headers: str) -> Delivery:
    """A message as the broker delivers it."""
    usual = {"message-id": "ID:7", "ack": "a", "timestamp": "1", "expires": "0"}
    return Delivery("requests", "ID:7", b"\xff body", {**usual, **headers}, ack_id="a")


def completed() -> GradingResult:
    """An accepted submission."""
    grade = Grade(verdict=Verdict.ACCEPTED, score=100, execution_time=1, memory_usage=1)
    return GradingResult(request_id="req_1", status=Status.COMPLETED, result=grade, timestamp=NOW)


def settled_as(outcome: Outcome, message: Delivery | None = None) -> Settlement:
    """Settle an outcome of a message."""
    return settle(outcome, message or delivery(), POLICY, NOW)


def row(result: GradingResult | None) -> JobRecord:
    """The row of a request that an earlier message claimed."""
    status = "completed" if result else "running"
    return JobRecord("req_1", status, 1, "worker", "requests", result)


def test_graded_request_is_answered_and_stored() -> None:
    """One message on the result queue, found by the request's id, and one row."""
    settled = settled_as(Done(completed()))

    (message,) = settled.outgoing
    assert (message.queue, message.body) == ("results", completed().to_json())
    assert message.headers["correlation-id"] == "req_1"
    assert (settled.record, settled.failed) == (completed(), False)


def test_known_result_is_sent_and_not_stored_again() -> None:
    """A stored result stands as it is."""
    settled = settled_as(AlreadyDone(completed()))

    assert settled.outgoing == settled_as(Done(completed())).outgoing
    assert settled.record is None


def test_rejected_request_fails_and_is_dead_lettered_in_one() -> None:
    """The failure is answered, stored, and dead-lettered with its reason for operators."""
    settled = settled_as(Rejected(BROKEN, "req_1"))

    answer, dead = settled.outgoing
    assert json.loads(answer.body) == {
        "requestId": "req_1",
        "status": "failed",
        "error": {
            "code": "INVALID_REQUEST",
            "message": "timeLimit: too small",
            "fault": "submission",
        },
        "resultFile": "s3://bucket/results/req_1/result.json",
        "timestamp": "2024-08-20T12:00:15Z",
    }
    assert (dead.queue, dead.body) == ("dlq", b"\xff body")
    assert dead.headers[REASON_CODE_HEADER] == "INVALID_REQUEST"
    assert dead.headers[REASON_HEADER] == "timeLimit: too small"
    assert settled.failed


def test_unreadable_message_is_dead_lettered_only() -> None:
    """Without an id there is no result to send or store."""
    settled = settled_as(Rejected(BROKEN, None))

    assert [message.queue for message in settled.outgoing] == ["dlq"]
    assert settled.record is None


def test_rejection_of_a_known_request_keeps_its_row() -> None:
    """The stored result is sent again when there is one; the row is not touched."""
    known = settled_as(Rejected(BROKEN, "req_1", row(completed())))
    running = settled_as(Rejected(BROKEN, "req_1", row(None)))

    assert [message.queue for message in known.outgoing] == ["results", "dlq"]
    assert [message.queue for message in running.outgoing] == ["dlq"]
    assert (known.record, running.record) == (None, None)


def test_retried_message_comes_again_later_in_its_own_queue() -> None:
    """The copy keeps body and identity, so that the claim recognises it."""
    settled = settled_as(Retry(attempt=2))

    (copy,) = settled.outgoing
    assert (copy.queue, copy.body, copy.delay_ms) == ("requests", b"\xff body", 5000)
    assert copy.headers == {
        ORIGINAL_ID_HEADER: "ID:7",
        ORIGINAL_QUEUE_HEADER: "requests",
        ATTEMPT_HEADER: "2",
    }


def test_copy_of_a_copy_keeps_the_first_identity() -> None:
    """However often a request is retried, it stays the same request from the same queue."""
    first = settled_as(Retry()).outgoing[0]
    again = Delivery("elsewhere", "ID:9", first.body, first.headers)

    second = settled_as(Retry(), again).outgoing[0]

    assert original_id(again) == "ID:7"
    assert second.headers[ORIGINAL_QUEUE_HEADER] == "requests"
    assert second.queue == "elsewhere"


def test_exhausted_request_tells_users_less_than_operators() -> None:
    """The internal reason is on the dead letter only."""
    settled = settled_as(Exhausted("req_1", "launcher: EPERM"))

    answer, dead = settled.outgoing
    assert b"EPERM" not in answer.body
    assert settled.record.error.code == ErrorCode.INTERNAL_ERROR
    assert dead.headers[REASON_HEADER] == "launcher: EPERM"
    assert dead.headers[ATTEMPT_HEADER] == "3"


def test_last_allowed_attempt_is_the_maximum() -> None:
    """Three attempts mean the third is made and the fourth is not."""
    assert [POLICY.allows(attempt) for attempt in (1, 3, 4)] == [True, True, False]


def test_dead_letter_does_not_expire() -> None:
    """A retry keeps the producer's expiry; a dead letter stays until an operator handles it."""
    expiring = delivery(expires="1724155215000")

    assert settled_as(Retry(), expiring).outgoing[0].headers["expires"] == "1724155215000"
    dead = settled_as(Rejected(BROKEN, None), expiring).outgoing[0]
    assert "expires" not in dead.headers


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=1000)))
def test_any_headers_of_a_producer_are_accepted(headers: dict[str, str]) -> None:
    """No header of a producer changes where a copy goes, and identities fit their column."""
    message = Delivery("requests", "ID:7", b"", headers)

    copy = settled_as(Rejected(BROKEN, None), message).outgoing[0]

    assert copy.queue == "dlq"
    assert len(copy.headers[ORIGINAL_ID_HEADER]) <= 255
    assert not copy.headers.keys() & {"destination", "transaction", "receipt", "message-id"}
