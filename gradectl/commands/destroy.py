"""`gradectl destroy`."""

from __future__ import annotations

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument, lock_timeout_option
from gradectl.context import pass_context
from gradectl.deploy import plan_report
from gradectl.deploy.deployment import Deployment
from gradectl.deploy.keeping import fates, kept_buckets, protected
from gradectl.deploy.plan import Plan
from gradectl.deploy.review import deployment_id, summarise, table
from gradectl.errors import RefusedError
from gradectl.options import command
from gradectl.ui import Table


@command("destroy", epilog="Example: gradectl destroy dev --confirm dev")
@environment_argument
@click.option("--confirm", metavar="NAME", help="Name of the environment, instead of typing it.")
@lock_timeout_option
@pass_context(CloudContext)
def destroy(app: CloudContext, environment: str, *, confirm: str | None, lock_timeout: int) -> None:
    """
    Delete all resources of an environment.

    Says first whose data remains (a final snapshot of the database) and whose is lost. Refuses,
    before anything is deleted, what AWS would refuse in the middle: a protected database or load
    balancer, and a bucket with files that is not disposable.
    """
    deployment = Deployment.open(app, environment, lock_timeout_seconds=lock_timeout)
    try:
        plan = deployment.plan(destroy=True)
        app.ui.say_table(table(plan))
        for fate in fates(plan):
            app.ui.say(f"{'kept' if fate.kept else 'LOST'}: {fate.address}: {fate.text}")
        _check_deletable(deployment, plan)
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
        "data": [
            {"address": fate.address, "kept": fate.kept, "text": fate.text} for fate in fates(plan)
        ],
    }
    title = f"destroyed: {plan.outcome}" if act else f"not destroyed: {plan.headline}"
    app.ui.emit("destroy", document, Table((), (), title=title))
    app.ui.say(
        "the state bucket and the image repository remain: "
        "delete their CloudFormation stack when you no longer need them"
    )


def _check_deletable(deployment: Deployment, plan: Plan) -> None:
    """
    Check that AWS will delete everything, so that no half of an environment remains.

    Raises:
        RefusedError: Something is protected, or a bucket has files.
    """
    buckets = deployment.aws.buckets
    problems = protected(plan) + [
        f"{address}: s3://{name} has files or old versions of files"
        for address, name in kept_buckets(plan)
        if not buckets.empty(name)
    ]
    if problems:
        name = deployment.environment.name
        raise RefusedError(
            "\n".join(["these resources are protected; nothing was deleted", *problems]),
            where=name,
            next_step="save the data, set enable_data_protection: false, render and apply, "
            f"then: gradectl destroy {name}",
        )
