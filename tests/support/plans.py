"""Plans for unit tests, in the JSON of `terraform show`."""

from __future__ import annotations

from typing import Any

from gradectl.planning.plan import Plan, parse_plan


def item(
    address: str,
    after: dict[str, Any] | None = None,
    before: dict[str, Any] | None = None,
    **change: Any,
) -> dict[str, Any]:
    """
    A resource of a plan; its actions follow from the values, unless they are given.

    Args:
        address: Its address.
        after: Planned values; None deletes it.
        before: Current values; None creates it.
        change: Other keys of Terraform's change.
    """
    module, _, rest = f".{address}".rpartition(".aws_")
    module = module.removeprefix(".")
    kind = f"aws_{rest}".partition(".")[0]
    if before is None:
        actions = ["create"]
    elif after is None:
        actions = ["delete"]
    else:
        actions = ["no-op"] if before == after else ["update"]
    return {
        "address": address,
        "type": kind,
        "mode": "managed",
        **({"module_address": module} if module else {}),
        "change": {"actions": actions, "before": before, "after": after, **change},
    }


def in_state(*resources: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """The `prior_state` of a refresh-only plan: addresses without modules, and their values."""
    found = [
        {"address": address, "type": address.partition(".")[0], "values": values}
        for address, values in resources
    ]
    return {"values": {"root_module": {"child_modules": [{"resources": found}]}}}


def plan_of(*items: dict[str, Any], **document: Any) -> Plan:
    """Parse a plan with these resources."""
    return parse_plan({"resource_changes": list(items), **document})
