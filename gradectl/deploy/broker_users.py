"""The broker's users after an apply: real passwords, groups, and one reboot for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from gradectl.deploy.polling import pauses
from gradectl.errors import GradectlError
from gradectl.ui import Ui
from grader.contract.names import parameter_name

_REBOOT_SECONDS = 900.0  # Amazon says five minutes
_ENGINE = "ACTIVEMQ"


def sync_broker_users(aws: Aws, ui: Ui, environment_name: str, outputs: Mapping[str, Any]) -> bool:
    """
    Give the broker the users that the root names, with the passwords that SSM keeps.

    The state of Terraform shows the password it gives to a broker in clear, so it gives a
    throw-away one and this does the rest, followed by the one reboot that makes it count. A user
    whose password and group are as they should be is not touched.

    Args:
        aws: The account.
        ui: Told what happens.
        environment_name: The environment.
        outputs: Outputs of the root. `broker_users` maps each user to the parameter of its
            password; a root without it has the admin alone, and nobody is removed.

    Returns:
        Whether the broker was rebooted.

    Raises:
        GradectlError: The broker did not come back in time.
        ConfigurationError: The output names something else than parameters of passwords.
    """
    if not outputs.get("broker_id"):
        return False
    broker = aws.brokers.get(outputs["broker_id"])
    if broker.engine != _ENGINE:
        ui.warn(f"Amazon MQ cannot change users of {broker.engine}: set them in its own console")
        return False
    named = outputs.get("broker_users")
    parameters = named if named is not None else _admin_alone(aws, environment_name)
    wanted = [_wanted(aws, broker, *item, grouped=named is not None) for item in parameters.items()]
    known = aws.brokers.users(broker)
    plan = plan_users(wanted, known, broker.tags, complete=named is not None)
    if plan.unmanaged:
        ui.say(f"left alone, as gradectl did not make them: {_listed(plan.unmanaged)}")
    _change(aws, ui, broker, known, plan)
    if plan.needs_reboot:
        ui.say(f"rebooting broker {broker.name}, so that it counts")
        aws.brokers.reboot(broker)
        _await_broker(aws, broker)
    if plan.set_tags:
        aws.brokers.tag(broker, plan.set_tags)
    if plan.drop_tags:
        aws.brokers.untag(broker, plan.drop_tags)
    return plan.needs_reboot


def _admin_alone(aws: Aws, environment_name: str) -> dict[str, str]:
    """Find the one user of a root that names none."""
    name = parameter_name(environment_name, "mq", "username")
    return {aws.parameters([name])[name]: parameter_name(environment_name, "mq", "password")}


def _wanted(aws: Aws, broker: MqBroker, name: str, parameter: str, *, grouped: bool) -> WantedUser:
    """Find out whether a user's password is another than the one that it was given."""
    group = group_of(parameter) if grouped else None
    version = aws.parameter_version(parameter)
    user = WantedUser(name, parameter, version, group)
    noted = recorded_version(user, broker.tags)
    if noted == version or (noted is not None and _same(aws, parameter, noted, version)):
        return WantedUser(name, parameter, version, group, changed=False)
    return user


def _same(aws: Aws, parameter: str, noted: int, version: int) -> bool:
    """Compare two versions: one that was written again with the same value changes nothing."""
    before = aws.parameter_at(parameter, noted)
    return before is not None and before == aws.parameter_at(parameter, version)


def _change(
    aws: Aws, ui: Ui, broker: MqBroker, known: Mapping[str, KnownUser], plan: UserPlan
) -> None:
    """Make, change and remove users; all of it counts after the reboot."""
    passwords = _passwords(aws, [*plan.create, *plan.update])
    for user in plan.create:
        groups = groups_of(user, None)
        ui.say(f"making user {user.name} of broker {broker.name}{_in(groups)}")
        aws.brokers.create_user(broker, KnownUser(user.name, groups), passwords[user.parameter])
    for user in plan.update:
        has = known[user.name]
        groups = groups_of(user, has)
        what = " its password" if user.changed else ""
        said = _in(groups) if groups != has.groups else ""
        ui.say(f"giving user {user.name} of broker {broker.name}{what}{said}")
        changed = KnownUser(user.name, groups, has.console_access)
        aws.brokers.update_user(broker, changed, passwords[user.parameter])
    for name in plan.delete:
        ui.say(f"removing user {name} of broker {broker.name}: the root names it no more")
        aws.brokers.delete_user(broker, name)


def _passwords(aws: Aws, users: Sequence[WantedUser]) -> dict[str, str]:
    """Read the passwords that are needed, by the names of their parameters."""
    return aws.parameters([user.parameter for user in users])


def _in(groups: frozenset[str]) -> str:
    return f", in group {_listed(sorted(groups))}" if groups else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _await_broker(aws: Aws, broker: MqBroker) -> None:
    """Wait for the end of a reboot, which does not begin at once."""
    pause = pauses(_REBOOT_SECONDS)
    pause()
    found = aws.brokers.wait_until_ready(broker.broker_id, pause)
    if not found.ready:
        text = f"it is {found.state} {_REBOOT_SECONDS:.0f} s after its reboot"
        hint = "look at it in the Amazon MQ console, and run apply again"
        raise GradectlError(text, where=f"broker {broker.name}", next_step=hint)
