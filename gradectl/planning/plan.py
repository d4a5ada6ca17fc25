"""A Terraform plan without its secrets: changes, reasons, and resources that would lose data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gradectl.planning.masking import mask, with_fingerprints

#: Resource types whose deletion loses data.
STATEFUL = frozenset(
    {"aws_db_instance", "aws_ecr_repository", "aws_mq_broker", "aws_s3_bucket", "aws_sqs_queue"}
)


class Action(StrEnum):
    """The action of a plan on one resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    FORGET = "forget"
    IMPORT = "import"


_DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.FORGET: "forgotten",
    Action.IMPORT: "imported",
}


#: Terraform's word for why it replaces or deletes a resource -> plain English.
_REASONS = {
    "delete_because_count_index": "its index is beyond count",
    "delete_because_each_key": "its key is not in for_each",
    "delete_because_no_module": "its module is not in the files",
    "delete_because_no_move_target": "its new address is not in the files",
    "delete_because_no_resource_config": "it is not in the files",
    "delete_because_wrong_repetition": "count or for_each was added or removed",
    "replace_because_cannot_update": "it cannot be changed in place",
    "replace_because_tainted": "an earlier apply left it incomplete",
    "replace_by_request": "its replacement was requested",
    "replace_by_triggers": "a resource in its replace_triggered_by changes",
}


@dataclass(frozen=True)
class Resource:
    """
    A managed resource of a plan, changed or not.

    Attributes:
        address: Terraform's address of the resource.
        kind: Its type.
        module: Address of its module; "" for the root.
        before: Current values, None when it does not exist; sensitive ones are `Sensitive`.
        after: Planned values without the unknown ones; None when it will not exist.
        unknown: Terraform's marks of the values that are known only after the apply.
    """

    address: str
    kind: str
    module: str
    before: Any
    after: Any
    unknown: Any = None


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
        forced_by: Paths of the attributes that force a replacement.
        module: Address of its module; "" for the root.
        import_id: ID of the existing resource that is imported first; "" for none.
    """

    address: str
    kind: str
    action: Action
    attributes: tuple[str, ...]
    reason: str
    before: Any
    after: Any
    unknown: Any
    forced_by: tuple[str, ...] = ()
    module: str = ""
    import_id: str = ""

    @property
    def writes_secret(self) -> bool:
        """Whether the change sends write-only values, which no plan contains."""
        versions = {
            name
            for values in (self.after, self.unknown)
            if isinstance(values, Mapping)
            for name, value in values.items()
            if name.endswith("_wo_version") and value not in (None, False)
        }
        if self.action is Action.UPDATE:
            return not versions.isdisjoint(self.attributes)
        return bool(versions) and self.action in (Action.CREATE, Action.REPLACE)

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
        resources: All managed resources, changed or not, sorted by address; a refresh-only plan
            has those of the state.
        drift: Changes that were made outside of Terraform since the last apply, sorted by address.
    """

    changes: tuple[Change, ...]
    outputs: tuple[str, ...]
    planned_outputs: Mapping[str, Any] = field(default_factory=dict)
    unknown_outputs: frozenset[str] = frozenset()
    resources: tuple[Resource, ...] = ()
    drift: tuple[Change, ...] = ()

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
    def secret_writers(self) -> tuple[Change, ...]:
        """Changes that send passwords; their values are those of the apply, not of the plan."""
        return tuple(change for change in self.changes if change.writes_secret)

    @property
    def replacements(self) -> dict[str, tuple[Change, ...]]:
        """The replaced resources by module, both sorted."""
        replaced = [change for change in self.changes if change.action is Action.REPLACE]
        modules = sorted({change.module for change in replaced})
        return {
            module: tuple(change for change in replaced if change.module == module)
            for module in modules
        }

    @property
    def headline(self) -> str:
        """The counts on one line, before the apply."""
        return self._counted({action: f"to {action}" for action in Action})

    @property
    def outcome(self) -> str:
        """The counts on one line, after the apply."""
        return self._counted(_DONE)

    def _counted(self, words: Mapping[Action, str]) -> str:
        """Join the counts that are not zero; what is imported and changed counts as both."""
        imported = sum(bool(change.import_id) for change in self.changes)
        counts = {**self.counts, Action.IMPORT: imported}
        parts = [f"{counts[action]} {word}" for action, word in words.items()]
        there = [part for part in parts if not part.startswith("0 ")]
        return ", ".join(there) or ("only outputs change" if self.outputs else "no changes")


