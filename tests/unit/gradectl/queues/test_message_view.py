"""Any message of any queue can be shown, also one that somebody made to harm."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.queues.message_view import MessageView, age, decoded, pretty
from grader.contract.messages import Failure, Grade, GradingResult
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.ports.messages import QueuedMessage

NOW = 1_000_000
REQUEST = {
    "requestId": "req_1",
    "userId": "u",
    "problemId": "sum",
    "language": "python",
    "sourceFile": "s3://b/submissions/req_1/solution.py",
    "timeLimit": 1000,
    "memoryLimit": 64,
    "timestamp": "2024-08-20T12:00:00Z",
}


def view(body: object, **headers: str) -> MessageView:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return MessageView.of(QueuedMessage("ID:1", NOW - 65_000, raw, named), NOW)


def test_a_request_shows_what_it_asks_for() -> None:
    """Id, age, problem and language, without opening the message."""
    found = view(REQUEST)

    assert found.request_id == "req_1"
    assert found.about == "python, problem sum"
    assert found.age_seconds == 65
    assert found.size_bytes == len(json.dumps(REQUEST))


def test_a_dead_letter_shows_its_reason_first() -> None:
    """The reason, the queue it came from and the attempts are in its headers."""
    found = view(
        REQUEST,
        x_gradectl_reason_code="UNKNOWN_LANGUAGE",
        x_gradectl_reason="unknown language 'ruby'",
        x_gradectl_original_queue="grading-priority",
        x_gradectl_attempt="3",
    )

    assert found.about == "UNKNOWN_LANGUAGE: unknown language 'ruby'"
    assert found.reason_code == "UNKNOWN_LANGUAGE"
    assert (found.original_queue, found.attempt) == ("grading-priority", "3")


def test_a_message_that_the_broker_dead_lettered_shows_the_brokers_words() -> None:
    """Expiry and a full queue are not of our making."""
    found = view(
        REQUEST,
        dlqDeliveryFailureCause="java.lang.Throwable: Message Expired",
        original_destination="/queue/grading-requests",
    )

    assert "Expired" in found.about
    assert found.original_queue == "grading-requests"


def test_results_show_their_verdict_or_their_error() -> None:
    """The web tier's messages are as readable as the workers'."""
    now = datetime.now(UTC)
    grade = Grade(verdict=Verdict.WRONG_ANSWER, score=40, execution_time=1, memory_usage=1)
    good = GradingResult(request_id="r", status=Status.COMPLETED, result=grade, timestamp=now)
    failure = Failure(code=ErrorCode.SOURCE_NOT_FOUND, message="no source")
    bad = GradingResult(request_id="r", status=Status.FAILED, error=failure, timestamp=now)

    assert view(good.to_json()).about == "completed WA 40"
    assert view(bad.to_json()).about == "failed SOURCE_NOT_FOUND"


def test_the_id_of_an_unreadable_message_comes_from_its_correlation() -> None:
    """A truncated body still belongs to somebody."""
    found = view(b'{"requestId": "req_', correlation_id="req_9")

    assert found.request_id == "req_9"
    assert found.about == "not a message of the contract"


@given(st.binary(max_size=300))
def test_any_bytes_can_be_shown(body: bytes) -> None:
    """Looking at a message never fails because of what is in it."""
    assert view(body).size_bytes == len(body)
    assert isinstance(pretty(body), str)


def test_a_body_of_brackets_does_not_exhaust_the_stack() -> None:
    """Nesting without end is a body like any other."""
    assert pretty(b"[" * 200_000).startswith("[[[")
    assert view(b"[" * 200_000).about == "not a message of the contract"


def test_json_is_laid_out_and_everything_else_is_shown_as_it_is() -> None:
    """No byte is hidden: what is not UTF-8 is written as an escape."""
    assert pretty(b'{"a":1}') == '{\n  "a": 1\n}'
    assert decoded(b'{"a":1}') == {"a": 1}
    assert pretty(b"\xff\x00a") == "\\xff\x00a"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.9, "59s"), (60, "1m"), (7_500, "2h 5m"), (90_061, "1d 1h"), (3_601, "1h 1s")],
)
def test_an_age_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    """Nobody needs the seconds of a day."""
    assert age(seconds) == text
