"""`gradectl smoke --every`, and the metric of a smoke test."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from time import monotonic, sleep

from gradectl.adapters.aws.metrics import Datum
from gradectl.errors import (
    CheckFailedError,
    DeadlineError,
    GradectlError,
    RefusedError,
    StoppedError,
    UsageError,
)
from gradectl.monitoring.log_lines import seconds_of
from gradectl.options import seconds_left
from gradectl.smoke.canary import CanaryRun, Schedule, repeat
from gradectl.smoke.report import SmokeReport
from gradectl.target import EnvironmentClient
from grader.errors import GraderError

_CLOCK_TIME = re.compile(r"\d{2}:\d{2}(:\d{2})?")
#: `failed_hop` of a run that could not begin.
_CONNECT = "connect"


@dataclass
class _Summary:
    """The number of runs so far."""

    runs: int = 0
    failed: int = 0
    left_out: int = 0

    def add(self, run: CanaryRun) -> None:
        self.runs += 1
        self.failed += not run.passed
        self.left_out += run.left_out


def run_canary(
    target: EnvironmentClient,
    test: Callable[[], SmokeReport],
    schedule: Schedule,
    *,
    metric: bool,
) -> None:
    """
    Test an environment at the times of a schedule, with a line for each run.

    A failed run does not end it, nor does an environment that cannot be reached.

    Args:
        target: The environment.
        test: Makes one smoke test.
        schedule: The times.
        metric: Whether each run is put into CloudWatch.

    Raises:
        CheckFailedError: A run failed; raised at the end.
    """
    summary = _Summary()
    left = seconds_left()
    expires = None if left is None else monotonic() + left
    try:
        for run in repeat(lambda: _run(target, test), schedule, monotonic, sleep):
            summary.add(run)
            _show(target, run)
            if metric:
                publish(target, run)
            _check_time(expires)
    except (StoppedError, DeadlineError):
        _conclude(target, summary)
        raise
    _conclude(target, summary)
    if summary.failed:
        raise CheckFailedError(
            f"{summary.failed} of {summary.runs} runs failed",
            where=target.name,
            next_step=f"gradectl doctor {target.name}",
        )


def _check_time(expires: float | None) -> None:
    """Raise `DeadlineError` if --timeout has expired: during a run it only makes the run fail."""
    if expires is not None and monotonic() >= expires:
        raise DeadlineError("the --timeout expired", next_step="end a canary with --until")


def _run(target: EnvironmentClient, test: Callable[[], SmokeReport]) -> CanaryRun:
    """Make one run; an error that prevents it is a failed run."""
    at, start = datetime.now(UTC), monotonic()
    try:
        report = test()
    except (RefusedError, UsageError):
        raise  # the next run would fail alike
    except (GradectlError, GraderError) as error:
        return failed_run(error, at, (monotonic() - start) * 1000)
    for each in report.left_behind:
        target.app.ui.warn(f"left behind: {each}")
    return CanaryRun.of(report, at, (monotonic() - start) * 1000)


def failed_run(error: GradectlError | GraderError, at: datetime, ms: float) -> CanaryRun:
    """Describe a run that an error prevented."""
    head = f"{error.where}: {error.what}" if error.where else error.what
    return CanaryRun(at, False, ms, _CONNECT, " ".join(head.split()))


def _show(target: EnvironmentClient, run: CanaryRun) -> None:
    ui = target.app.ui
    if ui.output == "json":
        document = {**asdict(run), "at": f"{run.at:%Y-%m-%dT%H:%M:%SZ}"}
        ui.stream("smoke-run", {"environment": target.name, **document})
    else:
        ui.write_line(str(run))


def _conclude(target: EnvironmentClient, summary: _Summary) -> None:
    ui = target.app.ui
    ui.stream("smoke-canary", {"environment": target.name, **asdict(summary)})
    left_out = f", {summary.left_out} left out" if summary.left_out else ""
    ui.say(f"{summary.runs} runs of {target.name}, {summary.failed} failed{left_out}")


def publish(target: EnvironmentClient, run: CanaryRun) -> None:
    """Put a run into CloudWatch; where that fails, only a warning is printed."""
    data = [Datum("SmokeFailed", 0.0 if run.passed else 1.0, "Count", run.at)]
    if run.passed:
        data.append(Datum("SmokeDuration", run.ms, "Milliseconds", run.at))
    try:
        target.aws.metrics.put(f"gradectl/{target.name}-grading", data)
    except GradectlError as error:
        target.app.ui.warn(f"the metric was not put: {error}")


def make_schedule(every: str, until: str | None, now: datetime) -> Schedule:
    """
    Read the options of a canary.

    Args:
        every: A span of time, such as `5m`.
        until: A span, a time of the day, or a date with time; None for no end.
        now: The current time, in the time zone of the user.

    Raises:
        UsageError: One of them is something else, or has passed.
    """
    interval = seconds_of(every)
    if not interval:
        text = f"{every!r} is not a span of time"
        raise UsageError(text, where="--every", next_step="--every 5m")
    return Schedule(interval, None if until is None else _seconds_until(until, now))


def _seconds_until(text: str, now: datetime) -> float:
    span = seconds_of(text)
    if span is not None:
        return span
    try:
        if _CLOCK_TIME.fullmatch(text):
            end = datetime.combine(now.date(), time.fromisoformat(text), now.tzinfo)
            return (end - now).total_seconds() % timedelta(days=1).total_seconds()
        end = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is neither a span, nor a time of the day, nor a date with time",
            where="--until",
            next_step="--until 2h, --until 18:00 or --until 2026-12-24T18:00",
        ) from error
    seconds = ((end if end.tzinfo else end.replace(tzinfo=now.tzinfo)) - now).total_seconds()
    if seconds <= 0:
        raise UsageError(f"{text} has passed", where="--until", next_step="name a later time")
    return seconds
