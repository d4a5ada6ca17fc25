"""The month of SQS and of a broker at several rates, from the table of prices."""

from __future__ import annotations

from pathlib import Path

import pytest
from transport_months import BEGIN, END, LOADS, months, page

from gradectl.planning.cost import Price, PriceTable
from gradectl.planning.price_file import read_prices

ROOT = Path(__file__).resolve().parents[3]


def price(key: str, usd: float | None, region: str) -> Price:
    """One line of a table of prices."""
    return Price(key, region, usd, "unit", "x", "2026-01")


PRICES = PriceTable(
    [
        price("sqs-requests", 0.5, "us-east-1"),
        price("interface-endpoint", 0.01, "us-east-1"),
        price("mq-mq.m5.large", 200, "us-east-1"),
        price("sqs-requests", 0.5, "ap-northeast-2"),
    ]
)


def row(start: str) -> list[str]:
    """The cells of the row that starts with a text."""
    (line,) = [each for each in months(PRICES).splitlines() if each.startswith(f"| {start} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_has_the_arithmetic_of_each_rate() -> None:
    """Jobs and polls are requests; the endpoint is paid in two zones."""
    assert row("100 | `sqs-requests` of jobs")[2:4] == [
        "100 x 730 x 7 = 0.511 million",
        "x 0.5 = 0.26",
    ]
    assert row("100 | `sqs-requests` of polls")[2:4] == [
        "(2 x 2 + 1) x 180 x 730 = 0.657 million",
        "x 0.5 = 0.33",
    ]
    assert row("100 | total of SQS")[3] == f"{14.6 + 0.2555 + 0.3285:.2f}"
    assert row("100 | total with NAT, no endpoint")[3] == "0.58"
    assert [load.submissions for load in LOADS] == [1, 100, 3000]


def test_a_total_without_a_price_is_unknown() -> None:
    """It is never too low; a broker without a price has none either."""
    assert row("1 | total of SQS")[3:] == ["14.80", "unknown"]
    assert row("any | `mq-mq.m5.large`")[3:] == ["x 200 = 200.00", "unknown"]
    assert row("any | `mq-mq.t3.micro`")[3:] == ["unknown", "unknown"]


def test_the_decision_for_dev_has_the_totals_of_the_table() -> None:
    """Of the shipped prices; a new price asks for a new look at the decision."""
    decision = (ROOT / "docs/decisions/0009-dev-on-sqs.md").read_text()
    page_of_costs = (ROOT / "docs/cost.md").read_text()
    (total,) = [
        line for line in months(read_prices(ROOT)).splitlines() if "| 1 | total of SQS" in line
    ]
    virginia, seoul = (cell.strip() for cell in total.strip("| ").split("|")[-2:])

    assert f"| SQS, total | {virginia} | {seoul} |" in decision
    assert f"| {float(virginia) / 730:.4f} | {float(seoul) / 730:.4f} |" in decision
    assert total in page_of_costs


@pytest.mark.parametrize("old", ["", "\nold\n\n"])
def test_a_page_gets_the_table_between_its_markers(old: str) -> None:
    """A page without markers stays as it is, and a second run changes nothing."""
    written = page(f"# x\n\n{BEGIN}{old}{END}\nmore\n", PRICES)

    assert written == f"# x\n\n{BEGIN}\n{months(PRICES)}\n\n{END}\nmore\n"
    assert page(written, PRICES) == written
    assert page("# x\n", PRICES) == "# x\n"
