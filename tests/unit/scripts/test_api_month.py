"""The month of the HTTP API in docs/cost.md, from the table of prices."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradectl.planning.price_file import read_prices

ROOT = Path(__file__).resolve().parents[3]
REGIONS = ("us-east-1", "ap-northeast-2")
SECTION = (ROOT / "docs/cost.md").read_text().partition("## The HTTP API")[2].partition("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("| ").split("|")]
    for line in SECTION.splitlines()
    if line.startswith(("| `", "| total"))
]


def quantity(text: str) -> float:
    """The quantity of a row, such as `0.5 x 730 vCPU-hour`."""
    count, *times = re.findall(r"[\d.]+", text)
    return float(count) * float(times[0] if times else 1)


@pytest.mark.parametrize("column", range(2))
def test_amounts_and_total_are_those_of_the_table_of_prices(column: int) -> None:
    """A new price asks for a new table; an item without one is counted at the total."""
    prices, total, unknown = read_prices(ROOT), 0.0, 0
    *items, last = ROWS

    for item, count, *amounts in items:
        usd = prices.find(item.strip("`"), REGIONS[column]).usd
        if usd is None:
            assert amounts[column] == "unknown"
            unknown += 1
            continue
        amount = usd * quantity(count)
        stated, _, shown = amounts[column].removeprefix("x ").partition(" = ")
        assert float(stated) == usd
        assert float(shown) == pytest.approx(amount, abs=0.0051)
        total += amount

    shown, _, missing = last[-2:][column].partition(" + ")
    assert float(shown) == pytest.approx(total, abs=0.0051)
    assert missing == (f"{unknown} unknown" if unknown else "")
