"""Since when each consumer has been working on its message."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic


class ActiveJobs:
    """
    Since when each slot is at its message; slots write, the look-ahead reads.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        """Begin idle."""
        self._clock = clock
        self._since: dict[str, float | None] = {}

    def begin(self, slot: str) -> None:
        """Note that this slot has taken a message."""
        self._since[slot] = self._clock()

    def end(self, slot: str) -> None:
        """Note that it is done with it."""
        self._since[slot] = None

    def count(self) -> int:
        """How many slots are at a message."""
        return len(self._begun())

    def longest_seconds(self) -> float:
        """How long the longest of the running jobs has taken until now; 0 when none runs."""
        begun = self._begun()
        return self._clock() - min(begun) if begun else 0.0

    def _begun(self) -> list[float]:
        return [since for since in list(self._since.values()) if since is not None]
