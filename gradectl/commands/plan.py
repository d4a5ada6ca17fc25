"""`gradectl plan`."""

from __future__ import annotations

from pathlib import Path

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument, lock_timeout_option
from gradectl.context import pass_context
from gradectl.deploy import plan_report
from gradectl.deploy.deployment import Deployment
from gradectl.deploy.review import deployment_id, summarise, table, write_reviewed
from gradectl.errors import ExitCode
from gradectl.options import command


@command("plan", epilog="Example: gradectl plan production --out reviewed.json")
@environment_argument
@click.option("--detailed-exitcode", is_flag=True, help="Exit code 2 when anything would change.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan, without secrets, for review and `apply --reviewed`.",
)
@lock_timeout_option
@pass_context(CloudContext)
def plan(
    app: CloudContext,
    environment: str,
    *,
    detailed_exitcode: bool,
    out: Path | None,
    lock_timeout: int,
) -> int:
    """Show the changes that an apply would make."""
    deployment = Deployment.open(app, environment, lock_timeout_seconds=lock_timeout)
    try:
        found = deployment.plan()
    finally:
        deployment.discard_plan()  # the file has secrets in clear text
    about = deployment.environment
    if out:
        write_reviewed(out, about, found)
    summarise(app, f"Plan of {environment}", about, found)
    app.ui.emit("plan", {**deployment_id(about), **plan_report.document(found)}, table(found))
    reviewed = f" --reviewed {out}" if out else ""
    app.ui.say(f"next: gradectl apply {environment}{reviewed}" if not found.empty else "up to date")
    return ExitCode.CHANGES if detailed_exitcode and not found.empty else ExitCode.OK
