"""
From what the sandbox measured to a verdict; pure.

The order matters: what the watchdog recorded when it acted, then limits that the measurement
passes, then how the program ended, and only then what it wrote.
"""

from __future__ import annotations

import signal

from grader.contract.messages import CaseResult
from grader.contract.runs import RunLimits, RunOutcome, StopReason
from grader.contract.verdicts import Verdict

_KB_PER_MB = 1024
_US_PER_MS = 1000
_RECORDED = {
    StopReason.CPU: Verdict.TIME_LIMIT_EXCEEDED,
    StopReason.WALL: Verdict.TIME_LIMIT_EXCEEDED,
    StopReason.MEMORY: Verdict.MEMORY_LIMIT_EXCEEDED,
    StopReason.OUTPUT: Verdict.OUTPUT_LIMIT_EXCEEDED,
}
_WORDS = {
    StopReason.CPU: "used more CPU time than allowed",
    StopReason.WALL: "took too long on the clock",
    StopReason.MEMORY: "used more memory than allowed",
    StopReason.OUTPUT: "wrote more than allowed",
}


def fault(outcome: RunOutcome, limits: RunLimits, *, refused_memory: bool) -> Verdict | None:
    """
    Say what was wrong with a run, whatever it wrote; None when only its output can tell.

    Args:
        outcome: What was measured.
        limits: What was allowed.
        refused_memory: The runtime said that it could not have the memory it wanted.
    """
    if outcome.reason in _RECORDED:
        return _RECORDED[outcome.reason]
    if outcome.cpu_us > limits.cpu_ms * _US_PER_MS:
        return Verdict.TIME_LIMIT_EXCEEDED
    if outcome.peak_kb > limits.memory_mb * _KB_PER_MB:
        return Verdict.MEMORY_LIMIT_EXCEEDED
    if outcome.succeeded:
        return None
    return Verdict.MEMORY_LIMIT_EXCEEDED if refused_memory else Verdict.RUNTIME_ERROR


def case_result(case: int, outcome: RunOutcome, verdict: Verdict) -> CaseResult:
    """Put a verdict and its measurements in the units of the result message."""
    return CaseResult(case=case, status=verdict, time=outcome.cpu_ms, memory=outcome.peak_mb)


def describe(outcome: RunOutcome) -> str:
    """How a run ended, in words safe to show."""
    if outcome.reason in _WORDS:
        return _WORDS[outcome.reason]
    if outcome.signal:
        return f"ended by {_signal_name(outcome.signal)}"
    return f"exit code {outcome.exit_code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no name
        return f"signal {number}"
