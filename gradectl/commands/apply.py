"""`gradectl apply`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument, lock_timeout_option
from gradectl.context import pass_context
from gradectl.deploy import plan_report
from gradectl.deploy.broker_users import sync_broker_users
from gradectl.deploy.deployment import Deployment
from gradectl.deploy.plan import Plan, read
from gradectl.deploy.review import check_reviewed, deployment_id, summarise, table
from gradectl.deploy.rollout import redeploy_failed, wait_until_stable
from gradectl.options import command
from gradectl.ui import Table

_WAIT_SECONDS = 600.0


@command("apply", epilog="Example: gradectl apply production --reviewed reviewed.json")
@environment_argument
@click.option(
    "--reviewed",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Go on only when nothing differs from this plan; then nothing is asked.",
)
@click.option("--confirm", metavar="NAME", help="The environment's name, when data would be lost.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until workers run.")
@lock_timeout_option
@pass_context(CloudContext)
def apply(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str,
    *,
    reviewed: Path | None,
    confirm: str | None,
    wait: bool,
    lock_timeout: int,
) -> None:
    """Bring an environment to what its files say."""
    deployment = Deployment.open(app, environment, lock_timeout_seconds=lock_timeout)
    try:
        document = deployment.plan()
        plan = read(document)
        app.ui.say_table(table(plan))
        if reviewed:
            check_reviewed(reviewed, deployment.environment, document)
        if app.options.dry_run:
            _tell(deployment, plan, applied=False)
            return
        if not (reviewed or plan.empty):
            _ask(app, environment, plan, confirm)
        outputs = deployment.outputs() if plan.empty else deployment.apply()
    finally:
        deployment.discard_plan()
    summarise(app, f"Applied to {environment}", deployment.environment, plan)
    sync_broker_users(deployment.aws, app.ui, environment, outputs)
    redeploy_failed(deployment.aws, app.ui, outputs)
    if wait:
        wait_until_stable(deployment.aws, app.ui, outputs, _WAIT_SECONDS)
    _tell(deployment, plan, applied=True, outputs=outputs)
    app.ui.say(f"next: gradectl smoke {environment}")


def _ask(app: CloudContext, environment: str, plan: Plan, confirm: str | None) -> None:
    """Ask for a yes, or for the name where data would be lost."""
    if plan.losses:
        lost = "\n".join(f"  {change.address}" for change in plan.losses)
        question = f"The data of these is lost, and cannot be brought back:\n{lost}"
        app.ui.confirm_name(question, environment, confirm)
    else:
        app.ui.confirm(f"Do this to {environment}?")


def _tell(
    deployment: Deployment, plan: Plan, *, applied: bool, outputs: dict[str, Any] | None = None
) -> None:
    """Give the result on stdout."""
    document = {
        **deployment_id(deployment.environment),
        "applied": applied,
        **plan_report.document(plan),
        "outputs": outputs or {},
    }
    rows = plan_report.output_rows(outputs or {})
    title = f"applied: {plan.outcome}" if applied else f"not applied: {plan.headline}"
    deployment.app.ui.emit("apply", document, Table(["output", "value"], rows, title=title))
