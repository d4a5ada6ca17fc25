"""
Suggests lower limits for a submission that used far less than it requested; pure.

The rules are the same for memory and CPU time:

- only an accepted submission that ran at least one case gets a tip;
- the limit is at least four times the usage, and at least 64 MB (500 ms) above it, because smaller
  savings are not worth a tip;
- the suggestion is twice the usage, rounded up to a usual figure: 16, 32, 64, 128, ... MB and
  100, 200, 500, 1000, ... ms;
- the suggestion is below the limit.
"""

from __future__ import annotations

from grader.contract.messages import Grade
from grader.contract.verdicts import Verdict
from grader.sandbox.runs import RunLimits

#: Minimum ratio of limit to usage.
_MIN_RATIO = 4
#: Ratio of suggestion to usage.
_SUGGESTED_RATIO = 2
_MIN_SAVING_MB = 64
_MIN_SUGGESTION_MB = 16
_MIN_SAVING_MS = 500
_MIN_SUGGESTION_MS = 100
_TIME_DIGITS = (1, 2, 5)


def optimization_tip(grade: Grade, limits: RunLimits) -> str | None:
    """
    Return a suggestion for the limits of a submission; None if they are reasonable.

    Args:
        grade: Grade of the submission, with all results.
        limits: Limits of each case.
    """
    if grade.verdict is not Verdict.ACCEPTED or not grade.test_results:
        return None
    slowest = max(case.time for case in grade.test_results)
    tips = (
        _memory_tip(limits.memory_mb, grade.memory_usage),
        _time_tip(limits.cpu_ms, slowest),
    )
    return " ".join(sentence for sentence in tips if sentence) or None


def _memory_tip(limit_mb: int, used_mb: int) -> str:
    if not _is_far(limit_mb, used_mb, _MIN_SAVING_MB):
        return ""
    enough = _MIN_SUGGESTION_MB
    while enough < _SUGGESTED_RATIO * used_mb:
        enough *= 2
    return _sentence("memory", "MB", limit_mb, used_mb, enough)


def _time_tip(limit_ms: int, used_ms: int) -> str:
    if not _is_far(limit_ms, used_ms, _MIN_SAVING_MS):
        return ""
    wanted = max(_SUGGESTED_RATIO * used_ms, _MIN_SUGGESTION_MS)
    power = 10 ** (len(str(wanted)) - 1)
    enough = next(
        digit * power for digit in (*_TIME_DIGITS, 10 * _TIME_DIGITS[0]) if digit * power >= wanted
    )
    return _sentence("CPU time", "ms", limit_ms, used_ms, enough)


def _is_far(limit: int, used: int, min_saving: int) -> bool:
    return limit >= _MIN_RATIO * used and limit - used >= min_saving


def _sentence(what: str, unit: str, limit: int, used: int, enough: int) -> str:
    if enough >= limit:
        return ""
    return f"{limit} {unit} of {what} asked, {used} {unit} used: {enough} {unit} would do."
