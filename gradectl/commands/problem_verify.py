"""`gradectl problem verify`: judges a problem's own submissions on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gradectl.context import AppContext, pass_context
from gradectl.errors import CheckFailedError, ConfigurationError
from gradectl.local.sandbox import open_sandbox
from gradectl.options import command
from gradectl.problems.expectations import EXPECTATIONS
from gradectl.problems.package import describe, read_problem
from gradectl.problems.submissions import find_submissions
from gradectl.problems.verifier import (
    JudgedSubmission,
    VerificationProgress,
    VerificationReport,
    open_verifier,
    verdict_text,
)
from gradectl.ui import Table

_MS = 1000


@command("verify", epilog="Example: gradectl problem verify examples/problems/two-numbers")
@click.argument(
    "directory",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of one problem.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="CPU time per case; default: from problem.yaml, else the smallest that fits.",
)
@pass_context(AppContext)
def verify_problem(app: AppContext, directory: Path, *, time_limit: float | None) -> None:
    """
    Judge the submissions in DIRECTORY/submissions and compare the verdicts with their folders.

    A folder is named after the expected verdict: accepted, wrong_answer, time_limit_exceeded,
    run_time_error, partially_accepted and others. They are judged in the worker's sandbox on this
    machine; nothing is uploaded. Exit code 4 when a verdict differs. A time limit is suggested
    from the times of the accepted submissions.
    """
    problem = read_problem(directory)
    submissions, skipped = find_submissions(directory)
    for warning in (*problem.warnings, *skipped):
        app.ui.warn(warning)
    if not submissions:
        raise ConfigurationError(
            "the problem has no submissions",
            where=str(directory / "submissions"),
            next_step=f"add some in folders named {', '.join(EXPECTATIONS)}",
        )
    app.ui.say(f"judging {len(submissions)} submissions on {problem.cases} cases")
    with app.ui.live() as show, open_sandbox(_project_root(app), app.environ) as launcher:
        progress = VerificationProgress(
            begin=lambda one: show([f"judging {one.name} ..."]),
            done=lambda judged: app.ui.say(_line(judged)),
            details=app.ui.say,
        )
        with open_verifier(problem, launcher, progress) as verifier:
            report = verifier.verify(submissions, round(time_limit * _MS) if time_limit else None)
    for warning in report.warnings:
        app.ui.warn(warning)
    document = {"problem_id": problem.problem_id, **describe(problem), **_document(report)}
    document["warnings"] = [*problem.warnings, *skipped, *report.warnings]
    app.ui.emit("problem-verify", document, _table(report))
    app.ui.say(_about_the_limit(report))
    if report.deviating:
        names = ", ".join(one.submission.name for one in report.deviating)
        raise CheckFailedError(
            f"{len(report.deviating)} of {len(report.judged)} submissions deviate: {names}",
            where=str(directory),
            next_step="fix the problem or move the submissions to the folders of their verdicts",
        )
    app.ui.say(f"next: gradectl problem push {directory}")


def _project_root(app: AppContext) -> Path | None:
    """The project, whose local stack may have a sandbox; None outside of a project."""
    try:
        return app.project_root
    except ConfigurationError:
        return None


def _line(judged: JudgedSubmission) -> str:
    """Say that one is done, while the others are judged."""
    time = "" if judged.slowest_ms is None else f", slowest case {judged.slowest_ms} ms"
    wrong = f" - {judged.deviation}" if judged.deviation else ""
    return f"{judged.submission.name}: {verdict_text(judged)}{time}{wrong}"


def _table(report: VerificationReport) -> Table:
    columns = ["submission", "language", "expected", "got", "score", "slowest", "memory", "ok"]
    return Table(columns, [_row(each) for each in report.judged])


def _row(judged: JudgedSubmission) -> list[str]:
    grade = judged.grade
    return [
        judged.submission.name,
        judged.submission.language.name,
        EXPECTATIONS[judged.submission.folder].words,
        verdict_text(judged),
        str(grade.score) if grade else "",
        "" if judged.slowest_ms is None else f"{judged.slowest_ms} ms",
        f"{grade.memory_usage} MB" if grade else "",
        "no" if judged.deviation else "yes",
    ]


def _document(report: VerificationReport) -> dict[str, Any]:
    timing = report.timing
    return {
        "time_limit_ms": timing.limit_ms,
        "time_limit_from": report.limit_from,
        "memory_limit_mb": report.memory_limit_mb,
        "slowest_accepted_ms": timing.slowest_accepted_ms,
        "suggested_time_limit_ms": timing.suggested_ms,
        "too_slow_margin": timing.too_slow_margin,
        "submissions": [
            {
                "name": one.submission.name,
                "language": one.submission.language.name,
                "expected": EXPECTATIONS[one.submission.folder].words,
                "verdict": one.grade.verdict if one.grade else None,
                "score": one.grade.score if one.grade else None,
                "slowest_case_ms": one.slowest_ms,
                "memory_mb": one.grade.memory_usage if one.grade else None,
                "ok": not one.deviation,
                "deviation": one.deviation or None,
            }
            for one in report.judged
        ],
        "ok": not report.deviating,
    }


def _about_the_limit(report: VerificationReport) -> str:
    timing = report.timing
    text = f"time limit {timing.limit_ms} ms ({report.limit_from})"
    if timing.suggested_ms is not None:
        text += (
            f"; suggested: {timing.suggested_ms} ms, {timing.accepted_factor:g} x the slowest"
            f" accepted case of {timing.slowest_accepted_ms} ms"
        )
    margin = timing.too_slow_margin
    if margin is not None:
        least = "at least " if margin >= timing.too_slow_factor else ""
        text += f"; the fastest that is too slow takes {least}{margin:.2f} x the limit"
    return text
