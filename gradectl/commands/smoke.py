"""`gradectl smoke`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.context import pass_context
from gradectl.errors import CheckFailedError, GradectlError
from gradectl.options import command, extend_timeout, seconds_left
from gradectl.smoke.report import HOPS, ProbeResult, SmokeReport, next_step
from gradectl.smoke.smoke_test import SmokeEnvironment, SmokeTest
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.errors import GraderError
from grader.ports.jobs import JobStore

#: Default time limit of all jobs together.
JOB_SECONDS = 60.0
#: Time for the diagnosis of a job without a result.
_REPORT_SECONDS = 3.0
#: Time for the clean-up, also when --timeout expires meanwhile.
_CLEAN_UP_SECONDS = 60.0


@command("smoke", epilog="Example: gradectl smoke local")
@environment_argument
@pass_context(CloudContext)
def smoke(app: CloudContext, environment: str) -> None:
    """
    Test ENVIRONMENT end to end with one job in each request queue.

    Results are matched by correlation id, so messages of other jobs are not consumed. Everything
    that the test creates is removed, also after Ctrl-C, and after --timeout. The jobs may take 60
    seconds together, or less when --timeout expires before. Exit code 4 when a step fails, 69 when
    the broker is unreachable, 77 when its login lacks permissions.
    """
    run_smoke(app, environment)


def run_smoke(
    app: CloudContext, environment: str, *, show: bool = True, seconds: float | None = None
) -> SmokeReport | None:
    """
    Run the smoke test of an environment.

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
        text = "would send one test job to each request queue, and remove it again"
        document = {"environment": target.name, "dry_run": True, "message": text}
        app.ui.emit("smoke", document, Table(["dry run"], [[text]]))
        return None
    with target.broker() as broker, _jobs(target) as jobs:
        parts = SmokeEnvironment(target.bucket, target.objects, broker, jobs)
        limit = seconds or _seconds_for_jobs(seconds_left())
        report = SmokeTest(parts, seconds=limit).run(app.ui.say, _protect_clean_up)
    if show:
        document = {"environment": target.name, **_document(report)}
        app.ui.emit("smoke", document, _table(target, report))
    else:
        app.ui.say_table(_table(target, report))
    app.ui.say(f"grading-dlq: {report.dead_letters}")
    if not report.passed:
        hint = next_step(report.failed_hop, target.name, target.look_at)
        raise CheckFailedError(report.failure, where=target.name, next_step=hint)
    app.ui.say(f"{target.name} works; next: gradectl queue list -e {target.name}", "green")
    return report


def _seconds_for_jobs(left: float | None) -> float:
    """Leave time for the diagnosis: an expired command has no report."""
    if left is None:
        return JOB_SECONDS
    return min(JOB_SECONDS, max(left - _REPORT_SECONDS, left / 2))


def _protect_clean_up() -> None:
    extend_timeout(_CLEAN_UP_SECONDS)


@contextmanager
def _jobs(target: EnvironmentClient) -> Iterator[JobStore | None]:
    """Open the job table for the block; None where the database is unreachable."""
    with target.jobs() as jobs:
        try:
            jobs.ping()
        except (GraderError, GradectlError) as error:
            target.app.ui.warn(f"the database is not reachable from here: {error}")
            yield None
        else:
            yield jobs


def _table(target: EnvironmentClient, report: SmokeReport) -> Table:
    """One row for each queue."""
    columns = ("queue", "passed", *(f"{hop} ms" for hop in HOPS), "total ms", "proof")
    rows = [_row(probe) for probe in report.probes]
    return Table(columns, rows, f"smoke test of {target.name}")


def _row(probe: ProbeResult) -> list[object]:
    """Give the hops of one queue; those that were not reached have no time."""
    times = {hop.name: f"{hop.ms:.0f}" for hop in probe.hops}
    passed = "yes" if probe.passed else "NO"
    proof = probe.proof or f"failed at {probe.failed_hop}: {probe.reason}"
    total = f"{probe.total_ms:.0f}" if probe.passed else "-"
    return [probe.queue, passed, *(times.get(hop, "-") for hop in HOPS), total, proof]


def _document(report: SmokeReport) -> dict[str, Any]:
    """The document for programs."""
    return {
        "passed": report.passed,
        "smoke_id": report.smoke_id,
        "probes": [
            {**asdict(probe), "passed": probe.passed, "total_ms": probe.total_ms}
            for probe in report.probes
        ],
        "dead_letters": asdict(report.dead_letters),
        "left_behind": list(report.left_behind),
    }
