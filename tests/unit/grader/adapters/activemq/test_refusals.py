"""Errors for the messages of ERROR frames."""

from __future__ import annotations

import pytest

from grader.adapters.activemq.refusals import explains, refusal
from grader.errors import AccessError, ConnectionLostError

WHERE = "stomp+ssl://broker:61614"


@pytest.mark.parametrize(
    ("words", "what", "right"),
    [
        ("User web is not authorized to read from: queue://q", "read from queue://q", "read"),
        ("User web is not authorized to write to: queue://a.b", "write to queue://a.b", "write"),
        ("User web is not authorized to create: topic://ActiveMQ.Advisory.x", "create", "admin"),
        ("User web is not authorized to remove: queue://q", "remove queue://q", "admin"),
        (
            "java.lang.SecurityException: User web is not authorized to create: queue://q",
            "",
            "admin",
        ),
    ],
)
def test_a_missing_right_is_named(words: str, what: str, right: str) -> None:
    """The error has address, operation and the right, as named in the authorization map."""
    error = refusal(words, WHERE)

    assert isinstance(error, AccessError)
    assert error.where == WHERE
    assert "user 'web' may not" in error.what
    assert what in error.what
    assert f"right {right!r}" in error.next_step


@pytest.mark.parametrize("words", ["queue is full", "the broker closed the connection", ""])
def test_everything_else_is_a_lost_connection(words: str) -> None:
    """A new connection may succeed."""
    error = refusal(words, WHERE)

    assert isinstance(error, ConnectionLostError)
    assert error.what == words


def test_a_refused_commit_does_not_have_the_reason() -> None:
    """The reason is in another frame."""
    assert not explains("COMMIT FAILED: Transaction marked rollback only xaErrorCode:100")
    assert explains("User web is not authorized to read from: queue://q")
    assert explains("")
