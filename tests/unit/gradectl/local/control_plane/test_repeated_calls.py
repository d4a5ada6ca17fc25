"""A repetition of a successful API call gets the same answer and does nothing."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from gradectl.local.control_plane.repeated_calls import (
    KEPT_ANSWERS,
    answer_repeated_calls,
    attempt_number,
)


class Counter:
    """A WSGI application that answers with the number of its call."""

    def __init__(self, status: str) -> None:
        self.status, self.called = status, 0

    def __call__(self, _environ: Any, start_response: Any) -> list[bytes]:
        self.called += 1
        start_response(self.status, [("X-Call", str(self.called))])
        return [b"%d" % self.called]


def call(application: Any, invocation: str, body: bytes = b"Action=Delete") -> list[Any]:
    environ = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    if invocation:
        environ["HTTP_AMZ_SDK_INVOCATION_ID"] = invocation
    said: list[Any] = []
    answer = b"".join(application(environ, lambda *words: said.extend(words)))
    return [*said, answer]


def test_a_repetition_gets_the_first_answer() -> None:
    """Status, headers and body; another invocation is another call."""
    counter = Counter("200 OK")
    application = answer_repeated_calls(counter)

    assert call(application, "a") == ["200 OK", [("X-Call", "1")], b"1"]
    assert call(application, "a") == ["200 OK", [("X-Call", "1")], b"1"]
    assert call(application, "b") == ["200 OK", [("X-Call", "2")], b"2"]


@pytest.mark.parametrize("status", ["400 Bad Request", "500 Internal Server Error"])
def test_a_call_that_failed_is_done_again(status: str) -> None:
    """It changed nothing that the repetition could stumble over, and may succeed now."""
    counter = Counter(status)
    application = answer_repeated_calls(counter)
    call(application, "a")
    call(application, "a")

    assert counter.called == 2


def test_a_call_without_an_invocation_id_is_always_done() -> None:
    """A client that is no SDK sends none."""
    counter = Counter("200 OK")
    application = answer_repeated_calls(counter)
    call(application, "")
    call(application, "")

    assert counter.called == 2


def test_old_answers_are_dropped() -> None:
    """The memory of a control plane that runs for days stays bounded."""
    counter = Counter("200 OK")
    application = answer_repeated_calls(counter)
    for number in range(KEPT_ANSWERS + 1):
        call(application, f"call-{number}")
    call(application, f"call-{KEPT_ANSWERS}")
    assert counter.called == KEPT_ANSWERS + 1
    call(application, "call-0")

    assert counter.called == KEPT_ANSWERS + 2


@pytest.mark.parametrize(
    ("header", "attempt"), [("attempt=2; max=25", 2), ("ttl=1; attempt=13", 13), ("", 1)]
)
def test_the_attempt_is_read_from_the_header(header: str, attempt: int) -> None:
    """It goes into the log, so that a repetition can be seen there."""
    assert attempt_number(header) == attempt
