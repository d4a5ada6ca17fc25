"""Any message can be summarized, even a malicious one."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_results import completed, failed

from gradectl.queues.message_view import Body, MessageView, age, decoded, pretty
from grader.contract.verdicts import ErrorCode, Verdict
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


def test_a_request_shows_its_language_and_problem() -> None:
    """With its id, age and size."""
    found = view(REQUEST)

    assert found.request_id == "req_1"
    assert found.about == "python, problem sum"
    assert found.age_seconds == 65
    assert found.size_bytes == len(json.dumps(REQUEST))


def test_a_dead_letter_shows_its_reason_first() -> None:
    """Reason, original queue and attempts are in its headers."""
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


def test_a_message_dead_lettered_by_the_broker_shows_its_cause() -> None:
    """For example an expired message."""
    found = view(
        REQUEST,
        dlqDeliveryFailureCause="java.lang.Throwable: Message Expired. Expiration:1732968000000",
        original_destination="/queue/grading-requests",
    )

    assert "Expired" in found.about
    assert found.reason == "expired in the broker"  # the same for each time
    assert found.original_queue == "grading-requests"


def test_results_show_their_verdict_or_error() -> None:
    """With the score or the error code."""
    good = completed("r", Verdict.WRONG_ANSWER, 40)
    bad = failed("r", ErrorCode.SOURCE_NOT_FOUND)

    assert view(good.to_json()).about == "completed WA 40"
    assert view(bad.to_json()).about == "failed SOURCE_NOT_FOUND"


def test_the_id_of_an_unreadable_message_is_its_correlation_id() -> None:
    """For example of a truncated body."""
    found = view(b'{"requestId": "req_', correlation_id="req_9")

    assert found.request_id == "req_9"
    assert found.about == "unknown message format"


@given(st.binary(max_size=300))
def test_any_body_can_be_shown(body: bytes) -> None:
    """The content of a message never causes an error."""
    assert view(body).size_bytes == len(body)
    assert isinstance(pretty(body), str)


odd = st.sampled_from(
    [b'"\\ud800"', b"NaN", b'{"a": -Infinity}', b"1e999", b"[" * 9000 + b"]" * 9000, b"\xff", b""]
)


@given(st.binary(max_size=300) | odd | st.text().map(lambda text: json.dumps(text).encode()))
def test_any_body_can_be_recovered_from_valid_json(body: bytes) -> None:
    """Lone surrogates and numbers that JSON lacks break no parser; bytes are kept."""
    found = decoded(body)

    text = json.dumps({"content": found.content}, allow_nan=False)
    again = json.loads(text)["content"]
    match found.encoding:
        case "base64":
            assert base64.b64decode(again, validate=True) == body
        case "text":
            assert again.encode() == body
        case _:
            assert again == json.loads(body)


def test_a_body_of_brackets_does_not_exhaust_the_stack() -> None:
    """Deep nesting is handled."""
    assert pretty(b"[" * 200_000).startswith("[[[")
    assert view(b"[" * 200_000).about == "unknown message format"


def test_json_is_formatted_and_other_bodies_are_escaped() -> None:
    """Invalid UTF-8 is shown as escapes."""
    assert pretty(b'{"a":1}') == '{\n  "a": 1\n}'
    assert decoded(b'{"a":1}') == Body("json", {"a": 1})
    assert pretty(b"\xff\x00a") == "\\xff\x00a"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.9, "59s"), (60, "1m"), (7_500, "2h 5m"), (90_061, "1d 1h"), (3_601, "1h 1s")],
)
def test_an_age_has_its_two_largest_units(seconds: float, text: str) -> None:
    """Smaller units are omitted."""
    assert age(seconds) == text
