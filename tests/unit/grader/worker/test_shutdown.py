"""Graceful and immediate shutdown."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from grader.errors import SettingsError, StoppingError
from grader.logs import Logger
from grader.worker.shutdown import run_all, run_until_signal


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Restore the signal handlers of the test runner."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_body_that_ends_gives_zero(log: Logger) -> None:
    """The process exits with 0."""
    assert run_until_signal(lambda _stopping: None, drain_seconds=1, log=log) == 0


def test_error_of_the_body_is_raised(log: Logger) -> None:
    """It keeps its exit code."""

    def body(_stopping: threading.Event) -> None:
        raise SettingsError("wrong")

    with pytest.raises(SettingsError):
        run_until_signal(body, drain_seconds=1, log=log)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_sets_the_stop_event(log: Logger, number: signal.Signals) -> None:
    """A body that returns then gives exit code 0."""

    def body(stopping: threading.Event) -> None:
        os.kill(os.getpid(), number)
        assert stopping.wait(10)

    assert run_until_signal(body, drain_seconds=10, log=log) == 0


def test_second_signal_does_not_wait(log: Logger) -> None:
    """The exit code is 128 + the number of the first signal."""
    never = threading.Event()

    def body(stopping: threading.Event) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        stopping.wait(10)
        os.kill(os.getpid(), signal.SIGTERM)
        never.wait(10)

    assert run_until_signal(body, drain_seconds=10, log=log) == 143
    never.set()


def test_end_of_the_drain_time_does_not_wait(log: Logger) -> None:
    """A body that takes longer is abandoned."""
    never = threading.Event()

    def body(_stopping: threading.Event) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        never.wait(10)

    assert run_until_signal(body, drain_seconds=0, log=log) == 143
    never.set()


def test_body_is_told_before_it_is_abandoned(log: Logger) -> None:
    """It gives back what it has not done; one that ended in time is not asked."""
    never, left = threading.Event(), threading.Event()

    def body(stopping: threading.Event) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        stopping.wait(10)
        never.wait(0 if left.is_set() else 600)

    assert run_until_signal(body, drain_seconds=0, log=log, leave=left.set) == 143
    assert left.is_set()
    assert run_until_signal(body, drain_seconds=600, log=log, leave=left.clear) == 0
    assert left.is_set()
    never.set()


def test_stopping_before_the_start_is_complete_gives_zero(log: Logger) -> None:
    """A worker that stops while it waits loses no message."""

    def body(_stopping: threading.Event) -> None:
        raise StoppingError("stopped while waiting")

    assert run_until_signal(body, drain_seconds=1, log=log) == 0


def test_one_failing_task_stops_the_others() -> None:
    """A worker does not continue with some of its consumers."""
    stopping = threading.Event()

    def fail() -> None:
        raise SettingsError("wrong")

    with pytest.raises(SettingsError):
        run_all({"a": fail, "b": lambda: stopping.wait(10)}, stopping)

    assert stopping.is_set()