def parse_plan(document: Mapping[str, Any]) -> Plan:
    """
    Parse the JSON of `terraform show`.

    Args:
        document: The plan, with sensitive values in clear text.
    """
    managed = [item for item in document.get("resource_changes", []) if item.get("mode") != "data"]
    outputs = [
        name
        for name, change in document.get("output_changes", {}).items()
        if change.get("actions") not in (["no-op"], ["read"])
    ]
    planned = document.get("planned_values", {}).get("outputs", {})
    public = {name: item for name, item in planned.items() if not item.get("sensitive")}
    return Plan(
        _changes(managed),
        tuple(sorted(outputs)),
        {name: item["value"] for name, item in public.items() if "value" in item},
        frozenset(name for name, item in planned.items() if "value" not in item),
        _resources(document, managed),
        _changes(
            [item for item in document.get("resource_drift", []) if item.get("mode") != "data"]
        ),
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
                **({"import_id": change.import_id} if change.import_id else {}),
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


def _changes(items: Sequence[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Parse the changes of resources, sorted by address, without those that are unchanged."""
    found = [change for item in items if (change := _change(item))]
    return tuple(sorted(found, key=lambda change: change.address))


def _resources(
    document: Mapping[str, Any], managed: Sequence[Mapping[str, Any]]
) -> tuple[Resource, ...]:
    """Parse all resources; a refresh-only plan has them only in the state."""
    root = document.get("prior_state", {}).get("values", {}).get("root_module", {})
    found = list(map(_resource, managed)) or list(_in_state(root))
    return tuple(sorted(found, key=lambda resource: resource.address))


def _in_state(module: Mapping[str, Any]) -> Iterator[Resource]:
    """Parse the resources of a module of the state and of the modules within."""
    for item in module.get("resources", []):
        if item.get("mode") != "data":
            values = mask(item.get("values"), item.get("sensitive_values"))
            path = str(module.get("address", ""))
            yield Resource(item["address"], item["type"], path, values, values)
    for inner in module.get("child_modules", []):
        yield from _in_state(inner)


def _resource(item: Mapping[str, Any]) -> Resource:
    """Parse one resource, changed or not."""
    before, after = _values(item["change"])
    return Resource(
        address=item["address"],
        kind=item["type"],
        module=str(item.get("module_address", "")),
        before=before,
        after=after,
        unknown=item["change"].get("after_unknown"),
    )


def _values(change: Mapping[str, Any]) -> tuple[Any, Any]:
    """The values before and after a change, with the sensitive ones masked."""
    return (
        mask(change.get("before"), change.get("before_sensitive")),
        mask(change.get("after"), change.get("after_sensitive")),
    )


def _change(item: Mapping[str, Any]) -> Change | None:
    """Parse the change of one resource; None when it is unchanged or only read."""
    change = item["change"]
    import_id = str((change.get("importing") or {}).get("id", ""))
    action = _action(change["actions"]) or (Action.IMPORT if import_id else None)
    if action is None:
        return None
    before, after = _values(change)
    forcing = tuple(sorted(_path(path) for path in change.get("replace_paths", [])))
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
        forced_by=forcing,
        module=str(item.get("module_address", "")),
        import_id=import_id,
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
    return _REASONS.get(word, word.replace("_", " "))
