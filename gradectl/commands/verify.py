"""`gradectl verify`."""

from __future__ import annotations

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.context import pass_context
from gradectl.deploy.verify.results import COLUMNS, document, rows
from gradectl.deploy.verify.runner import require_verified
from gradectl.deploy.verify.runner import verify as run_checks
from gradectl.options import command
from gradectl.planning.review import deployment_id
from gradectl.ui import Table


@command("verify", epilog="Example: gradectl verify production --output json")
@environment_argument
@pass_context(CloudContext)
def verify(app: CloudContext, environment: str) -> None:
    """
    Check account, quotas, image, parameters and network before a deployment.

    Before the first apply it checks what exists together with what apply will create, such as a
    new endpoint in an existing VPC. It only reads. Exit code 4 when a check fails.
    """
    found = app.declared_environment(environment)
    app.announce(found)
    report = run_checks(app, found)
    table = Table(COLUMNS, rows(report.results), report.headline)
    app.ui.emit("verify", {**deployment_id(found), **document(report)}, table)
    require_verified(report, environment)
    app.ui.say(f"next: gradectl plan {environment}")
