"""Formats a cost estimate: rows with the arithmetic, a document for programs, one line of text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gradectl.planning.cost import CostChange, CostLine, Estimate, Price

COLUMNS = ("resource", "item", "quantity", "price in USD", "USD a month")
_INDEX = re.compile(r"\[[^\]]*\]$")
_UNKNOWN = "unknown"


def headline(cost: CostChange) -> str:
    """Both totals on one line, and what they leave out."""
    parts = [f"before {_amount(cost.before)}", f"after {_amount(cost.after)} USD"]
    return f"monthly cost: {', '.join(parts)}{_left_out(cost.after)}"


def estimate_headline(estimate: Estimate) -> str:
    """The total of one estimate on one line, and what it leaves out."""
    return f"estimated monthly cost: {_amount(estimate)} USD{_left_out(estimate)}"


def rows(estimate: Estimate) -> list[tuple[str, str, str, str, str]]:
    """One row for each billed item, those of the same resource block together, and the total."""
    lines = sorted(_merged(estimate.lines), key=lambda line: (line.by_use, line.unknown))
    return [*map(_row, lines), ("total", "", "", "", _amount(estimate))]


def document(cost: CostChange) -> dict[str, Any]:
    """The estimates for programs; amounts are rounded to cents."""
    return {"currency": "USD", "before": _side(cost.before), "after": _side(cost.after)}


def estimate_document(estimate: Estimate) -> dict[str, Any]:
    """One estimate for programs; amounts are rounded to cents."""
    return {"currency": "USD", **_side(estimate)}


def markdown(cost: CostChange) -> str:
    """The totals, and the table of the month after the changes, folded."""
    lines = [f"**{headline(cost)[:1].upper()}{headline(cost)[1:]}**", ""]
    lines += ["<details><summary>Arithmetic</summary>", ""]
    lines += [f"| {' | '.join(COLUMNS)} |", "|---|---|---:|---:|---:|"]
    lines += [f"| {' | '.join(row)} |" for row in rows(cost.after)]
    return "\n".join([*lines, "", "</details>", ""]) + "\n"


def _left_out(estimate: Estimate) -> str:
    """The lines that are not in the total, by their number."""
    left_out = [
        f"{len(lines)} {words}"
        for lines, words in (
            (estimate.unknown, "without a known price"),
            (estimate.by_use, "billed by use"),
        )
        if lines
    ]
    return f"; not counted: {' and '.join(left_out)}" if left_out else ""


def _side(estimate: Estimate) -> dict[str, Any]:
    """One estimate for programs."""
    return {
        "least": round(estimate.least, 2),
        "most": round(estimate.most, 2),
        "lines": [
            {
                "address": line.address,
                "item": line.item,
                "key": line.price.key,
                "by_use": line.by_use,
                "quantity": None if line.least is None else [line.least, line.most],
                "unit": line.price.unit or None,
                "price": line.price.usd,
                "usd": [round(each, 2) for each in line.usd] if line.usd else None,
                "source": line.price.source,
                "date": line.price.date or None,
            }
            for line in estimate.lines
        ],
    }


def _merged(lines: Sequence[CostLine]) -> list[CostLine]:
    """Add up the lines that differ only in the index of their resource."""
    found: dict[tuple[str, str, Price, bool], CostLine] = {}
    for line in lines:
        block = _INDEX.sub("", line.address)
        key = (block, line.item, line.price, line.least is None)
        other = found.get(key)
        added = replace(line, address=block) if other else line
        if other and line.least is not None and line.most is not None:
            added = replace(
                added, least=line.least + (other.least or 0), most=line.most + (other.most or 0)
            )
        found[key] = added
    return list(found.values())


def _row(line: CostLine) -> tuple[str, str, str, str, str]:
    """A row: quantity x price = amount."""
    if line.by_use:
        return line.address, line.item, "by use", _price(line.price), "by use"
    amount = _range(*line.usd, digits=2) if line.usd else _UNKNOWN
    known = line.least is not None and line.most is not None
    quantity = _range(line.least or 0, line.most or 0) if known else _UNKNOWN
    unit = f" {line.price.unit}" if known and line.price.unit else ""
    return line.address, line.item, f"{quantity}{unit}", _price(line.price), amount


def _price(price: Price) -> str:
    """The price of one unit, with its date where it is known."""
    if price.usd is None:
        return _UNKNOWN
    return f"{price.usd:g} per {price.unit} ({price.date})"


def _amount(estimate: Estimate) -> str:
    """The total of an estimate."""
    return _range(estimate.least, estimate.most, digits=2)


def _range(least: float, most: float, digits: int | None = None) -> str:
    """One number, or two when they differ."""
    low, high = (
        f"{number:.{digits}f}" if digits is not None else f"{number:.10g}"
        for number in (least, most)
    )
    return low if low == high else f"{low} to {high}"
