"""`gradectl destroy`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument, lock_timeout_option
from gradectl.context import pass_context
from gradectl.deploy.deployment import Deployment
from gradectl.deploy.saving import (
    check_new,
    deleted_buckets,
    deleted_databases,
    not_exported,
    save_bucket,
    snapshot_name,
)
from gradectl.errors import RefusedError
from gradectl.monitoring.names import ResourceNames
from gradectl.options import command
from gradectl.planning import plan_report
from gradectl.planning.keeping import fates, kept_buckets, protected
from gradectl.planning.plan import Plan
from gradectl.planning.review import deployment_id, summarise, table
from gradectl.rollouts.pausing import Pausing
from gradectl.secrets.api_keys import delete_keys
from gradectl.ui import Table


@command("destroy", epilog="Example: gradectl destroy dev --confirm dev")
@environment_argument
@click.option("--confirm", metavar="NAME", help="Name of the environment, instead of typing it.")
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Copy the files of each deleted bucket to a new folder in DIR first: their current"
    " versions, without old ones and deleted files.",
)
@click.option(
    "--snapshot",
    is_flag=True,
    help="Take a snapshot of each database first that has no final snapshot.",
)
@lock_timeout_option
@pass_context(CloudContext)
def destroy(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str,
    *,
    confirm: str | None,
    folder: Path | None,
    snapshot: bool,
    lock_timeout: int,
) -> None:
    """
    Delete all resources of an environment.

    Says first whose data remains (a final snapshot of the database) and whose is lost, and how to
    keep it: --snapshot and --export. Refuses, before anything is deleted, what AWS would refuse in
    the middle: a protected database or load balancer, a bucket with files that is not disposable,
    and a final snapshot whose name is taken.
    """
    deployment = Deployment.open(app, environment, lock_timeout_seconds=lock_timeout)
    saved: list[str] = []
    try:
        plan = deployment.plan(destroy=True)
        app.ui.say_table(table(plan))
        for fate in fates(plan):
            app.ui.say(f"{'kept' if fate.kept else 'LOST'}: {fate.address}: {fate.text}")
        _check_deletable(deployment, plan)
        saving = _Saving(folder, snapshot)
        _say_saving(deployment, plan, saving)
        act = not (app.options.dry_run or plan.empty)
        if act:
            question = f"All resources of {environment} are deleted, with all data."
            app.ui.confirm_name(question, environment, confirm)
            saved = _save(deployment, plan, saving)
            _destroy(deployment, plan)
    finally:
        deployment.discard_plan()
    document = {
        **deployment_id(deployment.environment),
        "destroyed": act,
        **plan_report.document(plan),
        "data": [
            {"address": fate.address, "kept": fate.kept, "text": fate.text} for fate in fates(plan)
        ],
        "saved": saved,
    }
    title = f"destroyed: {plan.outcome}" if act else f"not destroyed: {plan.headline}"
    app.ui.emit("destroy", document, Table((), (), title=title))
    app.ui.say(
        "the state bucket and the image repository remain: "
        "delete their CloudFormation stack when you no longer need them"
    )


@dataclass(frozen=True)
class _Saving:
    """What is saved first: files to a folder, and databases to snapshots."""

    folder: Path | None
    snapshot: bool


def _say_saving(deployment: Deployment, plan: Plan, saving: _Saving) -> None:
    """Say what is saved first, and how to save the rest; reads only."""
    ui = deployment.app.ui
    buckets = deleted_buckets(plan)
    databases = deleted_databases(plan, without_snapshot=True)
    if saving.folder:
        check_new(saving.folder, buckets)
        for bucket in buckets:
            ui.say(
                f"the current files of s3://{bucket} are copied to {saving.folder / bucket} first"
            )
            if lost := not_exported(deployment.aws.buckets, bucket):
                ui.say(lost, "yellow")
    elif any(not deployment.aws.buckets.empty(bucket) for bucket in buckets):
        ui.say("to keep a copy of the files: --export DIR", "yellow")
    for identifier in databases:
        text = "a snapshot is taken first" if saving.snapshot else "to keep its rows: --snapshot"
        ui.say(f"{identifier}: {text}", "" if saving.snapshot else "yellow")


def _save(deployment: Deployment, plan: Plan, saving: _Saving) -> list[str]:
    """Export and take snapshots; returns where the data is. An error ends the destroy."""
    ui, aws = deployment.app.ui, deployment.aws
    saved = []
    for bucket in deleted_buckets(plan) if saving.folder else ():
        done = save_bucket(aws.buckets, bucket, saving.folder or Path())
        ui.say(f"{done.files} files of s3://{bucket} are in {done.folder} ({done.bytes} bytes)")
        saved.append(str(done.folder))
    for identifier in deleted_databases(plan, without_snapshot=True) if saving.snapshot else ():
        name = snapshot_name(identifier, datetime.now(UTC))
        ui.say(f"taking the snapshot {name} of {identifier}")
        aws.databases.take_snapshot(identifier, name)
        saved.append(name)
    return saved


def _destroy(deployment: Deployment, plan: Plan) -> None:
    """Delete everything, and what Terraform does not know: an environment made anew is running."""
    environment = deployment.environment
    deployment.apply()
    summarise(deployment.app, f"Destroyed {environment.name}", environment, plan)
    Pausing(deployment.aws, ResourceNames.of(environment)).forget()
    if count := delete_keys(deployment.aws, environment):
        deployment.app.ui.say(f"keys of the API that were deleted: {count}")


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
    problems += [
        f"{database}: its final snapshot {name} exists already, from an earlier destroy"
        for database, name in deleted_databases(plan).items()
        if name and deployment.aws.databases.snapshot_exists(name)
    ]
    if problems:
        name = deployment.environment.name
        raise RefusedError(
            "\n".join(["these resources are protected; nothing was deleted", *problems]),
            where=name,
            next_step="set enable_data_protection: false, render and apply; copy or delete an old"
            " final snapshot, or set db_enable_final_snapshot: false; then:"
            f" gradectl destroy {name} --snapshot --export DIR",
        )
