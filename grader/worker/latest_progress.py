"""The newest progress of the running jobs, as often as it is worth showing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

from grader.contract.submissions import Progress

MakeProgress = Callable[[], Progress]


class LatestProgress:
    """
    The newest progress of each job, in small intervals; thread-safe.

    Args:
        interval_seconds: From the first report to when it is due, so that short jobs show none.
        clock: Monotonic time, seconds.
    """

    def __init__(self, interval_seconds: float, *, clock: Callable[[], float] = monotonic) -> None:
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[str, MakeProgress] = {}
        self._due: float | None = None

    def report(self, request_id: str, progress: MakeProgress) -> bool:
        """Replace the progress of a job; returns whether it is the first one of an interval."""
        with self._lock:
            self._made[request_id] = progress
            if self._due is not None:
                return False
            self._due = self._clock() + self._interval_seconds
            return True

    def forget(self, request_id: str) -> None:
        """Drop the progress of a job that has ended."""
        with self._lock:
            self._made.pop(request_id, None)

    def seconds_left(self) -> float | None:
        """Return the time until something is due; None while nothing is."""
        with self._lock:
            return None if self._due is None else max(self._due - self._clock(), 0.0)

    def take(self) -> dict[str, MakeProgress]:
        """Take what is due, to be made; empty before the time."""
        with self._lock:
            if self._due is None or self._due > self._clock():
                return {}
            made, self._made, self._due = self._made, {}, None
            return made
