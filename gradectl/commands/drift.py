"""`gradectl drift`."""

from __future__ import annotations

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument, lock_timeout_option
from gradectl.context import pass_context
from gradectl.deploy.deployment import Deployment
from gradectl.errors import ExitCode
from gradectl.options import command
from gradectl.planning.drift import COLUMNS, document, drift_of, headline, markdown, rows
from gradectl.planning.policy_file import WHERE, read_policy
from gradectl.planning.review import append_summary, deployment_id
from gradectl.ui import Table


@command("drift", epilog="Example: gradectl drift production --output json")
@environment_argument
@lock_timeout_option
@pass_context(CloudContext)
def drift(app: CloudContext, environment: str, *, lock_timeout: int) -> int:
    """
    Compare an environment with its account.

    Exit code 2 when something was changed outside of Terraform since the last apply. What
    autoscaling, its schedules and gradectl itself change is expected, and so is what
    environments/policy.yaml lists under ignore_drift. Changes nothing, also not the state.
    """
    policy = read_policy(app.project_root, environment)
    deployment = Deployment.open(app, environment, lock_timeout_seconds=lock_timeout)
    try:
        plan = deployment.plan(refresh_only=True)
    finally:
        deployment.discard_plan()
    found = drift_of(plan, policy.ignored_drift if policy else ())
    about = deployment.environment
    append_summary(app, markdown(f"Drift of {environment}", found))
    table = Table(COLUMNS, rows(found), title=headline(found))
    app.ui.emit("drift", {**deployment_id(about), **document(found)}, table)
    if found.found:
        app.ui.say(
            f"next: gradectl plan {environment} shows how an apply would undo it; "
            f"if it is expected, add it to ignore_drift in {WHERE}"
        )
    return ExitCode.CHANGES if found.found else ExitCode.OK
