"""An action in the background."""

from __future__ import annotations

import threading

import pytest

from grader.errors import TemporaryError
from grader.judge.background import in_background


def test_action_runs_next_to_the_caller_and_does_not_keep_the_process() -> None:
    """It is waited for; a thread that is no daemon would be waited for at exit too."""
    go, threads = threading.Event(), []

    def action() -> None:
        assert go.wait(180)
        threads.append(threading.current_thread())

    wait = in_background(action)
    go.set()
    wait()

    assert [each.daemon for each in threads] == [True]


def test_error_is_raised_where_the_end_is_waited_for() -> None:
    """So an upload that failed is another attempt."""

    def action() -> None:
        raise TemporaryError("bucket: SlowDown")

    wait = in_background(action)

    with pytest.raises(TemporaryError, match="SlowDown"):
        wait()
