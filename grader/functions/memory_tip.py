"""
Suggests a memory limit for a function from its last runs; pure.

The suggestion is the next usual figure (16, 32, 64, 128, ... MB) above 1.3 times the highest peak.
A function that ran out of memory gets a figure above its limit instead.
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
    Return a suggestion with its evidence; None if the limit is reasonable, or nothing ran.

    Args:
        limit_mb: Memory limit of the function.
        peaks_mb: Peaks of its last runs.
        least_mb: Minimum of the runtime, MB.
    """
    if not peaks_mb:
        return None
    peak = max(peaks_mb)
    over = sum(each >= limit_mb for each in peaks_mb)
    runs = _runs(len(peaks_mb))
    if over:
        more = suggested_mb(max(peak, limit_mb), least_mb)
        return f"{limit_mb} MB asked, {over} of the {runs} used it up; try {more} MB"
    enough = suggested_mb(peak, least_mb)
    if enough >= limit_mb:
        return None
    return f"{limit_mb} MB asked, at most {peak} MB used in the {runs}; {enough} MB would do"


def _runs(count: int) -> str:
    return "last run" if count == 1 else f"last {count} runs"
