"""
The last successful runs of functions, which suggestions for their memory limits are based on.

It has a real implementation in `grader.adapters` and an in-memory fake in `grader.testing`; one
behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class FunctionHistory(Protocol):
    """What successful runs used. Raises `TemporaryError` when the database cannot be reached."""

    def peaks_mb(self, function_id: str, most: int) -> Sequence[int]:
        """
        Read the peak memory of the last successful runs of a function, the newest first.

        Args:
            function_id: The function.
            most: Number of runs, at most.

        Returns:
            MB, rounded up; empty if none succeeded.
        """
        ...
