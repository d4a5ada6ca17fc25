"""
Suggests a memory limit for a function from its last successful runs; pure.

The suggestion is the next usual figure (16, 32, 64, 128, ... MB) above 1.3 times the highest peak.
The peak of a run that failed or was stopped does not tell what the function needs. A run out of
memory gets a figure above its limit instead.
"""

from __future__ import annotations

from collections.abc import Sequence

#: Runs that a suggestion is based on.
MOST_RUNS = 20
_MIN_SUGGESTION_MB = 16
#: Reserve above the highest peak, in tenths.
_RESERVE_TENTHS = 13


def suggested_mb(peak_mb: int, least_mb: int = 0) -> int:
    """
    Return the memory limit that suits a peak, in MB.

    Args:
        peak_mb: Highest peak of the runs.
        least_mb: Minimum of the runtime.
    """
    enough = _MIN_SUGGESTION_MB
    while enough * 10 < _RESERVE_TENTHS * peak_mb or enough < least_mb:
        enough *= 2
    return enough


def memory_tip(limit_mb: int, peaks_mb: Sequence[int], least_mb: int = 0) -> str | None:
    """
    Return a suggestion with its evidence; None if the limit is reasonable, or no run succeeded.

    Args:
        limit_mb: Memory limit of the function.
        peaks_mb: Peaks of its last successful runs.
        least_mb: Minimum of the runtime, MB.
    """
    if not peaks_mb:
        return None
    peak = max(peaks_mb)
    enough = suggested_mb(peak, least_mb)
    used = f"{limit_mb} MB asked, at most {peak} MB used in the {_runs(len(peaks_mb))}"
    if peak >= limit_mb:
        return f"{used}; try {enough} MB"
    return f"{used}; {enough} MB would do" if enough < limit_mb else None


def out_of_memory_tip(limit_mb: int, least_mb: int = 0) -> str:
    """
    Return the suggestion for a run that ran out of memory.

    Args:
        limit_mb: Memory limit of the function.
        least_mb: Minimum of the runtime, MB.
    """
    more = suggested_mb(limit_mb, least_mb)
    return f"{limit_mb} MB asked, not enough for this run; try {more} MB"


def _runs(count: int) -> str:
    return "last successful run" if count == 1 else f"last {count} successful runs"
