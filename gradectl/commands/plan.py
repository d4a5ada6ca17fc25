"""`gradectl plan`."""

from __future__ import annotations

from pathlib import Path

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import complete_environment, lock_timeout_option
from gradectl.context import pass_context
from gradectl.deploy.deployment import Deployment
from gradectl.environment import Environment
from gradectl.errors import ExitCode, UsageError
from gradectl.options import command
from gradectl.planning import plan_diff, plan_report
from gradectl.planning.gates import Gates, open_gates
from gradectl.planning.plan import Plan
from gradectl.planning.plan_diff import compare
from gradectl.planning.review import (
    deployment_id,
    read_reviewed,
    summarise,
    table,
    write_reviewed,
)
from gradectl.planning.worker_image import has_no_image
from gradectl.secrets.passwords import given_passwords
from gradectl.ui import Table

_FILE = click.Path(path_type=Path, dir_okay=False)


@command("plan", epilog="Example: gradectl plan production --cost --out reviewed.json")
@click.argument(
    "environment",
    required=False,
    shell_complete=complete_environment,
    help="Name of a folder in environments/.",
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit code 2 when anything would change, or when the files of --diff differ.",
)
@click.option(
    "--out",
    type=_FILE,
    help="Write the plan, without secrets, for review and `apply --reviewed`.",
)
@click.option("--cost", is_flag=True, help="Show how the monthly cost is computed.")
@click.option("--enforce", is_flag=True, help="Exit code 5 when the policy refuses the plan.")
@click.option(
    "--diff",
    nargs=2,
    type=_FILE,
    metavar="FILE FILE",
    help="Compare two files of --out instead; needs no account.",
)
@lock_timeout_option
@pass_context(CloudContext)
def plan(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str | None,
    *,
    detailed_exitcode: bool,
    out: Path | None,
    cost: bool,
    enforce: bool,
    diff: tuple[Path, Path] | None,
    lock_timeout: int,
) -> int:
    """
    Show the changes that an apply would make.

    Also shows why a resource is replaced, the monthly cost before and after, and what
    environments/policy.yaml refuses.
    """
    if diff:
        if environment or out or cost or enforce:
            text = "--diff compares two files, and takes neither an environment nor these options"
            raise UsageError(text, next_step="gradectl plan --diff FILE FILE")
        return _diff(app, *diff, detailed_exitcode=detailed_exitcode)
    if not environment:
        raise UsageError("Missing argument 'ENVIRONMENT'.", next_step="gradectl plan --help")
    deployment = Deployment.open(app, environment, lock_timeout_seconds=lock_timeout)
    try:
        found = deployment.plan()
    finally:
        deployment.discard_plan()  # the file has secrets in clear text
    gates = open_gates(app.project_root, deployment.environment, found)
    if out:
        write_reviewed(out, deployment.environment, found, given_passwords(app.environ))
    _show(app, deployment.environment, found, gates, cost=cost)
    if enforce:
        gates.enforce()
    app.ui.say(_next(deployment.environment, found, out))
    return ExitCode.CHANGES if detailed_exitcode and not found.empty else ExitCode.OK


def _next(about: Environment, found: Plan, out: Path | None) -> str:
    """What to do with the plan."""
    if has_no_image(found) and not about.emulated:
        return f"no image of the workers was pushed; next: gradectl image push {about.name}"
    reviewed = f" --reviewed {out}" if out else ""
    return "up to date" if found.empty else f"next: gradectl apply {about.name}{reviewed}"


def _show(app: CloudContext, about: Environment, found: Plan, gates: Gates, *, cost: bool) -> None:
    """Write the plan to stdout and the job summary, and what the gates found."""
    summarise(app, f"Plan of {about.name}", about, found, gates.markdown)
    document = {**deployment_id(about), **plan_report.document(found), **gates.document}
    if cost:
        app.ui.say_table(table(found))
    app.ui.emit("plan", document, gates.cost_table if cost else table(found))
    for line in plan_report.replacements(found):
        app.ui.say(line)
    gates.show(app.ui)


def _diff(app: CloudContext, first: Path, second: Path, *, detailed_exitcode: bool) -> int:
    """Compare two reviewed plans."""
    found = compare(read_reviewed(first), read_reviewed(second))
    rows = [(each.sign, each.address, each.text) for each in found.differences]
    equal = "equal but for what cannot be compared" if found.incomparable else "equal"
    title = f"{len(rows)} differences" if rows else f"the plans are {equal}"
    document = {
        "equal": not rows,
        "differences": [
            {"sign": each.sign, "address": each.address, "text": each.text}
            for each in found.differences
        ],
        "incomparable": list(found.incomparable),
    }
    app.ui.emit("plan-diff", document, Table(plan_diff.COLUMNS, rows, title=title))
    if found.incomparable:
        listed = ", ".join(found.incomparable)
        app.ui.say(f"sensitive values of two files cannot be compared: {listed}")
    return ExitCode.CHANGES if detailed_exitcode and rows else ExitCode.OK
