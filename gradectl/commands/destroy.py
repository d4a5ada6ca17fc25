"""`gradectl destroy`."""

from __future__ import annotations

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument, lock_timeout_option
from gradectl.context import pass_context
from gradectl.deploy import plan_report
from gradectl.deploy.deployment import Deployment
from gradectl.deploy.review import deployment_id, summarise, table
from gradectl.options import command
from gradectl.ui import Table


@command("destroy", epilog="Example: gradectl destroy dev --confirm dev")
@environment_argument
@click.option("--confirm", metavar="NAME", help="Name of the environment, instead of typing it.")
@lock_timeout_option
@pass_context(CloudContext)
def destroy(app: CloudContext, environment: str, *, confirm: str | None, lock_timeout: int) -> None:
    """Delete all resources of an environment."""
    deployment = Deployment.open(app, environment, lock_timeout_seconds=lock_timeout)
    try:
        plan = deployment.plan(destroy=True)
        app.ui.say_table(table(plan))
        act = not (app.options.dry_run or plan.empty)
        if act:
            question = f"All resources of {environment} are deleted, with all data."
            app.ui.confirm_name(question, environment, confirm)
            deployment.apply()
            summarise(app, f"Destroyed {environment}", deployment.environment, plan)
    finally:
        deployment.discard_plan()
    document = {
        **deployment_id(deployment.environment),
        "destroyed": act,
        **plan_report.document(plan),
    }
    title = f"destroyed: {plan.outcome}" if act else f"not destroyed: {plan.headline}"
    app.ui.emit("destroy", document, Table((), (), title=title))
    app.ui.say(
        "the state bucket and the image repository remain: "
        "delete their CloudFormation stack when you no longer need them"
    )
