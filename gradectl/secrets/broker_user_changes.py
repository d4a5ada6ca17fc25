"""Makes the planned changes of a broker's users, followed by the one reboot that applies them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.brokers import MqBroker
from gradectl.adapters.aws.models import KnownUser
from gradectl.errors import GradectlError
from gradectl.rollouts.polling import MakePause, pauses
from gradectl.secrets.broker_user_plan import (
    UserPlan,
    WantedUser,
    groups_of,
    recorded_version,
)
from gradectl.secrets.passwords import generate
from gradectl.ui import Ui

_REBOOT_SECONDS = 900.0  # Amazon states five minutes


@dataclass(frozen=True)
class ObservedUsers:
    """A broker with its users, and the changes that it needs."""

    broker: MqBroker
    known: Mapping[str, KnownUser]
    plan: UserPlan


def apply_changes(
    aws: Aws, ui: Ui, observed: ObservedUsers, *, make_pause: MakePause = pauses
) -> bool:
    """
    Change the users, reboot the broker when that is needed, and record the versions as tags.

    Args:
        aws: The account.
        ui: The terminal.
        observed: The broker and its changes.
        make_pause: Makes the pauses between two polls.

    Returns:
        Whether the broker was rebooted.

    Raises:
        GradectlError: The broker was not running in time after the reboot.
    """
    broker, plan = observed.broker, observed.plan
    _execute(aws, ui, observed)
    if plan.needs_reboot:
        ui.say(f"rebooting broker {broker.name} to apply the changes")
        aws.brokers.reboot(broker)
        _await_broker(aws, broker, make_pause(_REBOOT_SECONDS))
    if plan.set_tags:
        aws.brokers.tag(broker, plan.set_tags)
    if plan.drop_tags:
        aws.brokers.untag(broker, plan.drop_tags)
    return plan.needs_reboot


def show_changes(ui: Ui, observed: ObservedUsers) -> None:
    """Print what `apply_changes` would do."""
    for verb, _, text in _steps(observed):
        ui.say(f"would {verb} {text}")
    if observed.plan.needs_reboot:
        ui.say(f"would reboot broker {observed.broker.name} to apply the changes")
    else:
        ui.say(f"broker users: no changes on broker {observed.broker.name}")


def compared(aws: Aws, broker: MqBroker, user: WantedUser) -> WantedUser:
    """
    Find out whether a user has the password of its parameter.

    Args:
        aws: The account.
        broker: The broker, whose tags have the version of the password that the user has.
        user: The user, with the current version of its parameter.
    """
    if user.disabled:
        return replace(user, changed=broker.tags.get(user.tag) != user.mark)
    recorded = recorded_version(user, broker.tags)
    changed = recorded is None or (
        recorded != user.version and not _same(aws, user.parameter, recorded, user.version)
    )
    return replace(user, changed=changed)


def _same(aws: Aws, parameter: str, recorded: int, version: int) -> bool:
    """Whether two versions have the same value: a rewritten parameter may be unchanged."""
    before = aws.parameter_at(parameter, recorded)
    return before is not None and before == aws.parameter_at(parameter, version)


def listed(names: Sequence[str]) -> str:
    """Join names for a sentence."""
    return ", ".join(names)


def _steps(observed: ObservedUsers) -> list[tuple[str, str, str]]:
    """The changes of users as text: verb, its -ing form, and the rest of the sentence."""
    broker, known, plan = observed.broker.name, observed.known, observed.plan
    steps = []
    for user in plan.create:
        details = _details(groups_of(user, None))
        steps.append(("create", "creating", f"user {user.name} of broker {broker}{details}"))
    for user in plan.update:
        has = known[user.name]
        groups = groups_of(user, has)
        different = groups if groups != has.groups else frozenset()
        details = _details(different, password=user.changed, disabled=user.disabled)
        steps.append(("update", "updating", f"user {user.name} of broker {broker}{details}"))
    for name in plan.delete:
        text = f"user {name} of broker {broker}: no longer in the output broker_users"
        steps.append(("delete", "deleting", text))
    return steps


def _details(groups: frozenset[str], *, password: bool = False, disabled: bool = False) -> str:
    """What changes of a user, after a colon."""
    parts = []
    if password:
        parts.append("a password that is stored nowhere" if disabled else "password")
    if groups:
        parts.append(f"group {listed(sorted(groups))}")
    return f": {', '.join(parts)}" if parts else ""


def _execute(aws: Aws, ui: Ui, observed: ObservedUsers) -> None:
    """Create, update and delete users; all of it takes effect after the reboot."""
    broker, known, plan = observed.broker, observed.known, observed.plan
    changed = (*plan.create, *plan.update)
    passwords = aws.parameters([user.parameter for user in changed if not user.disabled])

    def password_of(user: WantedUser) -> str:
        return generate(secrets.choice) if user.disabled else passwords[user.parameter]

    for _, verb, text in _steps(observed):
        ui.say(f"{verb} {text}")
    for user in plan.create:
        made = KnownUser(user.name, groups_of(user, None))
        aws.brokers.create_user(broker, made, password_of(user))
    for user in plan.update:
        has = known[user.name]
        wanted = KnownUser(user.name, groups_of(user, has), has.console_access)
        aws.brokers.update_user(broker, wanted, password_of(user))
    for name in plan.delete:
        aws.brokers.delete_user(broker, name)


def _await_broker(aws: Aws, broker: MqBroker, pause: Callable[[], bool]) -> None:
    """Wait until a reboot has finished; it does not start at once."""
    pause()
    found = aws.brokers.wait_until_ready(broker.broker_id, pause)
    if not found.ready:
        text = f"the broker is {found.state} {_REBOOT_SECONDS:.0f} s after its reboot"
        hint = "check the broker in the Amazon MQ console, and run apply again"
        raise GradectlError(text, where=f"broker {broker.name}", next_step=hint)
