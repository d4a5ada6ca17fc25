"""Formats a plan: rows for people, a document for programs, Markdown for job summaries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gradectl.planning.plan import Action, Change, Plan

COLUMNS = ("", "resource", "what changes", "why")
_SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "-/+",
    Action.DELETE: "-",
    Action.FORGET: ".",
    Action.IMPORT: "<=",
}
_SHOWN_ATTRIBUTES = 6


def rows(plan: Plan) -> list[tuple[str, str, str, str]]:
    """One row for each change."""
    return [
        (_SIGNS[change.action], change.address, _attributes(change), _why(change))
        for change in plan.changes
    ]


def document(plan: Plan) -> dict[str, Any]:
    """The document for programs; values are only in the reviewed plan."""
    return {
        "summary": plan.counts,
        "changes": [
            {
                "address": change.address,
                "action": change.action.value,
                "attributes": list(change.attributes),
                "reason": change.reason,
                "module": change.module,
                "forced_by": list(change.forced_by),
                "loses_data": change.loses_data,
                **({"import_id": change.import_id} if change.import_id else {}),
            }
            for change in plan.changes
        ],
        "outputs": list(plan.outputs),
    }


def replacements(plan: Plan) -> list[str]:
    """Lines that name each replaced resource and the reason, below its module."""
    lines: list[str] = []
    for module, changes in plan.replacements.items():
        lines.append(f"replaced in {module or 'the root'}:")
        for change in changes:
            local = change.address.removeprefix(f"{module}.")
            lines.append(f"  {local}: {_why(change) or 'no reason given by Terraform'}")
    return lines


def output_rows(outputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """
    One row for each output of the root.

    Args:
        outputs: Name to value; each entry of a mapping has its own row, as ``map.key``.
    """
    found: list[tuple[str, str]] = []
    for name, value in sorted(outputs.items()):
        if isinstance(value, Mapping):
            found += [(f"{name}.{key}", text) for key, text in output_rows(value)]
        elif isinstance(value, list):
            found.append((name, ", ".join(map(_plain, value))))
        else:
            found.append((name, _plain(value)))
    return found


def markdown(title: str, facts: Mapping[str, str], plan: Plan) -> str:
    """Write the plan for a job summary."""
    lines = [f"### {title}", "", " · ".join(f"{key} `{value}`" for key, value in facts.items()), ""]
    lines += [f"**{plan.headline}**", ""]
    if plan.changes:
        lines += ["| | resource | what changes | why |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows(plan)]
        lines.append("")
    if plan.replacements:
        lines += ["```text", *replacements(plan), "```", ""]
    if plan.losses:
        lines += [f"> **Data is lost with {len(plan.losses)} of these.**", ""]
    return "\n".join(lines) + "\n"


def _plain(value: object) -> str:
    """Format a value as Terraform does, but texts without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def _attributes(change: Change) -> str:
    """List the first attributes of an update or a replacement."""
    shown = list(change.attributes[:_SHOWN_ATTRIBUTES])
    hidden = len(change.attributes) - len(shown)
    return ", ".join(shown) + (f" and {hidden} more" if hidden else "")


def _why(change: Change) -> str:
    """The reason, with a warning where data is lost."""
    parts = [f"imports {change.import_id}"] if change.import_id else []
    parts += [change.reason] if change.reason else []
    if change.loses_data:
        parts.append("ITS DATA IS LOST")
    return "; ".join(parts)


def _cell(text: str) -> str:
    """Escape a text for a Markdown table cell."""
    return text.replace("|", "\\|").replace("\n", " ")
