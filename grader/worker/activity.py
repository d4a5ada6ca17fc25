"""Tracks what each consumer works on, and since when."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic


class ActiveJobs:
    """
    Running jobs; written by the consumers, read by the prefetcher and the claim renewer.

    Args:
        clock: Monotonic time, seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float | None] = {}
        self._claimed: dict[str, str] = {}

    def begin(self, consumer: str) -> None:
        """Record that a consumer started a job."""
        self._since[consumer] = self._clock()

    def claim(self, consumer: str, request_id: str) -> None:
        """Record that its job has claimed a request."""
        self._claimed[consumer] = request_id

    def end(self, consumer: str) -> None:
        """Record that its job has ended."""
        self._since[consumer] = None
        self._claimed.pop(consumer, None)

    def count(self) -> int:
        """Return the number of running jobs."""
        return len(self._begun())

    def claimed(self) -> list[str]:
        """Return the ids of the claimed requests."""
        return list(self._claimed.values())

    def longest_seconds(self) -> float:
        """Return the age of the oldest running job, in seconds; 0 when none runs."""
        begun = self._begun()
        return self._clock() - min(begun) if begun else 0.0

    def _begun(self) -> list[float]:
        return [since for since in list(self._since.values()) if since is not None]
