"""`gradectl smoke`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.commands.smoke_canary import failed_run, make_schedule, publish, run_canary
from gradectl.context import pass_context
from gradectl.errors import CheckFailedError, GradectlError, UsageError
from gradectl.job_table import jobs_of
from gradectl.options import command, extend_timeout, seconds_left
from gradectl.secrets.api_keys import NewKey, plan_key, temporary_key
from gradectl.smoke.canary import CanaryRun, Schedule
from gradectl.smoke.environment import SmokeApi, SmokeEnvironment
from gradectl.smoke.junit import junit, junit_of_error
from gradectl.smoke.report import (
    API,
    CHECKS,
    HOPS,
    ProbeResult,
    SmokeReport,
    latencies,
    next_step,
)
from gradectl.smoke.smoke_test import SmokePlan, SmokeTest
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.contract.names import RESULTS_QUEUE
from grader.errors import GraderError
from grader.ports.jobs import JobStore

#: Name and user of the key of the HTTP API, and when a key ends that was not deleted.
_API_USER = "gradectl-smoke"
_KEY_TIME = timedelta(minutes=10)
#: Default time limit of all jobs together.
JOB_SECONDS = 60.0
#: Time for the diagnosis of a job without a result.
_REPORT_SECONDS = 3.0
#: Time for the clean-up, also when --timeout expires meanwhile.
_CLEAN_UP_SECONDS = 60.0


@command("smoke", epilog="Example: gradectl smoke local --count 20 --check poison")
@environment_argument
@click.option(
    "--count",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    metavar="N",
    help="Jobs in each request queue, one after the other; more give percentiles.",
)
@click.option(
    "--check",
    "checks",
    type=click.Choice(CHECKS),
    multiple=True,
    help="Check also that urgent jobs overtake, that an invalid message becomes a dead letter"
    " with its reason, or that the HTTP API grades. Can be repeated.",
)
@click.option(
    "--junit",
    "junit_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report as JUnit XML too.",
)
@click.option(
    "--every",
    metavar="SPAN",
    help="Repeat at this interval, such as 30s, 5m or 1h, with a line for each run.",
)
@click.option(
    "--until",
    metavar="TIME",
    help="End the repetition after a span, such as 2h, or at a time, such as 18:00 or"
    " 2026-12-24T18:00; default: with Ctrl-C.",
)
@click.option(
    "--metric",
    is_flag=True,
    help="Put each run into CloudWatch: SmokeFailed and SmokeDuration in gradectl/NAME-grading.",
)
@pass_context(CloudContext)
def smoke(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str,
    *,
    count: int,
    checks: tuple[str, ...],
    junit_file: Path | None,
    every: str | None,
    until: str | None,
    metric: bool,
) -> None:
    """
    Test ENVIRONMENT end to end with one job in each request queue.

    Results are matched by correlation id, so messages of other jobs are not consumed. Everything
    that the test creates is removed, also after Ctrl-C, and after --timeout. The jobs may take 60
    seconds together, one second more for each further job of --count, or less when --timeout
    expires before. Exit code 4 when a step fails, 69 when the broker is unreachable, 77 when its
    login lacks permissions.

    Jobs run one at a time, so others wait for one short job at most. --check priority sends a few
    ordinary jobs at once, three for each consumer, and says so where idle workers prove nothing.
    --check poison adds a dead letter for a moment, and removes exactly this one. --check api, which
    every single test of an environment with the HTTP API has, makes a key and deletes it again.

    Queues of Amazon SQS cannot be searched: there, bucket and row prove the grading, and the test
    looks for its own messages among a few that it receives; those of others return at once. What it
    does not see it calls not observable. --check priority sends 40 ordinary jobs.

    With --every it is a canary: a failed run is a line, and does not end it; nor does an
    environment that cannot be reached. The exit code is 4 if a run failed, and 130 after Ctrl-C.
    """
    schedule = _schedule(every, until, junit_file)
    _check_writable(junit_file)
    target = select_environment(app, environment)
    app.announce(target.environment)
    if app.options.dry_run:
        _show_dry_run(target, count, checks)
        return
    chosen = _with_api(target, checks) if schedule is None else tuple(dict.fromkeys(checks))
    if schedule:
        run_canary(target, partial(_run_quietly, target, count, chosen), schedule, metric=metric)
        return
    at, start = datetime.now(UTC), monotonic()
    with _reporting_errors(target, junit_file, metric=metric):
        report = probe_environment(target, make_plan(count, chosen), app.ui.say)
    if metric:
        publish(target, CanaryRun.of(report, at, (monotonic() - start) * 1000))
    if junit_file:
        _write(junit_file, junit(report, target.name))
    _conclude(target, report, show=True)


def _schedule(every: str | None, until: str | None, junit_file: Path | None) -> Schedule | None:
    """Read the schedule of a canary; None without one."""
    if every is None:
        if until is not None:
            text = "--until ends a repetition, and there is none"
            raise UsageError(text, where="--until", next_step="add --every 5m")
        return None
    if junit_file is not None:
        text = "a JUnit report is of one run"
        raise UsageError(text, where="--junit", next_step="omit --junit or --every")
    return make_schedule(every, until, datetime.now(UTC).astimezone())


def _run_quietly(target: EnvironmentClient, count: int, checks: tuple[str, ...]) -> SmokeReport:
    """Make one run of a canary, without progress messages."""
    return probe_environment(target, make_plan(count, checks), lambda _text: None)


def run_smoke(
    app: CloudContext, environment: str, *, show: bool = True, seconds: float | None = None
) -> SmokeReport | None:
    """
    Run the smoke test of an environment with one job in each queue.

    Args:
        app: The context of the command.
        environment: The environment.
        show: Whether the report is the output of the command; otherwise only messages are printed.
        seconds: Time limit of all jobs together; default: 60, or less by --timeout.

    Returns:
        The report; None in a dry run.

    Raises:
        CheckFailedError: A step failed; the error names it and the next command.
    """
    target = select_environment(app, environment)
    app.announce(target.environment)
    if app.options.dry_run:
        _show_dry_run(target, 1, ())
        return None
    checks = _with_api(target, ())
    plan = SmokePlan(seconds, checks=checks) if seconds else make_plan(1, checks)
    report = probe_environment(target, plan, app.ui.say)
    _conclude(target, report, show=show)
    return report


def make_plan(count: int, checks: tuple[str, ...]) -> SmokePlan:
    """Plan a test, with the time that --timeout leaves."""
    return SmokePlan(_seconds_for_jobs(JOB_SECONDS + count - 1, seconds_left()), count, checks)


def probe_environment(
    target: EnvironmentClient, plan: SmokePlan, say: Callable[[str], None]
) -> SmokeReport:
    """
    Connect to an environment and test it.

    Args:
        target: The environment.
        plan: What to do.
        say: Called with progress messages.
    """
    with target.broker() as broker, _jobs(target) as jobs:
        parts = SmokeEnvironment(target.bucket, target.objects, broker, jobs, _api(target))
        return SmokeTest(parts, plan).run(say, _protect_clean_up)


def _with_api(target: EnvironmentClient, checks: Sequence[str]) -> tuple[str, ...]:
    """The checks of one run: an environment with the HTTP API always has that one."""
    return tuple(dict.fromkeys((*checks, *((API,) if target.environment.has_api else ()))))


def _api(target: EnvironmentClient) -> SmokeApi | None:
    """The HTTP API of an environment; its URL is that of the stack or of its domain name."""
    environment = target.environment
    if not environment.has_api:
        return None
    stack, domain = target.app.stack(environment), environment.variables.get("web_domain_name")
    url = stack.api_url if stack else f"https://{domain}" if domain else ""
    now = datetime.now(UTC).replace(microsecond=0)
    key = NewKey(_API_USER, _API_USER, frozenset(), None, None, now + _KEY_TIME)
    return SmokeApi(url, partial(temporary_key, target.aws, environment, plan_key(key, now)))


def _show_dry_run(target: EnvironmentClient, count: int, checks: tuple[str, ...]) -> None:
    jobs = "one test job" if count == 1 else f"{count} test jobs, one after the other,"
    text = f"would send {jobs} to each request queue, and remove it again"
    if checks:
        text += f"; would check {' and '.join(dict.fromkeys(checks))}"
    document = {"environment": target.name, "dry_run": True, "message": text}
    target.app.ui.emit("smoke", document, Table(["dry run"], [[text]]))


def _conclude(target: EnvironmentClient, report: SmokeReport, *, show: bool) -> None:
    """Print a report; raises `CheckFailedError` if something failed."""
    ui = target.app.ui
    if show:
        document = {"environment": target.name, "dry_run": False, **_document(report)}
        ui.emit("smoke", document, _table(target, report))
    else:
        ui.say_table(_table(target, report))
    for check in report.checks:
        ui.say(f"{check.name}: {check.outcome}: {check.detail}")
    ui.say(f"grading-dlq: {report.dead_letters}")
    if not report.passed:
        results = target.inspect_command(RESULTS_QUEUE)
        hint = next_step(report.failed_hop, target.name, target.look_at, results)
        raise CheckFailedError(report.failure, where=target.name, next_step=hint)
    ui.say(f"{target.name} works; next: gradectl queue list -e {target.name}", "green")


def _seconds_for_jobs(wanted: float, left: float | None) -> float:
    """Leave time for the diagnosis: an expired command has no report."""
    if left is None:
        return wanted
    return min(wanted, max(left - _REPORT_SECONDS, left / 2))


def _protect_clean_up() -> None:
    extend_timeout(_CLEAN_UP_SECONDS)


@contextmanager
def _jobs(target: EnvironmentClient) -> Iterator[JobStore | None]:
    """Open the job table for the block; None where the database is unreachable."""
    with jobs_of(target) as jobs:
        try:
            jobs.ping()
        except (GraderError, GradectlError) as error:
            target.app.ui.warn(f"the database is not reachable from here: {error}")
            yield None
        else:
            yield jobs


def _check_writable(path: Path | None) -> None:
    """Raise `UsageError` for a report that could not be written at the end."""
    if path is not None and not os.access(path.absolute().parent, os.W_OK):
        raise UsageError(
            "the report cannot be written here",
            where=str(path),
            next_step="name a folder that exists and is writable",
        )


@contextmanager
def _reporting_errors(
    target: EnvironmentClient, path: Path | None, *, metric: bool
) -> Iterator[None]:
    """Report an error that prevents the test in JUnit and as a metric too."""
    at, start = datetime.now(UTC), monotonic()
    try:
        yield
    except (GradectlError, GraderError) as error:
        if metric:
            publish(target, failed_run(error, at, (monotonic() - start) * 1000))
        if path is not None:
            _write(path, junit_of_error(str(error), target.name))
        raise


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise GradectlError(
            f"the report was not written: {error.strerror}",
            where=str(path),
            next_step="free space there, or name another file",
        ) from error


def _table(target: EnvironmentClient, report: SmokeReport) -> Table:
    """One row for each queue, or for each hop of several jobs."""
    title = f"smoke test of {target.name}"
    if len(report.probes) > len({probe.queue for probe in report.probes}):
        passed = sum(probe.passed for probe in report.probes)
        columns: tuple[str, ...] = ("queue", "hop", "n", "p50 ms", "p95 ms", "max ms")
        rows = [
            [each.queue, each.hop, each.n, *map(_ms, (each.p50_ms, each.p95_ms, each.max_ms))]
            for each in latencies(report.probes)
        ]
        return Table(columns, rows, f"{title}: {passed} of {len(report.probes)} jobs passed")
    seen = {hop.name for probe in report.probes for hop in probe.hops}
    hops = [hop for hop in HOPS if hop in seen]
    columns = ("queue", "passed", *(f"{hop} ms" for hop in hops), "total ms", "proof")
    return Table(columns, [_row(probe, hops) for probe in report.probes], title)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _row(probe: ProbeResult, hops: list[str]) -> list[object]:
    """Give the hops of one job; those that were not reached have no time."""
    times = {hop.name: hop.ms for hop in probe.hops}
    passed = "yes" if probe.passed else "NO"
    proof = probe.proof or f"failed at {probe.failed_hop}: {probe.reason}"
    total = _ms(probe.total_ms) if probe.passed else "-"
    return [probe.queue, passed, *(_ms(times.get(hop)) for hop in hops), total, proof]


def _document(report: SmokeReport) -> dict[str, Any]:
    """The document for programs."""
    return {
        "passed": report.passed,
        "smoke_id": report.smoke_id,
        "probes": [
            {**asdict(probe), "passed": probe.passed, "total_ms": probe.total_ms}
            for probe in report.probes
        ],
        "latencies": [asdict(each) for each in latencies(report.probes)],
        "checks": [asdict(each) for each in report.checks],
        "dead_letters": asdict(report.dead_letters),
        "left_behind": list(report.left_behind),
    }
