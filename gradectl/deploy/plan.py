"""What a Terraform plan means: how much of what, why, and what must not happen by accident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gradectl.deploy.masking import Mask, hide, mask

#: Types whose content is gone with them.
STATEFUL = frozenset({"aws_db_instance", "aws_ecr_repository", "aws_mq_broker", "aws_s3_bucket"})


class Action(StrEnum):
    """What happens to one resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    FORGET = "forget"


_DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.FORGET: "forgotten",
}


@dataclass(frozen=True)
class Change:
    """
    One resource that would change.

    Attributes:
        address: Terraform's address of it.
        kind: Its type.
        action: What happens.
        attributes: The attributes that change, sorted; all paths that force a replacement.
        reason: Why it is replaced or deleted, in words, when it is.
        before: What it is, masked.
        after: What it becomes, masked; without what is known only afterwards.
        unknown: What is known only afterwards.
    """

    address: str
    kind: str
    action: Action
    attributes: tuple[str, ...]
    reason: str
    before: Any
    after: Any
    unknown: Any

    @property
    def loses_data(self) -> bool:
        """Whether something that cannot be made again goes away."""
        return self.kind in STATEFUL and self.action in (Action.DELETE, Action.REPLACE)


@dataclass(frozen=True)
class Plan:
    """All that would change, by address."""

    changes: tuple[Change, ...]
    outputs: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing at all would change."""
        return not self.changes and not self.outputs

    @property
    def counts(self) -> dict[str, int]:
        """How many resources for each action, zero included."""
        return {
            action.value: sum(change.action == action for change in self.changes)
            for action in Action
        }

    @property
    def losses(self) -> tuple[Change, ...]:
        """Changes that need a name to be typed."""
        return tuple(change for change in self.changes if change.loses_data)

    @property
    def headline(self) -> str:
        """The counts in one line."""
        return self._counted({action: f"to {action}" for action in Action})

    @property
    def outcome(self) -> str:
        """The counts in one line, once it is done."""
        return self._counted(_DONE)

    def _counted(self, words: Mapping[Action, str]) -> str:
        """Join the counts of what there is, each with its word."""
        parts = [f"{self.counts[action]} {word}" for action, word in words.items()]
        there = [part for part in parts if not part.startswith("0 ")]
        return ", ".join(there) or ("only outputs change" if self.outputs else "no changes")


def read(document: Mapping[str, Any], cover: Mask = hide) -> Plan:
    """
    Understand the JSON of `terraform show`.

    Args:
        document: The plan, with sensitive values in clear; none of them is in the answer.
        cover: Makes what stands in their place.
    """
    found = [_change(item, cover) for item in document.get("resource_changes", [])]
    changes = sorted((change for change in found if change), key=lambda change: change.address)
    outputs = [
        name
        for name, change in document.get("output_changes", {}).items()
        if change.get("actions") not in (["no-op"], ["read"])
    ]
    return Plan(tuple(changes), tuple(sorted(outputs)))


def normalised(plan: Plan) -> dict[str, Any]:
    """Give the plan in a form in which two equal plans are equal: for review and comparison."""
    return {
        "outputs": list(plan.outputs),
        "changes": [
            {
                "address": change.address,
                "action": change.action.value,
                "attributes": list(change.attributes),
                "reason": change.reason,
                "before": change.before,
                "after": change.after,
                "unknown": change.unknown,
            }
            for change in plan.changes
        ],
    }


def differences(reviewed: Mapping[str, Any], fresh: Mapping[str, Any]) -> list[str]:
    """
    Compare two normalised plans.

    Returns:
        The addresses and outputs in which they differ, sorted; nothing when they are equal.
    """
    before = {item["address"]: item for item in reviewed.get("changes", [])}
    after = {item["address"]: item for item in fresh.get("changes", [])}
    addresses = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    outputs = set(reviewed.get("outputs", [])) ^ set(fresh.get("outputs", []))
    return sorted([*addresses, *(f"output {name}" for name in outputs)])


def _change(item: Mapping[str, Any], cover: Mask) -> Change | None:
    """Understand one resource; None when it stays or is only read."""
    change = item["change"]
    action = _action(change["actions"])
    if action is None or item.get("mode") == "data":
        return None
    before = mask(change.get("before"), change.get("before_sensitive"), cover)
    after = mask(change.get("after"), change.get("after_sensitive"), cover)
    forcing = [_path(path) for path in change.get("replace_paths", [])]
    updated = _changed(change) if action in (Action.UPDATE, Action.REPLACE) else set()
    return Change(
        address=item["address"],
        kind=item["type"],
        action=action,
        attributes=tuple(sorted({*updated, *forcing})),
        reason=_reason(str(item.get("action_reason", "")), forcing),
        before=before,
        after=after,
        unknown=change.get("after_unknown"),
    )


def _action(actions: Sequence[str]) -> Action | None:
    """Read Terraform's list of actions; a replacement is two of them."""
    if {"create", "delete"} <= set(actions):
        return Action.REPLACE
    return Action(actions[0]) if actions and actions[0] in set(Action) else None


def _changed(change: Mapping[str, Any]) -> set[str]:
    """Name the attributes whose value changes or is not known yet, without showing it."""
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    return {
        name
        for name in {*before, *after, *unknown}
        if _holds_true(unknown.get(name)) or (before.get(name) != after.get(name))
    }


def _holds_true(value: object) -> bool:
    """Whether anything within is marked; Terraform leaves empty shells around what is not."""
    if isinstance(value, dict):
        return any(_holds_true(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_true(item) for item in value)
    return bool(value)


def _path(steps: Sequence[object]) -> str:
    """Write a path of attributes and indexes the way Terraform does."""
    words = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps]
    return "".join(words).lstrip(".")


def _reason(word: str, forcing: Sequence[str]) -> str:
    """Say why, in words."""
    if forcing:
        return f"{', '.join(forcing)} cannot be changed in place"
    return word.removeprefix("replace_").removeprefix("delete_").replace("_", " ")
