"""Sets the broker's users after an apply: passwords, groups, and one reboot for all changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.brokers import MqBroker
from gradectl.adapters.aws.models import KnownUser
from gradectl.deploy.broker_user_plan import (
    UserPlan,
    WantedUser,
    group_of,
    groups_of,
    plan_users,
    recorded_version,
)
from gradectl.deploy.plan import Action, Plan
from gradectl.deploy.polling import pauses
from gradectl.errors import GradectlError
from gradectl.ui import Ui
from grader.contract.names import parameter_name

_REBOOT_SECONDS = 900.0  # Amazon states five minutes
_ENGINE = "ACTIVEMQ"
_PARAMETER = "aws_ssm_parameter"
_REWRITTEN = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE})


@dataclass(frozen=True)
class _Observed:
    """A broker with its users, and the changes that it needs."""

    broker: MqBroker
    known: Mapping[str, KnownUser]
    plan: UserPlan


def sync_broker_users(aws: Aws, ui: Ui, environment_name: str, outputs: Mapping[str, Any]) -> bool:
    """
    Give the broker the users of the root, with their passwords from SSM.

    Terraform's state contains the password that it gives to a broker in clear text. So Terraform
    sets a random one, and this function sets the real one, followed by the reboot that applies it.
    Users whose password and group are right are not changed.

    Args:
        aws: The account.
        ui: The terminal.
        environment_name: The environment.
        outputs: Outputs of the root. `broker_users` maps each user to the SSM parameter of its
            password; a root without it has only the admin, and no user is deleted.

    Returns:
        Whether the broker was rebooted.

    Raises:
        GradectlError: The broker was not running in time after the reboot.
        ConfigurationError: `broker_users` contains something other than password parameters.
    """
    observed = _observe(aws, ui, environment_name, outputs)
    if observed is None:
        return False
    broker, plan = observed.broker, observed.plan
    _execute(aws, ui, observed)
    if plan.needs_reboot:
        ui.say(f"rebooting broker {broker.name} to apply the changes")
        aws.brokers.reboot(broker)
        _await_broker(aws, broker)
    if plan.set_tags:
        aws.brokers.tag(broker, plan.set_tags)
    if plan.drop_tags:
        aws.brokers.untag(broker, plan.drop_tags)
    return plan.needs_reboot


def preview_broker_users(
    aws: Aws, ui: Ui, environment_name: str, plan: Plan
) -> dict[str, Any] | None:
    """
    Show how an apply would change the broker's users; reads only.

    Args:
        aws: The account.
        ui: The terminal.
        environment_name: The environment.
        plan: Terraform's plan. A user whose password parameter it writes is shown as an update,
            although the apply skips a user whose password turns out to be the same.

    Returns:
        The document for programs; None when no users are managed.
    """
    outputs = plan.planned_outputs
    if "broker_id" in plan.unknown_outputs:
        names = sorted(outputs.get("broker_users") or ())
        users = f"sets its users: {_listed(names)}" if names else "sets its users"
        ui.say(f"broker users: the broker does not exist yet; after creating it, apply {users}")
        return _document(exists=False, create=names, reboot=True)
    if "broker_users" in plan.unknown_outputs:
        ui.say("broker users: known only after Terraform's changes")
        return None
    rewritten = {
        change.after.get("name")
        for change in plan.changes
        if change.kind == _PARAMETER and change.action in _REWRITTEN
    }
    observed = _observe(aws, ui, environment_name, outputs, rewritten)
    if observed is None:
        return None
    for verb, _, text in _steps(observed):
        ui.say(f"would {verb} {text}")
    if observed.plan.needs_reboot:
        ui.say(f"would reboot broker {observed.broker.name} to apply the changes")
    else:
        ui.say(f"broker users: no changes on broker {observed.broker.name}")
    changes = observed.plan
    return _document(
        exists=True,
        create=[user.name for user in changes.create],
        update=[user.name for user in changes.update],
        delete=changes.delete,
        unmanaged=changes.unmanaged,
        reboot=changes.needs_reboot,
    )


def _document(*, exists: bool, reboot: bool, **users: Sequence[str]) -> dict[str, Any]:
    """The document for programs; `users` are names by action."""
    actions = ("create", "update", "delete", "unmanaged")
    names = {action: list(users.get(action, ())) for action in actions}
    return {"broker_exists": exists, **names, "reboot": reboot}


def _observe(
    aws: Aws,
    ui: Ui,
    environment_name: str,
    outputs: Mapping[str, Any],
    rewritten: Collection[str] = (),
) -> _Observed | None:
    """
    Read the broker and plan its changes; None when there are no users to manage.

    Args:
        aws: The account.
        ui: The terminal.
        environment_name: The environment.
        outputs: Outputs of the root.
        rewritten: SSM parameters that an apply would still write.
    """
    if not outputs.get("broker_id"):
        return None
    broker = aws.brokers.get(outputs["broker_id"])
    if broker.engine != _ENGINE:
        ui.warn(f"Amazon MQ cannot change users of {broker.engine}: set them in its own console")
        return None
    named = outputs.get("broker_users")
    parameters = named if named is not None else _admin_alone(aws, environment_name)
    wanted = [
        _wanted(aws, broker, name, parameter, grouped=named is not None, pending=rewritten)
        for name, parameter in parameters.items()
    ]
    known = aws.brokers.users(broker)
    plan = plan_users(wanted, known, broker.tags, complete=named is not None)
    if plan.unmanaged:
        ui.say(f"users not created by gradectl stay unchanged: {_listed(plan.unmanaged)}")
    return _Observed(broker, known, plan)


def _admin_alone(aws: Aws, environment_name: str) -> dict[str, str]:
    """The only user of a root without the output `broker_users`, with its parameter."""
    name = parameter_name(environment_name, "mq", "username")
    return {aws.parameters([name])[name]: parameter_name(environment_name, "mq", "password")}


def _wanted(  # noqa: PLR0913 - flags of one user
    aws: Aws,
    broker: MqBroker,
    name: str,
    parameter: str,
    *,
    grouped: bool,
    pending: Collection[str],
) -> WantedUser:
    """Compare a user's password parameter with the version that the broker has."""
    group = group_of(parameter) if grouped else None
    if parameter in pending:
        return WantedUser(name, parameter, 0, group)
    version = aws.parameter_version(parameter)
    user = WantedUser(name, parameter, version, group)
    recorded = recorded_version(user, broker.tags)
    if recorded == version or (recorded is not None and _same(aws, parameter, recorded, version)):
        return WantedUser(name, parameter, version, group, changed=False)
    return user


