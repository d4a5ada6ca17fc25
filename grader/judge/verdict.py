"""
Determines the verdict of a run and its reason from the sandbox's measurements; pure.

The order matters: first a stop by the watchdog, then measurements above a limit, then the end of
the program, and only then its output.  A failure of the sandbox raises before.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass

from grader.contract.messages import Grade
from grader.contract.verdicts import Fault, Verdict
from grader.sandbox.runs import RunLimits, RunOutcome, StopReason

_KB_PER_MB = 1024
_US_PER_MS = 1000
_US_PER_SECOND = 1_000_000
_MS_PER_SECOND = 1000
_BYTES_PER_MB = 1 << 20
_RECORDED = {
    StopReason.CPU: Verdict.TIME_LIMIT_EXCEEDED,
    StopReason.WALL: Verdict.TIME_LIMIT_EXCEEDED,
    StopReason.MEMORY: Verdict.MEMORY_LIMIT_EXCEEDED,
    StopReason.OUTPUT: Verdict.OUTPUT_LIMIT_EXCEEDED,
}


@dataclass(frozen=True)
class RunFault:
    """Verdict and reason of a failed run; the submission is at fault."""

    verdict: Verdict
    reason: str


def find_fault(outcome: RunOutcome, limits: RunLimits, *, refused_memory: bool) -> RunFault | None:
    """
    Find the fault of a run regardless of its output; None if the output decides.

    Args:
        outcome: Measurements of the run.
        limits: Limits of the run.
        refused_memory: The runtime reported that memory was refused.
    """
    verdict = _verdict(outcome, limits, refused_memory=refused_memory)
    if verdict is None:
        return None
    ended = outcome.reason is StopReason.ENDED and not _is_over_memory(outcome, limits)
    if verdict is Verdict.MEMORY_LIMIT_EXCEEDED and ended:
        return RunFault(verdict, f"wanted more memory than the {limits.memory_mb} MB allowed")
    return RunFault(verdict, explain(outcome, limits))


def explain(outcome: RunOutcome, limits: RunLimits) -> str:
    """Describe the end of a run and what it used, with the limits."""
    if outcome.reason is StopReason.WALL:
        return (
            f"slept or waited: {outcome.wall_us / _US_PER_SECOND:.1f} s of wall time with"
            f" {outcome.cpu_ms} ms of CPU time, {limits.wall_ms / _MS_PER_SECOND:.1f} s allowed"
        )
    if outcome.reason is StopReason.CPU or _is_over_time(outcome, limits):
        return _explain_time(outcome, limits)
    if outcome.reason is StopReason.MEMORY or _is_over_memory(outcome, limits):
        return _explain_memory(outcome, limits)
    if outcome.reason is StopReason.OUTPUT:
        return f"wrote more than the {limits.output_bytes // _BYTES_PER_MB} MB allowed"
    return describe_end(outcome)


def describe_end(outcome: RunOutcome) -> str:
    """Describe the end of a program that the watchdog did not stop."""
    if outcome.signal:
        return f"ended by {_signal_name(outcome.signal)}"
    return f"exit code {outcome.exit_code}"


def compile_error(message: str, reason: str, cases_total: int) -> Grade:
    """
    Grade a source that does not compile.

    Args:
        message: Messages of the compiler, safe to show.
        reason: The reason on one line.
        cases_total: Number of cases of the problem.
    """
    return Grade(
        verdict=Verdict.COMPILE_ERROR,
        score=0,
        execution_time=0,
        memory_usage=0,
        message=message,
        cases_total=cases_total,
        fault=Fault.SUBMISSION,
        reason=reason,
    )


def _verdict(outcome: RunOutcome, limits: RunLimits, *, refused_memory: bool) -> Verdict | None:
    if outcome.reason in _RECORDED:
        return _RECORDED[outcome.reason]
    if _is_over_time(outcome, limits):
        return Verdict.TIME_LIMIT_EXCEEDED
    if _is_over_memory(outcome, limits):
        return Verdict.MEMORY_LIMIT_EXCEEDED
    if outcome.succeeded:
        return None
    return Verdict.MEMORY_LIMIT_EXCEEDED if refused_memory else Verdict.RUNTIME_ERROR


def _explain_time(outcome: RunOutcome, limits: RunLimits) -> str:
    if _is_over_time(outcome, limits):
        return f"used {outcome.cpu_ms} ms of CPU time, {limits.cpu_ms} ms allowed"
    # Stopped because of its children's usage; their last figure is lost with them.
    return f"used more than the {limits.cpu_ms} ms of CPU time allowed"


def _explain_memory(outcome: RunOutcome, limits: RunLimits) -> str:
    if _is_over_memory(outcome, limits):
        return f"used {_mb(outcome.peak_kb)} MB of memory, {limits.memory_mb} MB allowed"
    return f"used more than the {limits.memory_mb} MB of memory allowed"


def _is_over_time(outcome: RunOutcome, limits: RunLimits) -> bool:
    return outcome.cpu_us > limits.cpu_ms * _US_PER_MS


def _is_over_memory(outcome: RunOutcome, limits: RunLimits) -> bool:
    return outcome.peak_kb > limits.memory_mb * _KB_PER_MB


def _mb(kilobytes: int) -> str:
    """One decimal, rounded up, so that a value above the limit also reads as above it."""
    tenths = -(-10 * kilobytes // _KB_PER_MB)
    return f"{tenths // 10}.{tenths % 10}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no name
        return f"signal {number}"
