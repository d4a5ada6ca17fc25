"""Retrying calls with backoff."""

from __future__ import annotations

import io
import threading

import pytest

from grader.errors import AccessError, StoppingError, TemporaryError
from grader.worker.retry import Retrier


class Flaky:
    """Fails a number of times, then succeeds."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures = failures
        self.error = error

    def __call__(self) -> str:
        """Fail while failures are left."""
        self.failures -= 1
        if self.failures >= 0:
            raise self.error
        return "here"


def test_failing_call_is_retried(retrier: Retrier) -> None:
    """The first success is returned, and the health check is good again."""
    assert (
        retrier.call("database", Flaky(2, TemporaryError("unreachable")), (TemporaryError,))
        == "here"
    )
    assert retrier.health.report()[0]


def test_waiting_shows_in_log_and_health(retrier: Retrier, log_stream: io.StringIO) -> None:
    """Both have the part and the reason."""
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


def test_other_errors_are_raised(retrier: Retrier) -> None:
    """Only the given errors are retried."""
    with pytest.raises(AccessError):
        retrier.call("broker", Flaky(1, AccessError("no")), (TemporaryError,))


def test_stopping_ends_the_wait(retrier: Retrier, stopping: threading.Event) -> None:
    """Shutdown does not wait for the database."""
    with pytest.raises(StoppingError):
        retrier.call(
            "database",
            Flaky(1000, TemporaryError("unreachable")),
            (TemporaryError,),
            between=lambda _error: stopping.set(),
        )
