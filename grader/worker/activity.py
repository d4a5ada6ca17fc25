"""Tracks what each consumer works on, and since when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True)
class ClaimedJob:
    """
    A running attempt of a request.

    Args:
        request_id: The request.
        attempt: Number of the attempt.
        release: Returns its message to the queue.
    """

    request_id: str
    attempt: int
    release: Callable[[], None] = lambda: None


class ActiveJobs:
    """
    Running jobs; written by the consumers, read by background threads.

    A job either ends with a settlement or is given back, never both: `settle` and `give_back`
    exclude each other.

    Args:
        clock: Monotonic time, seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float | None] = {}
        self._release: dict[str, Callable[[], None]] = {}
        self._claimed: dict[str, ClaimedJob] = {}
        self._settling: set[str] = set()
        self._lock = threading.Lock()
        self._all_given_back = False

    def begin(self, consumer: str, release: Callable[[], None] = lambda: None) -> None:
        """
        Record that a consumer started a job.

        Args:
            consumer: Name of the consumer.
            release: Returns the message of the job to its queue; called from any thread.
        """
        self._release[consumer] = release
        self._since[consumer] = self._clock()

    def claim(self, consumer: str, request_id: str, attempt: int) -> bool:
        """Record that its job has claimed a request; False if it is too late to begin."""
        with self._lock:
            if not self._all_given_back:
                release = self._release.get(consumer, lambda: None)
                self._claimed[consumer] = ClaimedJob(request_id, attempt, release)
            return not self._all_given_back

    def settle(self, consumer: str) -> bool:
        """Record that its job will be settled; False if it must not, as it was given back."""
        with self._lock:
            self._settling.add(consumer)
            return not self._all_given_back

    def end(self, consumer: str) -> None:
        """Record that its job has ended."""
        self._since[consumer] = None
        self._claimed.pop(consumer, None)
        self._settling.discard(consumer)

    def give_back(self) -> list[ClaimedJob]:
        """Return the claims of all jobs that are not being settled; none will be any more."""
        with self._lock:
            self._all_given_back = True
            given = [name for name in list(self._claimed) if name not in self._settling]
            return [job for name in given if (job := self._claimed.pop(name, None))]

    def count(self) -> int:
        """Return the number of running jobs."""
        return len(self._begun())

    def claimed(self) -> list[str]:
        """Return the ids of the claimed requests."""
        return [job.request_id for job in list(self._claimed.values())]

    def attempts(self) -> dict[str, int]:
        """Return the running attempt of each claimed request."""
        return {job.request_id: job.attempt for job in list(self._claimed.values())}

    def longest_seconds(self) -> float:
        """Return the age of the oldest running job, in seconds; 0 when none runs."""
        begun = self._begun()
        return self._clock() - min(begun) if begun else 0.0

    def _begun(self) -> list[float]:
        return [since for since in list(self._since.values()) if since is not None]
