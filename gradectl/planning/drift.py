"""Finds drift: changes that were made outside of Terraform, without those that are expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradectl.planning.managed_parts import is_managed
from gradectl.planning.plan import Action, Change, Plan, Resource
from gradectl.planning.policy import IgnoredDrift, matches

COLUMNS = ("", "resource", "what changed", "")
_SERVICE = "aws_ecs_service"
_TARGET = "aws_appautoscaling_target"
_SCHEDULE = "aws_appautoscaling_scheduled_action"
_BOUNDS = ("min_capacity", "max_capacity")
_BROKER = "aws_mq_broker"
#: Changes of a broker that take effect at its next reboot.
_AT_REBOOT = ("configuration", "engine_version", "host_instance_type", "logs")
_DEPLOYED_ELSEWHERE = f"{_SERVICE}.pipeline["  # of modules/ecs-grading
_EMPTY: tuple[object, ...] = (None, "", [], {})
#: Type -> attributes that other parts of the system change, and why.
_EXPECTED: Mapping[str, Mapping[str, str]] = {
    "aws_autoscaling_group": {"desired_capacity": "autoscaling sets it"},
    "aws_db_instance": {"latest_restorable_time": "it moves with each backup"},
    "aws_lb_target_group": {"load_balancer_arns": "its listeners set it"},
    _BROKER: {"user": "gradectl sets the users and their passwords"},
}


@dataclass(frozen=True)
class DriftItem:
    """
    A resource that was changed outside of Terraform.

    Attributes:
        change: The change.
        attributes: The changed attributes of this item; empty for a deleted resource.
        reason: Why it is expected; "" when it is drift.
    """

    change: Change
    attributes: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True)
class Drift:
    """The changes outside of Terraform; those in `expected` need no action."""

    found: tuple[DriftItem, ...]
    expected: tuple[DriftItem, ...]


def drift_of(plan: Plan, ignored: Sequence[IgnoredDrift] = ()) -> Drift:
    """
    Separate drift from expected changes.

    Args:
        plan: A refresh-only plan.
        ignored: What the policy of the project expects.
    """
    items = [item for change in plan.drift for item in _items(change, plan, ignored)]
    return Drift(
        tuple(item for item in items if not item.reason),
        tuple(item for item in items if item.reason),
    )


def document(drift: Drift) -> dict[str, Any]:
    """The drift for programs, without values."""
    return {
        "drifted": bool(drift.found),
        "drift": [_entry(item) for item in drift.found],
        "expected": [{**_entry(item), "reason": item.reason} for item in drift.expected],
    }


def rows(drift: Drift) -> list[tuple[str, str, str, str]]:
    """One row for each item, drift first."""
    return [
        (_sign(item), item.change.address, ", ".join(item.attributes), item.reason)
        for item in (*drift.found, *drift.expected)
    ]


def markdown(title: str, drift: Drift) -> str:
    """The drift for a job summary."""
    lines = [f"### {title}", "", f"**{headline(drift)}**", ""]
    if rows(drift):
        lines += ["| | resource | what changed | expected because |", "|---|---|---|---|"]
        cells = ([cell.replace("|", "\\|") for cell in row] for row in rows(drift))
        lines += [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join(lines) + "\n"


def headline(drift: Drift) -> str:
    """The number of drifted resources on one line."""
    count = len({item.change.address for item in drift.found})
    text = f"{count} resource{'' if count == 1 else 's'} drifted" if count else "no drift"
    return f"{text}; {len(drift.expected)} expected" if drift.expected else text


def _items(change: Change, plan: Plan, ignored: Sequence[IgnoredDrift]) -> Iterator[DriftItem]:
    """Split a change into what is drift and what is expected, by reason."""
    if change.action is not Action.UPDATE:
        rule = next((each for each in ignored if _covers(each, change, "")), None)
        yield DriftItem(change, (), rule.reason if rule else "")
        return
    changed = [
        name
        for name in change.attributes
        if not _is_rewritten(change.before.get(name), change.after.get(name))
        and not is_managed(name, change, plan.resources)
    ]
    reasons = {name: _reason(name, change, plan, ignored) for name in changed}
    for reason in sorted(set(reasons.values())):
        names = tuple(name for name in changed if reasons[name] == reason)
        yield DriftItem(change, names, reason)


def _is_rewritten(before: object, after: object, *, in_block: bool = False) -> bool:
    """
    Whether a value is only written differently after a refresh.

    Args:
        before: The value of the last apply.
        after: The value of the refresh.
        in_block: Whether it is in a nested block, where a number or a switch that was not set is
            read back as 0 or false.
    """
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        return all(_is_rewritten(before[key], after[key], in_block=True) for key in before)
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = zip(before, after, strict=True)
        return all(_is_rewritten(old, new, in_block=True) for old, new in pairs)
    if in_block and before is None and not after:
        return True
    return before == after or (before in _EMPTY and after in _EMPTY)


def _reason(name: str, change: Change, plan: Plan, ignored: Sequence[IgnoredDrift]) -> str:
    """Why a change of one attribute is expected; "" when it is not."""
    if reason := _EXPECTED.get(change.kind, {}).get(name):
        return reason
    if change.kind == _SERVICE and name == "desired_count" and _in_bounds(change, plan.resources):
        return "autoscaling sets it"
    if name == "task_definition" and _DEPLOYED_ELSEWHERE in change.address:
        return "a pipeline deploys it"
    if change.kind == _TARGET and name in _BOUNDS and _scheduled(name, change, plan.resources):
        return "a schedule sets it"
    if change.kind == _BROKER and name in _AT_REBOOT and _waits(name, change):
        return "the change of the last apply waits for the broker's maintenance window"
    rule = next((each for each in ignored if _covers(each, change, name)), None)
    return rule.reason if rule else ""


def _covers(rule: IgnoredDrift, change: Change, name: str) -> bool:
    """Whether a rule is about an attribute; a deleted resource needs a rule for all of them."""
    named = name in rule.attributes if rule.attributes else True
    return named and matches(rule.resource, change.address)


def _in_bounds(change: Change, resources: Sequence[Resource]) -> bool:
    """Whether a service has as many tasks as its autoscaling could have set."""
    about = str(change.after.get("id")).rpartition(":")[2]  # service/CLUSTER/SERVICE
    targets = [each.before for each in resources if each.kind == _TARGET and each.before]
    return any(
        each["min_capacity"] <= change.after["desired_count"] <= each["max_capacity"]
        for each in targets
        if each.get("resource_id") == about
    )


def _scheduled(name: str, change: Change, resources: Sequence[Resource]) -> bool:
    """Whether one of the schedules of a target sets this bound to its current value."""
    target = change.after.get("resource_id")
    schedules = [each.before for each in resources if each.kind == _SCHEDULE and each.before]
    actions = [
        action
        for schedule in schedules
        if schedule.get("resource_id") == target
        for action in schedule.get("scalable_target_action") or []
    ]
    return str(change.after.get(name)) in {str(action.get(name)) for action in actions}


def _waits(name: str, change: Change) -> bool:
    """Whether a broker that the apply did not reboot may still have its value of before."""
    if change.before.get("apply_immediately") is not False:
        return False
    if name != "configuration":
        return True
    applied, active = (_revision(values.get(name)) for values in (change.before, change.after))
    return applied[0] == active[0] and active[1] < applied[1]


def _revision(blocks: Any) -> tuple[object, int]:  # noqa: ANN401 - as Terraform wrote it
    """ID and revision of a broker's configuration; 0 without one."""
    for block in blocks or ():
        return block.get("id"), int(block.get("revision") or 0)
    return None, 0


def _entry(item: DriftItem) -> dict[str, Any]:
    """One item for programs."""
    return {
        "address": item.change.address,
        "action": item.change.action.value,
        "attributes": list(item.attributes),
    }


def _sign(item: DriftItem) -> str:
    """Expected changes have no sign."""
    if item.reason:
        return ""
    return "-" if item.change.action is Action.DELETE else "~"
