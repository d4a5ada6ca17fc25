"""
When to tell somebody that a limit is far from the need; pure.

The rule, for memory and for CPU time alike:

- only an accepted submission gets a tip, and only one that ran at least one case;
- the limit is at least four times what was used, and also at least 64 MB (500 ms) above it, so that
  nobody is told to save what is not worth saving;
- what is suggested is twice what was used, rounded up to a figure that people write: 16, 32, 64,
  128, ... MB and 100, 200, 500, 1000, ... ms;
- a suggestion that is not below the limit is not made.
"""

from __future__ import annotations

from grader.contract.messages import Grade
from grader.contract.verdicts import Verdict
from grader.sandbox.runs import RunLimits

#: How many times the need a limit has to be before anything is said.
_FAR = 4
#: How many times the need is suggested.
_ENOUGH = 2
_MEMORY_APART_MB = 64
_MEMORY_LEAST_MB = 16
_TIME_APART_MS = 500
_TIME_LEAST_MS = 100
_TIME_DIGITS = (1, 2, 5)


def optimization_tip(grade: Grade, limits: RunLimits) -> str | None:
    """
    Say what to change about the limits of a submission, if anything.

    Args:
        grade: All of its results.
        limits: What each of its cases was given.
    """
    if grade.verdict is not Verdict.ACCEPTED or not grade.test_results:
        return None
    slowest = max(case.time for case in grade.test_results)
    said = (
        _memory_tip(limits.memory_mb, grade.memory_usage),
        _time_tip(limits.cpu_ms, slowest),
    )
    return " ".join(sentence for sentence in said if sentence) or None


def _memory_tip(limit_mb: int, used_mb: int) -> str:
    if not _is_far(limit_mb, used_mb, _MEMORY_APART_MB):
        return ""
    enough = _MEMORY_LEAST_MB
    while enough < _ENOUGH * used_mb:
        enough *= 2
    return _sentence("memory", "MB", limit_mb, used_mb, enough)


def _time_tip(limit_ms: int, used_ms: int) -> str:
    if not _is_far(limit_ms, used_ms, _TIME_APART_MS):
        return ""
    wanted = max(_ENOUGH * used_ms, _TIME_LEAST_MS)
    power = 10 ** (len(str(wanted)) - 1)
    enough = next(
        digit * power for digit in (*_TIME_DIGITS, 10 * _TIME_DIGITS[0]) if digit * power >= wanted
    )
    return _sentence("CPU time", "ms", limit_ms, used_ms, enough)


def _is_far(limit: int, used: int, apart: int) -> bool:
    return limit >= _FAR * used and limit - used >= apart


def _sentence(what: str, unit: str, limit: int, used: int, enough: int) -> str:
    if enough >= limit:
        return ""
    return f"{limit} {unit} of {what} asked, {used} {unit} used: {enough} {unit} would do."
