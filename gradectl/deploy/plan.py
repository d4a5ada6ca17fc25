"""A Terraform plan without its secrets: changes, reasons, and resources that would lose data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gradectl.deploy.masking import mask, with_fingerprints

#: Resource types whose deletion loses data.
STATEFUL = frozenset({"aws_db_instance", "aws_ecr_repository", "aws_mq_broker", "aws_s3_bucket"})


class Action(StrEnum):
    """The action of a plan on one resource."""

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
    The planned change of one resource.

    Attributes:
        address: Terraform's address of the resource.
        kind: Its type.
        action: The planned action.
        attributes: Changed attributes and paths that force a replacement, sorted.
        reason: Why it is replaced or deleted; "" for other actions.
        before: Current values; sensitive ones are `Sensitive`.
        after: Planned values, likewise, without those that are known only after the apply.
        unknown: Terraform's marks of the values that are known only after the apply.
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
        """Whether the change deletes data that cannot be recreated."""
        return self.kind in STATEFUL and self.action in (Action.DELETE, Action.REPLACE)


@dataclass(frozen=True)
class Plan:
    """
    A plan; printing any part of it shows no secret.

    Attributes:
        changes: The changed resources, sorted by address.
        outputs: Names of the outputs that change.
        planned_outputs: Outputs after the apply, as far as they are known and not sensitive.
        unknown_outputs: Names of the outputs that are known only after the apply.
    """

    changes: tuple[Change, ...]
    outputs: tuple[str, ...]
    planned_outputs: Mapping[str, Any] = field(default_factory=dict)
    unknown_outputs: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not self.changes and not self.outputs

    @property
    def counts(self) -> dict[str, int]:
        """Number of resources for each action, including zeros."""
        return {
            action.value: sum(change.action == action for change in self.changes)
            for action in Action
        }

    @property
    def losses(self) -> tuple[Change, ...]:
        """Changes that lose data; applying them requires the environment's name."""
        return tuple(change for change in self.changes if change.loses_data)

    @property
    def headline(self) -> str:
        """The counts on one line, before the apply."""
        return self._counted({action: f"to {action}" for action in Action})

    @property
    def outcome(self) -> str:
        """The counts on one line, after the apply."""
        return self._counted(_DONE)

    def _counted(self, words: Mapping[Action, str]) -> str:
        """Join the counts that are not zero."""
        parts = [f"{self.counts[action]} {word}" for action, word in words.items()]
        there = [part for part in parts if not part.startswith("0 ")]
        return ", ".join(there) or ("only outputs change" if self.outputs else "no changes")


def parse_plan(document: Mapping[str, Any]) -> Plan:
    """
    Parse the JSON of `terraform show`.

    Args:
        document: The plan, with sensitive values in clear text.
    """
    found = [_change(item) for item in document.get("resource_changes", [])]
    changes = sorted((change for change in found if change), key=lambda change: change.address)
    outputs = [
        name
        for name, change in document.get("output_changes", {}).items()
        if change.get("actions") not in (["no-op"], ["read"])
    ]
    planned = document.get("planned_values", {}).get("outputs", {})
    public = {name: item for name, item in planned.items() if not item.get("sensitive")}
    return Plan(
        tuple(changes),
        tuple(sorted(outputs)),
        {name: item["value"] for name, item in public.items() if "value" in item},
        frozenset(name for name, item in planned.items() if "value" not in item),
    )


def normalised(plan: Plan, salt: str) -> dict[str, Any]:
    """
    Convert a plan to a document for review; equal plans have equal documents.

    Args:
        plan: The plan.
        salt: Salt of the fingerprints that replace sensitive values.
    """
    return {
        "outputs": list(plan.outputs),
        "changes": [
            {
                "address": change.address,
                "action": change.action.value,
                "attributes": list(change.attributes),
                "reason": change.reason,
                "before": with_fingerprints(change.before, salt),
                "after": with_fingerprints(change.after, salt),
                "unknown": change.unknown,
            }
            for change in plan.changes
        ],
    }


def differences(reviewed: Mapping[str, Any], fresh: Mapping[str, Any]) -> list[str]:
    """
    Compare two normalised plans.

    Returns:
        The addresses and outputs that differ, sorted; empty for equal plans.
    """
    before = {item["address"]: item for item in reviewed.get("changes", [])}
    after = {item["address"]: item for item in fresh.get("changes", [])}
    addresses = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    outputs = set(reviewed.get("outputs", [])) ^ set(fresh.get("outputs", []))
    return sorted([*addresses, *(f"output {name}" for name in outputs)])


def _change(item: Mapping[str, Any]) -> Change | None:
    """Parse the change of one resource; None when it is unchanged or only read."""
    change = item["change"]
    action = _action(change["actions"])
    if action is None or item.get("mode") == "data":
        return None
    before = mask(change.get("before"), change.get("before_sensitive"))
    after = mask(change.get("after"), change.get("after_sensitive"))
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
    """Parse Terraform's list of actions; a replacement is two of them."""
    if {"create", "delete"} <= set(actions):
        return Action.REPLACE
    return Action(actions[0]) if actions and actions[0] in set(Action) else None


def _changed(change: Mapping[str, Any]) -> set[str]:
    """Names of the attributes whose value changes or is not known yet."""
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    return {
        name
        for name in {*before, *after, *unknown}
        if _holds_true(unknown.get(name)) or (before.get(name) != after.get(name))
    }


def _holds_true(value: object) -> bool:
    """Whether any value within is true; Terraform keeps empty containers around the others."""
    if isinstance(value, dict):
        return any(_holds_true(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_true(item) for item in value)
    return bool(value)


def _path(steps: Sequence[object]) -> str:
    """Format a path of attributes and indexes as Terraform does."""
    words = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps]
    return "".join(words).lstrip(".")


def _reason(word: str, forcing: Sequence[str]) -> str:
    """Explain why a resource is replaced or deleted."""
    if forcing:
        return f"{', '.join(forcing)} cannot be changed in place"
    return word.removeprefix("replace_").removeprefix("delete_").replace("_", " ")
