"""`gradectl deploy`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import (
    allow_loss_option,
    confirm_option,
    environment_argument,
    lock_timeout_option,
    reviewed_option,
)
from gradectl.commands.image import narrated
from gradectl.commands.smoke import JOB_SECONDS, run_smoke
from gradectl.context import pass_context
from gradectl.deploy import deploy_report
from gradectl.deploy.deploy_lock import deploy_lock, release
from gradectl.deploy.deploy_report import DeployReport
from gradectl.deploy.deploy_steps import DeployOptions, DeploySteps
from gradectl.deploy.deployment import Deployment
from gradectl.deploy.image import BuildOptions, WorkerImage, selected_digest
from gradectl.deploy.pipeline import Pipeline
from gradectl.deploy.release import IMAGE_VARIABLE, deployed_by_pipeline
from gradectl.deploy.steps import STEPS, select_steps
from gradectl.environment import Environment
from gradectl.errors import UsageError
from gradectl.monitoring.paused import pause_text
from gradectl.options import command, seconds_left
from gradectl.planning.review import deployment_id
from gradectl.rollouts.polling import pauses
from gradectl.ui import Table

_FORMATS = (".md", ".json")
#: What remains of --timeout for the clean-up of the smoke test and the report.
_REPORT_SECONDS = 5.0
_STEP = click.Choice(list(STEPS))
#: Steps for which it matters that the workers are paused.
_FOR_WORKERS = frozenset({"wait", "smoke"})


@command("deploy", epilog="Example: gradectl deploy production --reviewed reviewed.json")
@environment_argument
@click.option("--from", "first", type=_STEP, metavar="STEP", help="Begin with this step.")
@click.option("--until", "last", type=_STEP, metavar="STEP", help="End with this step.")
@click.option("--only", type=_STEP, metavar="STEP", help="Run this step alone.")
@reviewed_option
@confirm_option
@allow_loss_option
@click.option(
    "--report",
    "reports",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Write a report: FILE.md or FILE.json. Can be repeated.",
)
@click.option(
    "--release-lock", metavar="ID", help="Remove the lock of a deployment that no longer runs."
)
@lock_timeout_option
@pass_context(CloudContext)
def deploy(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str,
    *,
    first: str | None,
    last: str | None,
    only: str | None,
    reviewed: Path | None,
    confirm: str | None,
    allow_loss: tuple[str, ...],
    reports: Sequence[Path],
    release_lock: str | None,
    lock_timeout: int,
) -> None:
    """
    Deploy an environment and prove that it works.

    The steps are: {steps}.

    A failed step is named with its cause and the command that resumes there. The plan exists only
    during a run, so a run that begins with gate or apply begins with plan. With --dry-run, all
    steps only say what they would do. With --output json, each event is one line of JSON.
    """
    chosen = select_steps(first, last, only)
    _check_formats(reports)
    deployment = Deployment.open(app, environment, lock_timeout_seconds=lock_timeout)
    if release_lock:
        store = deployment.aws.exclusive_objects(deployment.environment.state_bucket)
        release(store, environment, release_lock)
        app.ui.say(f"released; next: gradectl deploy {environment}")
        return
    waits_for_workers = _FOR_WORKERS.intersection(chosen)
    if waits_for_workers and (paused := pause_text(deployment.aws, environment)):
        command_line = f"gradectl queue resume -e {environment}"
        app.ui.warn(f"the workers are {paused}; nothing is graded until: {command_line}")
    builds_image = "image" in chosen and not _has_own_image(deployment.environment)
    options = DeployOptions(app.options.dry_run, reviewed, confirm, allow_loss, builds_image)
    report = _run(deployment, chosen, options, reports, pauses(lock_timeout))
    app.ui.say(f"next: {report.next_step}", "green")


deploy.help = (deploy.help or "").replace("{steps}", ", ".join(STEPS))


def _run(
    deployment: Deployment,
    chosen: Sequence[str],
    options: DeployOptions,
    reports: Sequence[Path],
    pause: Callable[[], bool],
) -> DeployReport:
    """Run the chosen steps under the lock of the environment."""
    app, name = deployment.app, deployment.environment.name
    steps = DeploySteps(
        deployment,
        options,
        image=lambda: _image(app, deployment),
        smoke=lambda: _smoke(app, name),
    )
    about = deployment_id(deployment.environment)
    pipeline = Pipeline(app.ui, about, steps.work, dry_run=options.dry_run)
    store = deployment.aws.exclusive_objects(deployment.environment.state_bucket)
    # A dry run changes nothing, so it also takes no lock.
    lock = nullcontext() if options.dry_run else deploy_lock(store, name, pause, app.ui.say)
    try:
        with lock:
            return pipeline.run(chosen, lambda report: _write(app, report, reports))
    finally:
        deployment.discard_plan()


def _has_own_image(environment: Environment) -> bool:
    """Whether its workers run from something else than the image of this project."""
    return environment.emulated or IMAGE_VARIABLE in environment.variables


def _image(app: CloudContext, deployment: Deployment) -> str:
    """Build and push the image, unless the repository has it."""
    environment = deployment.environment
    if environment.emulated:
        digest = selected_digest(app.project_root, environment)
        source = f"image {digest}" if digest else "this Python environment, not from an image"
        return f"the local stack runs the workers from {source}"
    if IMAGE_VARIABLE in environment.variables:
        return f"environment.yaml names {environment.variables[IMAGE_VARIABLE]}"
    with narrated(app) as heard:
        worker = WorkerImage(app.project_root, environment, app.environ, heard)
        if app.options.dry_run:
            there = worker.pushed(deployment.aws)
            outcome = "is in the repository" if there else "would be built and pushed"
            return f"{worker.content.tag} {outcome}"
        result = worker.push(deployment.aws, BuildOptions())
    if result.components_note:
        app.ui.say(f"no list of components is attached: {result.components_note}")
    outcome = "pushed" if result.pushed else "is in the repository"
    later = "; your pipeline deploys it" if deployed_by_pipeline(environment) else ""
    return f"{result.release.tag} {outcome}{later}"


def _smoke(app: CloudContext, environment: str) -> str:
    """Run the smoke test; its clients are opened now, because the apply may have created them."""
    seconds = smoke_seconds(seconds_left())
    report = run_smoke(app, environment, show=False, seconds=seconds)
    probes = report.probes if report else ()
    return ", ".join(f"{probe.queue} {probe.total_ms:.0f} ms" for probe in probes)


def smoke_seconds(left: float | None) -> float:
    """
    Time limit of the jobs of the smoke test: the usual one, or less when --timeout expires before.

    So a job that gets no answer fails as such, with the hop that it did not pass, and not as an
    expired command without a report.

    Args:
        left: Seconds until --timeout expires; None without one.
    """
    if left is None:
        return JOB_SECONDS
    return min(JOB_SECONDS, max(1.0, left - _REPORT_SECONDS))


def _check_formats(reports: Sequence[Path]) -> None:
    """Raise `UsageError` for a report that could not be written at the end."""
    for path in reports:
        if path.suffix not in _FORMATS:
            text = f"unknown format of a report: {path.name}"
            raise UsageError(text, where="--report", next_step="FILE.md or FILE.json")
        if not os.access(path.absolute().parent, os.W_OK):
            text = "the report cannot be written here"
            raise UsageError(
                text, where=str(path), next_step="name a folder that exists and is writable"
            )


def _write(app: CloudContext, report: DeployReport, reports: Sequence[Path]) -> None:
    """Write the report to stdout, to the named files, and to the job summary."""
    if app.ui.output != "json":  # there it is in the last event
        rows = deploy_report.rows(report)
        table = Table(deploy_report.COLUMNS, rows, report.headline)
        app.ui.emit("deploy", deploy_report.document(report), table)
    texts = {path: _text(path, report) for path in reports}
    summary = app.environ.get("GITHUB_STEP_SUMMARY")
    try:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
        if summary:
            with Path(summary).open("a", encoding="utf-8") as page:
                page.write(deploy_report.markdown(report))
    except OSError as error:  # it must not hide what became of the deployment
        app.ui.warn(f"the report was not written: {error}")


def _text(path: Path, report: DeployReport) -> str:
    """Format a report as the file's name says."""
    if path.suffix == ".md":
        return deploy_report.markdown(report)
    return json.dumps(deploy_report.document(report), indent=2) + "\n"
