"""`gradectl recover`."""

from __future__ import annotations

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument, lock_timeout_option
from gradectl.context import pass_context
from gradectl.deploy.deployment import Deployment
from gradectl.deploy.recovery import plan_recovery
from gradectl.deploy.recovery import recover as carry_out
from gradectl.options import command
from gradectl.planning.review import deployment_id
from gradectl.ui import Table


@command(
    "recover", epilog="Example: gradectl recover dev --lock 7b2c9a1e-5d3f-4c8a-9e21-0f6b8d4a7c35"
)
@environment_argument
@click.option(
    "--lock", "lock_id", metavar="ID", help="State lock to release: that of a run that has ended."
)
@lock_timeout_option
@pass_context(CloudContext)
def recover(app: CloudContext, environment: str, *, lock_id: str | None, lock_timeout: int) -> None:
    """
    Clean up after a run of Terraform that was killed.

    Releases the state lock with this ID, which the errors of other commands name, stores a state
    that could not be uploaded, and imports resources that were created but not recorded. Refuses
    while that Terraform still runs on this machine. Does nothing when nothing is left.
    """
    deployment = Deployment.open(app, environment, lock_timeout_seconds=lock_timeout)
    recovery = plan_recovery(deployment, lock_id)
    for step in recovery.steps:
        app.ui.say(f"to do: {step}")
    imported: list[str] = []
    act = bool(recovery.steps) and not app.options.dry_run
    if act:
        if any(path.parent == deployment.settings.directory for path in recovery.states):
            app.ui.confirm(f"Was {environment} the environment that was applied last?")
        imported = carry_out(deployment, recovery)
    document = {
        **deployment_id(deployment.environment),
        "recovered": act,
        "lock": recovery.lock.id if recovery.lock else None,
        "states": [str(path) for path in recovery.states],
        "imported": imported,
    }
    title = "recovered" if act else ("not recovered" if recovery.steps else "nothing to recover")
    app.ui.emit("recover", document, Table((), (), title=title))
    app.ui.say(f"next: gradectl apply {environment}")
