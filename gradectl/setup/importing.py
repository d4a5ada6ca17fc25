"""Looks for resources in the account that a plan would create a second time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gradectl.adapters.aws.existing import Existing
from gradectl.planning.plan import Action, Change, Plan
from gradectl.setup.import_file import ImportBlock


class Finder(Protocol):
    """Finds a resource by its planned values, such as `ExistingResources`."""

    def find(self, kind: str, values: Mapping[str, Any]) -> Existing | None:
        """The resource, if it exists."""


@dataclass(frozen=True)
class LeftOut:
    """
    A resource that exists and is not imported.

    Attributes:
        address: Its address in the root.
        reason: Why.
        next_step: What to do about it.
    """

    address: str
    reason: str
    next_step: str


@dataclass(frozen=True)
class ImportSearch:
    """
    What a search found.

    Attributes:
        blocks: The resources to import, sorted by address.
        left_out: Those that exist and are not imported.
        plan: The plan with the imports.
    """

    blocks: tuple[ImportBlock, ...]
    left_out: tuple[LeftOut, ...]
    plan: Plan

    @property
    def replaced(self) -> list[Change]:
        """Imported resources that the plan would replace."""
        return [
            change
            for change in self.plan.changes
            if change.import_id and change.action is Action.REPLACE
        ]


def search_imports(
    plan: Callable[[], Plan],
    finder: Finder,
    write: Callable[[Sequence[ImportBlock]], None],
    *,
    once: bool = False,
) -> ImportSearch:
    """
    Find the resources that exist.

    The search is repeated with a plan that imports them, until it finds nothing new, because an
    import makes further values known: the rules of a security group are found by its ID.

    Args:
        plan: Plans with what `write` wrote last.
        finder: Finds resources in the account.
        write: Writes the import blocks.
        once: Whether to stop after the first search, because nothing may be written.
    """
    blocks: dict[str, ImportBlock] = {}
    left_out: dict[str, LeftOut] = {}
    while True:
        current = plan()
        fresh = 0
        for change in _created(current):
            found = finder.find(change.kind, change.after)
            if found is None:
                continue
            reason = _left_out(change, found)
            if reason:
                left_out[change.address] = reason
            elif change.address not in blocks:  # else a plan that ignores it would never end this
                blocks[change.address] = ImportBlock(change.address, found.import_id)
                fresh += 1
        if fresh:
            write(_sorted(blocks))
        if once or not fresh:
            return ImportSearch(_sorted(blocks), tuple(left_out.values()), current)


def _created(plan: Plan) -> list[Change]:
    """The resources that the plan would create."""
    return [
        change
        for change in plan.changes
        if change.action is Action.CREATE and isinstance(change.after, Mapping)
    ]


def _left_out(change: Change, found: Existing) -> LeftOut | None:
    """Why a resource that exists is not imported; None when it is."""
    if found.secret:
        name = change.after.get("name")
        return LeftOut(
            change.address,
            "Terraform would write its secret into the plan and the state",
            f"keep its value, delete it (aws ssm delete-parameter --name {name}), then pass the"
            " value to the apply as TF_VAR_..., or let gradectl generate a new one",
        )
    if not found.import_id:
        text = "several resources of the account have these values"
        step = "delete or rename all but one, or write the import block yourself"
        return LeftOut(change.address, text, step)
    return None


def _sorted(blocks: Mapping[str, ImportBlock]) -> tuple[ImportBlock, ...]:
    """The blocks by address."""
    return tuple(blocks[address] for address in sorted(blocks))