def _same(aws: Aws, parameter: str, recorded: int, version: int) -> bool:
    """Whether two versions have the same value: a rewritten parameter may be unchanged."""
    before = aws.parameter_at(parameter, recorded)
    return before is not None and before == aws.parameter_at(parameter, version)


def _steps(observed: _Observed) -> list[tuple[str, str, str]]:
    """The changes of users as text: verb, its -ing form, and the rest of the sentence."""
    broker, known, plan = observed.broker.name, observed.known, observed.plan
    steps = []
    for user in plan.create:
        details = _details(groups_of(user, None))
        steps.append(("create", "creating", f"user {user.name} of broker {broker}{details}"))
    for user in plan.update:
        has = known[user.name]
        groups = groups_of(user, has)
        details = _details(groups if groups != has.groups else frozenset(), user.changed)
        steps.append(("update", "updating", f"user {user.name} of broker {broker}{details}"))
    for name in plan.delete:
        text = f"user {name} of broker {broker}: no longer in the output broker_users"
        steps.append(("delete", "deleting", text))
    return steps


def _details(groups: frozenset[str], password: bool = False) -> str:
    """What changes of a user, after a colon."""
    parts = ["password"] if password else []
    if groups:
        parts.append(f"group {_listed(sorted(groups))}")
    return f": {', '.join(parts)}" if parts else ""


def _execute(aws: Aws, ui: Ui, observed: _Observed) -> None:
    """Create, update and delete users; all of it takes effect after the reboot."""
    broker, known, plan = observed.broker, observed.known, observed.plan
    passwords = aws.parameters([user.parameter for user in (*plan.create, *plan.update)])
    for _, verb, text in _steps(observed):
        ui.say(f"{verb} {text}")
    for user in plan.create:
        made = KnownUser(user.name, groups_of(user, None))
        aws.brokers.create_user(broker, made, passwords[user.parameter])
    for user in plan.update:
        has = known[user.name]
        changed = KnownUser(user.name, groups_of(user, has), has.console_access)
        aws.brokers.update_user(broker, changed, passwords[user.parameter])
    for name in plan.delete:
        aws.brokers.delete_user(broker, name)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _await_broker(aws: Aws, broker: MqBroker) -> None:
    """Wait until a reboot has finished; it does not start at once."""
    pause = pauses(_REBOOT_SECONDS)
    pause()
    found = aws.brokers.wait_until_ready(broker.broker_id, pause)
    if not found.ready:
        text = f"the broker is {found.state} {_REBOOT_SECONDS:.0f} s after its reboot"
        hint = "check the broker in the Amazon MQ console, and run apply again"
        raise GradectlError(text, where=f"broker {broker.name}", next_step=hint)
