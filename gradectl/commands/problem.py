"""`gradectl problem`: verify problems and upload them."""

from __future__ import annotations

from pathlib import Path

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.commands.problem_verify import verify_problem
from gradectl.context import pass_context
from gradectl.options import group
from gradectl.problems.package import ProblemPackage, describe, read_problem
from gradectl.problems.upload import PushPlan, plan_push, push
from gradectl.target import select_environment
from gradectl.ui import Table
from grader.ports.stores import ObjectStore


@group("problem", epilog="Example: gradectl problem push examples/problems/sum")
def problem() -> None:
    """Verify problems and upload them with their test cases."""


problem.add_command(verify_problem)


@problem.command("push", epilog="Example: gradectl problem push examples/problems/sum")
@click.argument(
    "directory",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of one problem.",
)
@environment_option
@click.option("--id", "problem_id", metavar="NAME", help="Problem id; default: the folder's name.")
@pass_context(CloudContext)
def push_problem(
    app: CloudContext, directory: Path, *, environment: str | None, problem_id: str | None
) -> None:
    """
    Upload the problem in DIRECTORY with its test cases.

    DIRECTORY contains description.md and testcases/, or is a Kattis problem package. A test case is
    NAME.in with NAME.ans or NAME.out; subfolders are groups. Only changed files are uploaded. Files
    of the problem that DIRECTORY no longer has are deleted from the bucket.
    """
    found = read_problem(directory, problem_id)
    for warning in found.warnings:
        app.ui.warn(warning)
    target = select_environment(app, environment)
    app.announce(target.environment)
    plan = plan_push(target.objects, found)
    if not app.options.dry_run:
        _push(target.objects, app, found, plan)
    document = {
        "environment": target.name,
        "problem_id": found.problem_id,
        **describe(found),
        "dry_run": app.options.dry_run,
        "uploaded": list(plan.upload),
        "unchanged": list(plan.unchanged),
        "removed": list(plan.remove),
    }
    app.ui.emit("problem-push", document, _table(found, plan, dry_run=app.options.dry_run))
    example = f"gradectl submit -e {target.name} --problem {found.problem_id} --language python"
    app.ui.say(f"next: {example} FILE")


def _push(store: ObjectStore, app: CloudContext, found: ProblemPackage, plan: PushPlan) -> None:
    """Upload, and show how far it is."""
    with app.ui.live() as show:
        push(store, found, plan, lambda n: show([f"uploaded {n} of {len(plan.upload)} files"]))


def _table(found: ProblemPackage, plan: PushPlan, *, dry_run: bool) -> Table:
    """Sum up."""
    would = "would be " if dry_run else ""
    columns = [
        "problem",
        "layout",
        "checker",
        "cases",
        f"{would}uploaded",
        "unchanged",
        f"{would}removed",
    ]
    counts = (len(plan.upload), len(plan.unchanged), len(plan.remove))
    what = describe(found)
    return Table(
        columns,
        [[found.problem_id, what["layout"], what["checker"], _cases(found), *counts]],
    )


def _cases(found: ProblemPackage) -> str:
    groups = len(found.content.groups) - 1
    return f"{found.cases} in {groups} groups" if groups else str(found.cases)
