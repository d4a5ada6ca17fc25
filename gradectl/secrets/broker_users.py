"""Sets the broker's users after an apply: passwords, groups, and one reboot for all changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.brokers import MqBroker
from gradectl.planning.plan import Action, Plan
from gradectl.secrets.broker_user_changes import (
    ObservedUsers,
    apply_changes,
    compared,
    listed,
    show_changes,
)
from gradectl.secrets.broker_user_plan import WantedUser, group_of, plan_users
from gradectl.ui import Ui
from grader.contract.names import parameter_name

_ENGINE = "ACTIVEMQ"
_PARAMETER = "aws_ssm_parameter"
_REWRITTEN = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE})


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
    rebooted = apply_changes(aws, ui, observed)
    broker = observed.broker
    if broker.pending[0] and not rebooted:
        ui.warn(
            f"broker {broker.name}: revision {broker.pending[1]} of its configuration waits for the"
            f" maintenance window; sooner: aws mq reboot-broker --broker-id {broker.broker_id}"
        )
    return rebooted


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
        users = f"sets its users: {listed(names)}" if names else "sets its users"
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
    show_changes(ui, observed)
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
) -> ObservedUsers | None:
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
        ui.say(f"users not created by gradectl stay unchanged: {listed(plan.unmanaged)}")
    return ObservedUsers(broker, known, plan)


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
    return compared(aws, broker, WantedUser(name, parameter, version, group))
