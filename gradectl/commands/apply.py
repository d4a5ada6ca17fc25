"""`gradectl apply`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import (
    allow_loss_option,
    confirm_option,
    environment_argument,
    lock_timeout_option,
    reviewed_option,
)
from gradectl.context import pass_context
from gradectl.deploy.deploy_steps import api_outputs, wait_for_services
from gradectl.deploy.deployment import Deployment
from gradectl.monitoring.names import ResourceNames
from gradectl.options import command
from gradectl.planning import plan_report
from gradectl.planning.gate import confirm_changes
from gradectl.planning.gates import Gates, open_gates
from gradectl.planning.plan import Plan
from gradectl.planning.review import check_reviewed, deployment_id, summarise, table
from gradectl.planning.worker_image import require_image
from gradectl.rollouts.redeploy import redeploy_failed
from gradectl.rollouts.rollout import say_way_back
from gradectl.secrets.broker_users import preview_broker_users, sync_broker_users
from gradectl.secrets.passwords import given_passwords
from gradectl.secrets.redis_token import preview_redis_token, sync_redis_token
from gradectl.ui import Table


@command("apply", epilog="Example: gradectl apply production --reviewed reviewed.json")
@environment_argument
@reviewed_option
@confirm_option
@allow_loss_option
@click.option(
    "--wait/--no-wait", default=True, show_default=True, help="Wait until the workers are running."
)
@lock_timeout_option
@pass_context(CloudContext)
def apply(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str,
    *,
    reviewed: Path | None,
    confirm: str | None,
    allow_loss: tuple[str, ...],
    wait: bool,
    lock_timeout: int,
) -> None:
    """
    Apply the files of an environment to its AWS account.

    What environments/policy.yaml refuses is not applied (exit code 5). Terraform's changes are
    shown first and must be confirmed. Then the broker's users and Redis get the passwords in SSM,
    and the broker reboots when a user changed. With --dry-run it shows both kinds of changes and
    makes none.
    """
    deployment = Deployment.open(app, environment, lock_timeout_seconds=lock_timeout)
    try:
        plan = deployment.plan()
        app.ui.say_table(table(plan))
        gates = open_gates(app.project_root, deployment.environment, plan, allow_loss)
        _show_gates(app, plan, gates)
        if reviewed:
            check_reviewed(reviewed, deployment.environment, plan, given_passwords(app.environ))
        gates.enforce()
        require_image(plan, environment, emulated=deployment.environment.emulated)
        if app.options.dry_run:
            users = preview_broker_users(deployment.aws, app.ui, environment, plan)
            preview_redis_token(deployment.aws, app.ui, plan)
            preview = {} if users is None else {"broker_users": users}
            _emit(deployment, plan, {**gates.document, **preview}, applied=False)
            return
        if not (reviewed or plan.empty):
            confirm_changes(app.ui, environment, plan, confirm)
        if not plan.empty:
            names = ResourceNames.of(deployment.environment)
            say_way_back(deployment.aws, app.ui, names.cluster, names.service, names.container)
        outputs = deployment.outputs() if plan.empty else deployment.apply()
    finally:
        deployment.discard_plan()
    summarise(app, f"Applied to {environment}", deployment.environment, plan, gates.markdown)
    sync_broker_users(deployment.aws, app.ui, environment, outputs)
    sync_redis_token(deployment.aws, app.ui, outputs)
    for each in (outputs, api_outputs(outputs)):
        redeploy_failed(deployment.aws, app.ui, each)
    if wait:
        wait_for_services(deployment, outputs)
    _emit(deployment, plan, gates.document, applied=True, outputs=outputs)
    app.ui.say(f"next: gradectl smoke {environment}")


def _show_gates(app: CloudContext, plan: Plan, gates: Gates) -> None:
    """Print why resources are replaced, the monthly cost, and what the policy refuses."""
    for line in plan_report.replacements(plan):
        app.ui.say(line)
    gates.show(app.ui)


def _emit(
    deployment: Deployment,
    plan: Plan,
    more: Mapping[str, Any],
    *,
    applied: bool,
    outputs: Mapping[str, Any] | None = None,
) -> None:
    """Write the result to stdout; `more` is what the gates and a dry run found."""
    document = {
        **deployment_id(deployment.environment),
        "applied": applied,
        **plan_report.document(plan),
        **more,
        "outputs": outputs or {},
    }
    rows = plan_report.output_rows(outputs or {})
    title = f"applied: {plan.outcome}" if applied else f"not applied: {plan.headline}"
    deployment.app.ui.emit("apply", document, Table(["output", "value"], rows, title=title))
