"""Repeats a smoke test at fixed times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from gradectl.smoke.report import SmokeReport


@dataclass(frozen=True)
class CanaryRun:
    """
    The result of one run.

    Attributes:
        at: When it began, UTC.
        passed: Whether the environment worked.
        ms: Of the slowest job, from the upload to the last hop; of the whole run if it failed.
        hop: The hop that failed; empty if none did.
        reason: Why it failed, on one line.
        left_out: Runs whose time passed while this one was running; they are not made up for.
    """

    at: datetime
    passed: bool
    ms: float
    hop: str = ""
    reason: str = ""
    left_out: int = 0

    @classmethod
    def of(cls, report: SmokeReport, at: datetime, ms: float) -> CanaryRun:
        """
        Summarize a report.

        Args:
            report: The report.
            at: When the run began.
            ms: Duration of the run.
        """
        if report.passed:
            return cls(at, True, max(probe.total_ms for probe in report.probes))
        return cls(at, False, ms, report.failed_hop, " ".join(report.failure.split()))

    def __str__(self) -> str:
        """Format as a line."""
        head = f"{self.at:%Y-%m-%dT%H:%M:%SZ}  {'ok' if self.passed else 'FAILED':<6}"
        parts = [f"{head}  {self.ms:6.0f} ms", self.reason]
        if self.left_out:
            parts.append(f"({self.left_out} runs left out: this one took too long)")
        return "  ".join(part for part in parts if part)


@dataclass(frozen=True)
class Schedule:
    """
    When a canary runs.

    Attributes:
        every: Seconds from the begin of a run to the next.
        until: Seconds after which no run begins; None for no end.
    """

    every: float
    until: float | None = None


def repeat(
    run: Callable[[], CanaryRun],
    schedule: Schedule,
    clock: Callable[[], float],
    pause: Callable[[float], object],
) -> Iterator[CanaryRun]:
    """
    Run at the times of a schedule; a run that takes longer leaves out those that it covers.

    Args:
        run: Makes one run.
        schedule: The times.
        clock: A monotonic clock, in seconds.
        pause: Waits for so many seconds.
    """
    start = clock()
    number = 0
    while True:
        done = run()
        following = int((clock() - start) // schedule.every) + 1
        yield replace(done, left_out=following - number - 1)
        number = following
        begin = number * schedule.every
        if schedule.until is not None and begin >= schedule.until:
            return
        pause(max(begin - (clock() - start), 0.0))
