"""
The monthly cost of an example, in two regions.

The `# bills:` comments of an example state what its plan bills in a month, such as
`# bills: interface-endpoint=5840 logs-ingested=use`. The tests compare them with the plan, and
`reference.py` writes the table that follows from them and from the table of prices.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from example_claims import Planned
from terraform_tables import code, table

from gradectl.planning.cost import CostLine, Price, PriceTable, cost_change
from gradectl.planning.meters.items import HOURS
from gradectl.planning.plan import Plan, Resource

REGIONS = ("us-east-1", "ap-northeast-2")
BEGIN = "<!-- BEGIN month -->\n"
END = "<!-- END month -->\n"
_COMMENT = re.compile(r"^\s*# bills: *(.*?)\s*$", re.MULTILINE)
_NUMBER = r"\d+(?:\.\d+)?"
_TERM = re.compile(
    rf"(?P<key>[^\s=]+)=(?:(?P<least>{_NUMBER})(?:\.\.(?P<most>{_NUMBER}))?|(?P<word>use|unknown))"
)
_ADDRESS = re.compile(r"(?:(?P<module>.*)\.)?(?P<kind>aws_\w+)\.\w+(?:\[.*\])?")
_NOTHING = "nothing"  # an example that costs nothing
_WIDTH = 100


@dataclass(frozen=True)
class Quantity:
    """
    Units of an item in a month.

    Attributes:
        least: With the fewest tasks or instances; None when it is unknown or depends on use.
        most: With the most of them.
    """

    least: float | None
    most: float | None

    @property
    def text(self) -> str:
        """Both numbers, or the one that they are; "unknown" without them."""
        return "unknown" if self.least is None or self.most is None else _range(self, 1)


#: Quantities by key of the price and whether the item is billed by use.
Bill = Mapping[tuple[str, bool], Quantity]


def has_bill(text: str) -> bool:
    """Whether a text has `# bills:` comments."""
    return bool(_COMMENT.search(text))


def stated(text: str) -> Bill:
    """
    Read the `# bills:` comments of a text.

    Args:
        text: An example or a Terraform file.

    Raises:
        ValueError: A comment has another form.
    """
    terms = [term for comment in _COMMENT.findall(text) for term in comment.split()]
    return dict(sorted(_quantity(term) for term in terms if term != _NOTHING))


def comments(bill: Bill) -> str:
    """Format the `# bills:` comments of an example."""
    lines: list[str] = []
    for (key, by_use), quantity in bill.items():
        term = f"{key}={'use' if by_use else quantity.text.replace(' to ', '..')}"
        if not lines or len(lines[-1]) + len(term) >= _WIDTH:
            lines.append("# bills:")
        lines[-1] += f" {term}"
    return "\n".join(lines) or f"# bills: {_NOTHING}"


def planned(resources: Iterable[Planned]) -> Bill:
    """Add up what the planned resources of an example bill in a month."""
    found = [(_ADDRESS.fullmatch(each.address), each) for each in resources]
    after = tuple(
        Resource(each.address, match["kind"], match["module"] or "", None, each.values)
        for match, each in found
        if match
    )
    region = REGIONS[0]  # quantities are the same in each
    estimate = cost_change(Plan((), (), resources=after), PriceTable([]), region).after
    bill: dict[tuple[str, bool], Quantity] = {}
    for line in estimate.lines:
        key = (line.price.key, line.by_use)
        bill[key] = _sum(bill.get(key, Quantity(0, 0)), line)
    return dict(sorted(bill.items()))


def month(bill: Bill, prices: PriceTable) -> str:
    """
    Format the table of a month.

    Args:
        bill: What is billed.
        prices: The prices.
    """
    rows = [_row(key, by_use, bill[key, by_use], prices) for key, by_use in _in_order(bill)]
    totals = [_total(bill, prices, region) for region in REGIONS]
    head = ["item", "quantity", *(f"USD in {region}" for region in REGIONS)]
    return table(head, [*rows, ["total", "", *totals]])


def page(text: str, terraform: str, prices: PriceTable) -> str:
    """
    Replace the tables of a page.

    Args:
        text: The page.
        terraform: Text with the comments where the page itself has none before a table.
        prices: The prices.

    Raises:
        ValueError: There are no such comments.
    """
    before, mark, rest = text.partition(BEGIN)
    if not mark:
        return text
    _, _, after = rest.partition(END)
    example = next(
        (block for block in reversed(before.split("```hcl\n")[1:]) if has_bill(block)), terraform
    )
    if not has_bill(example):
        msg = "no # bills: comment above a table of monthly costs"
        raise ValueError(msg)
    made = month(stated(example), prices)
    return f"{before}{BEGIN}\n{made}\n\n{END}{page(after, terraform, prices)}"


def _quantity(term: str) -> tuple[tuple[str, bool], Quantity]:
    """Parse one term of a comment."""
    match = _TERM.fullmatch(term)
    if not match:
        text = f"{term}: expected KEY=N, KEY=N..M, KEY=use or KEY=unknown"
        raise ValueError(text)
    if match["word"]:
        return (match["key"], match["word"] == "use"), Quantity(None, None)
    least = float(match["least"])
    return (match["key"], False), Quantity(least, float(match["most"] or least))


def _sum(quantity: Quantity, line: CostLine) -> Quantity:
    """Add a line; what is not known stays unknown."""
    if None in (quantity.least, quantity.most, line.least, line.most):
        return Quantity(None, None)
    return Quantity(
        (quantity.least or 0) + (line.least or 0), (quantity.most or 0) + (line.most or 0)
    )


def _in_order(bill: Bill) -> list[tuple[str, bool]]:
    """The fixed items first, then those that are billed by use."""
    return sorted(bill, key=lambda item: (item[1], item[0]))


def _row(key: str, by_use: bool, quantity: Quantity, prices: PriceTable) -> list[str]:
    """One item: its quantity, and quantity x price = amount in each region."""
    found = [prices.find(key, region) for region in REGIONS]
    unit = next((price.unit for price in found if price.unit), "")
    if by_use:
        return [code(key), "by use", *(_unit_price(price) for price in found)]
    amounts = (_amount(quantity, price) for price in found)
    return [code(key), _units(quantity, unit), *amounts]


def _units(quantity: Quantity, unit: str) -> str:
    """The quantity with its unit; hours as how many all month."""
    if quantity.least is not None and unit.endswith("hour"):
        return f"{_range(quantity, 1 / HOURS)} x {HOURS} {unit}"
    return f"{quantity.text} {unit}".rstrip()


def _unit_price(price: Price) -> str:
    """The price of one unit."""
    return "unknown" if price.usd is None else f"{price.usd:g} per {price.unit}"


def _amount(quantity: Quantity, price: Price) -> str:
    """The arithmetic of one item."""
    if price.usd is None or quantity.least is None:
        return "unknown"
    return f"x {price.usd:g} = {_range(quantity, price.usd, digits=2)}"


def _total(bill: Bill, prices: PriceTable, region: str) -> str:
    """The sum of a region, and how many items it lacks."""
    least = most = 0.0
    unknown = 0
    for (key, by_use), quantity in bill.items():
        usd = prices.find(key, region).usd
        if by_use:
            continue
        if usd is None or quantity.least is None or quantity.most is None:
            unknown += 1
            continue
        least, most = least + quantity.least * usd, most + quantity.most * usd
    lacking = f" + {unknown} unknown" if unknown else ""
    return f"{_range(Quantity(least, most), 1, digits=2)}{lacking}"


def _range(quantity: Quantity, factor: float, digits: int | None = None) -> str:
    """One number, or two when they differ."""
    low, high = (
        f"{(number or 0) * factor:.10g}"
        if digits is None
        else f"{(number or 0) * factor:.{digits}f}"
        for number in (quantity.least, quantity.most)
    )
    return low if low == high else f"{low} to {high}"
