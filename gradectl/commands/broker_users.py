"""`gradectl broker-users`: passwords of a broker's users, also for a root of one's own."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import click

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.adapters.aws.ecs_models import revision_name
from gradectl.cloud import CloudContext
from gradectl.context import pass_context
from gradectl.deploy.release import deployed_by_pipeline
from gradectl.environment import Environment
from gradectl.errors import CheckFailedError, ConfigurationError, GradectlError, UsageError
from gradectl.monitoring.names import ResourceNames
from gradectl.options import group
from gradectl.rollouts.redeploy import (
    Redeployment,
    WorkerService,
    last_deployed,
    plan_again,
    plan_redeployment,
)
from gradectl.rollouts.rollout import wait_for
from gradectl.secrets.broker_user_changes import ObservedUsers, apply_changes, show_changes
from gradectl.secrets.named_users import (
    NamedUser,
    RootOutputs,
    observe_named_users,
    parse_outputs,
    parse_user,
    unnamed,
)
from gradectl.secrets.rotation import broker_users as users_in_ssm
from gradectl.secrets.rotation import find_broker, is_broker_secret
from gradectl.secrets.stored import observe
from gradectl.ui import Table

_COMMAND = "gradectl broker-users sync"
_WAIT_SECONDS = 600.0
_UNKNOWN_WORKERS = (
    "the outputs do not name the workers; if they stopped before this, deploy them again:"
    " aws ecs update-service --cluster CLUSTER --service SERVICE --force-new-deployment"
)


@dataclass(frozen=True)
class _Target:
    """A broker in an account, the users that it should have, and the workers that use it."""

    aws: Aws
    broker_id: str
    users: tuple[NamedUser, ...]
    workers: WorkerService | None


@group("broker-users", epilog="Example: gradectl broker-users sync dev")
def broker_users() -> None:
    """
    Set the passwords of a broker's users.

    The AWS provider keeps the passwords that it creates a broker with in the Terraform state, in
    clear text. After the sync none of them is valid any more.
    """


@broker_users.command("sync", epilog="Example: gradectl broker-users sync --outputs outputs.json")
@click.argument("environment", required=False, help="An environment in environments/.")
@click.option(
    "--outputs",
    metavar="FILE",
    help="Outputs of a root, from terraform output -json; - for stdin.",
)
@click.option("--broker-id", metavar="ID", help="The broker, with --user.")
@click.option(
    "--user",
    "users",
    multiple=True,
    metavar="NAME=PARAMETER[:GROUP]",
    help="A user, and the SSM parameter of its password; repeatable.",
)
@click.option(
    "--disable",
    multiple=True,
    metavar="NAME",
    help="Give this user a password that is stored nowhere; repeatable.",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="NAME",
    help="Accept that this user keeps its password; repeatable.",
)
@click.option(
    "--service",
    metavar="CLUSTER/SERVICE",
    help="ECS service of the workers, where the outputs do not name it.",
)
@click.option(
    "--wait/--no-wait",
    default=True,
    show_default=True,
    help="Wait until workers that are deployed again are running.",
)
@click.option("--account-id", metavar="ID", help="Refuse credentials of another account.")
@pass_context(CloudContext)
def sync(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str | None,
    *,
    outputs: str | None,
    broker_id: str | None,
    users: tuple[str, ...],
    disable: tuple[str, ...],
    keep: tuple[str, ...],
    service: str | None,
    wait: bool,
    account_id: str | None,
) -> None:
    """
    Give the users of a broker the passwords in SSM, and reboot it when one changed.

    The broker is that of ENVIRONMENT, of the outputs broker_id or broker_arn and broker_users of
    any root, or of --broker-id. Workers that stopped because the broker did not know them yet are
    deployed again: those of ENVIRONMENT, of the outputs cluster_name, service_name and
    task_definition_arn, or of --service. Where another revision runs that ECS did not return to by
    itself, it stays. Exit code 4 when the broker has other users: their passwords may still be
    those in the state.
    """
    target = _target(app, environment, outputs, broker_id, account_id)
    named = (*target.users, *map(parse_user, users), *(NamedUser(name, None) for name in disable))
    if not named:
        text = "no users are named"
        raise UsageError(text, where=_COMMAND, next_step="add --user NAME=PARAMETER")
    observed = observe_named_users(target.aws, target.broker_id, tuple(_last_of_each(named)))
    others = [name for name in unnamed(observed, named) if name not in keep]
    workers = _service(target.aws, service) if service else target.workers
    aws, changed = target.aws, observed.plan.needs_reboot
    again = plan_redeployment(aws, app.ui, workers, users_changed=changed) if workers else None
    rebooted = _sync(app, aws, observed, again)
    try:
        if workers and (rebooted or again) and not app.options.dry_run:
            again = plan_again(aws, app.ui, workers, again, users_changed=changed)
        rollout = again.start(aws, app.ui) if again and not app.options.dry_run else None
        _emit(app, observed, others, again, rebooted=rebooted)
        if rollout and wait:
            wait_for(aws, app.ui, rollout, _WAIT_SECONDS)
    except GradectlError as error:
        _check_others(observed, others, f"\n{error}")
        raise
    if workers is None:
        app.ui.say(_UNKNOWN_WORKERS)
    _check_others(observed, others)


def _check_others(observed: ObservedUsers, others: list[str], also: str = "") -> None:
    """Fail when users have the password that is in the state, and say what else failed."""
    if others:
        raise CheckFailedError(
            f"users with the password that they were created with: {', '.join(others)}{also}",
            where=f"broker {observed.broker.name}",
            next_step="name each with --user NAME=PARAMETER, --disable NAME or --keep NAME",
        )


def _target(
    app: CloudContext,
    environment: str | None,
    outputs: str | None,
    broker_id: str | None,
    account_id: str | None,
) -> _Target:
    """Find the broker by the one way that was named."""
    if sum(each is not None for each in (environment, outputs, broker_id)) != 1:
        text = "name exactly one of ENVIRONMENT, --outputs and --broker-id"
        raise UsageError(text, where=_COMMAND, next_step=f"{_COMMAND} --help")
    if environment:
        return _of_environment(app, environment)
    root = _read(outputs) if outputs else RootOutputs(str(broker_id), ())
    return _of_root(app, replace(root, account_id=account_id or root.account_id))


def _last_of_each(users: tuple[NamedUser, ...]) -> list[NamedUser]:
    """An option overrides the output of the same user."""
    return list({each.name: each for each in users}.values())


def _sync(app: CloudContext, aws: Aws, observed: ObservedUsers, again: Redeployment | None) -> bool:
    """Show the changes, ask, and make those of the users; returns whether the broker rebooted."""
    show_changes(app.ui, observed)
    if again:
        app.ui.say(f"would deploy {again}")
    if app.options.dry_run:
        return False
    if observed.plan.needs_reboot:
        app.ui.confirm(f"Change these users and reboot broker {observed.broker.name}?")
    elif again:
        app.ui.confirm(f"Deploy {again.service.name} again?")
    return apply_changes(aws, app.ui, observed)


def _service(aws: Aws, text: str) -> WorkerService:
    """Parse CLUSTER/SERVICE; the revision that runs is the right one."""
    cluster, slash, name = text.partition("/")
    if not (cluster and slash and name) or "/" in name:
        hint = "write --service exams-grading-cluster/exams-grading-service"
        raise UsageError(f"{text!r} is not CLUSTER/SERVICE", where="--service", next_step=hint)
    found = aws.services.find(cluster, name)
    return WorkerService(cluster, name, found.task_definition if found else "")


def _of_environment(app: CloudContext, name: str) -> _Target:
    """The broker of an environment, and its users whose login SSM has."""
    environment = app.environment(name)
    app.announce(environment)
    aws = app.aws(environment)
    passwords = [
        each.needed
        for each in observe(aws, environment)
        if each.found and is_broker_secret(each.needed)
    ]
    broker_id = find_broker(aws, environment)
    workers = _workers_of(aws, environment)
    return _Target(aws, broker_id, users_in_ssm(aws, environment, passwords), workers)


def _workers_of(aws: Aws, environment: Environment) -> WorkerService:
    """The workers of an environment, with the revision that was deployed last."""
    names = ResourceNames.of(environment)
    pipeline = deployed_by_pipeline(environment)
    wanted = "" if pipeline else last_deployed(aws, names.cluster, names.service)
    return WorkerService(names.cluster, names.service, wanted, environment.name)


def _of_root(app: CloudContext, root: RootOutputs) -> _Target:
    """The broker of a root that gradectl does not know."""
    options = app.options
    region = options.region or root.region or app.environ.get("AWS_REGION")
    region = region or app.environ.get("AWS_DEFAULT_REGION")
    if not region:
        text = "the region of the broker is not known"
        raise ConfigurationError(text, where=_COMMAND, next_step="add --region, or set AWS_REGION")
    settings = AwsSettings(
        region=region,
        account_id=root.account_id or "",
        profile=options.profile,
        endpoint_url=options.endpoint_url,
        dry_run=options.dry_run,
        account_source="--account-id" if root.account_id else "",
    )
    aws = Aws(settings)
    account = aws.check_account().split(":")[4]
    app.ui.say(f"account {account}  region {region}  broker {root.broker_id}", "bold")
    return _Target(aws, root.broker_id, root.users, root.workers)


def _read(path: str) -> RootOutputs:
    """Read the file of `terraform output -json`."""
    where = "standard input" if path == "-" else path
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        document = json.loads(text)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise ConfigurationError(
            f"cannot read the outputs: {reason}",
            where=where,
            next_step="write the file with: terraform output -json",
        ) from None
    return parse_outputs(document, where)


def _emit(
    app: CloudContext,
    observed: ObservedUsers,
    others: list[str],
    again: Redeployment | None,
    *,
    rebooted: bool,
) -> None:
    """Write what was changed."""
    plan = observed.plan
    document = {
        "broker": observed.broker.name,
        "broker_id": observed.broker.broker_id,
        "changed": not app.options.dry_run,
        "create": [user.name for user in plan.create],
        "update": [user.name for user in plan.update],
        "unnamed": others,
        "rebooted": rebooted,
        "redeployed": revision_name(again.task_definition) if again else None,
    }
    rows = [
        *((user.name, "created") for user in plan.create),
        *((user.name, "disabled" if user.disabled else "updated") for user in plan.update),
        *((name, "not named") for name in others),
    ]
    title = f"users of broker {observed.broker.name}" + ("" if rows else ": no changes")
    app.ui.emit("broker-users", document, Table(("user", "change"), rows, title))
