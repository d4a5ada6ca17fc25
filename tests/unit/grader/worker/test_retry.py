"""Waiting for what is away."""

from __future__ import annotations

import io
import threading

import pytest

from grader.errors import AccessError, StoppingError, TemporaryError
from grader.worker.retry import Retrier


class Flaky:
    """Fails a number of times, then answers."""

    def __init__(self, failures: int, error: Exception) -> None:
        """Nothing has been asked yet."""
        self.failures = failures
        self.error = error

    def __call__(self) -> str:
        """Answer, if it is time."""
        self.failures -= 1
        if self.failures >= 0:
            raise self.error
        return "here"


def test_what_fails_is_tried_again(retrier: Retrier) -> None:
    """The answer is that of the first attempt that succeeds, and health is good after it."""
    assert retrier.call("database", Flaky(2, TemporaryError("away")), (TemporaryError,)) == "here"
    assert retrier.health.report()[0]


def test_waiting_is_said_in_log_and_health(retrier: Retrier, log_stream: io.StringIO) -> None:
    """Whoever looks sees what is waited for and why."""
    pages = []
    retrier.call(
        "database",
        Flaky(1, TemporaryError("connection refused")),
        (TemporaryError,),
        between=lambda _error: pages.append(retrier.health.report()),
    )

    assert pages[0][0] is False
    assert b"waiting: connection refused" in pages[0][1]
    assert "Waiting for the database reason=connection refused" in log_stream.getvalue()


def test_other_errors_go_through(retrier: Retrier) -> None:
    """Only what another attempt may mend is tried again."""
    with pytest.raises(AccessError):
        retrier.call("broker", Flaky(1, AccessError("no")), (TemporaryError,))


def test_stopping_ends_the_wait(retrier: Retrier, stopping: threading.Event) -> None:
    """A worker that must stop does not wait for a database."""
    with pytest.raises(StoppingError):
        retrier.call(
            "database",
            Flaky(1000, TemporaryError("away")),
            (TemporaryError,),
            between=lambda _error: stopping.set(),
        )
