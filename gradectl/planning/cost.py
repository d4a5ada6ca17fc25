"""The monthly cost of an environment: quantities from the plan, prices from a table, arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gradectl.planning.meters.catalogue import billed_items
from gradectl.planning.meters.items import Side
from gradectl.planning.plan import Plan


@dataclass(frozen=True)
class Price:
    """
    One line of the table of prices.

    Attributes:
        key: Name of the billed item.
        region: AWS region.
        usd: US dollars for one unit; None when it is unknown.
        unit: The billed unit.
        source: Where the number is from.
        date: When it was read.
    """

    key: str
    region: str
    usd: float | None
    unit: str
    source: str
    date: str


@dataclass(frozen=True)
class CostLine:
    """
    One billed item of a resource.

    Attributes:
        address: Terraform's address of the resource.
        item: The billed item.
        least: Units a month with the fewest tasks or instances; None when it is unknown.
        most: Units a month with the most of them.
        price: The price; its `usd` may be None.
        by_use: True when the bill depends on use, so that there is no quantity.
    """

    address: str
    item: str
    least: float | None
    most: float | None
    price: Price
    by_use: bool = False

    @property
    def usd(self) -> tuple[float, float] | None:
        """Dollars a month, least and most; None when the quantity or the price is unknown."""
        if self.by_use or self.price.usd is None or self.least is None or self.most is None:
            return None
        return self.least * self.price.usd, self.most * self.price.usd

    @property
    def unknown(self) -> bool:
        """Whether the line should have an amount and has none."""
        return not self.by_use and self.usd is None


@dataclass(frozen=True)
class Estimate:
    """The cost of all resources for a month."""

    lines: tuple[CostLine, ...]

    @property
    def least(self) -> float:
        """Dollars a month with the fewest tasks, of the lines that have an amount."""
        return sum(line.usd[0] for line in self.lines if line.usd)

    @property
    def most(self) -> float:
        """Dollars a month with the most tasks, of the lines that have an amount."""
        return sum(line.usd[1] for line in self.lines if line.usd)

    @property
    def unknown(self) -> tuple[CostLine, ...]:
        """The lines without an amount, which are not part of the total."""
        return tuple(line for line in self.lines if line.unknown)

    @property
    def by_use(self) -> tuple[CostLine, ...]:
        """The lines that are billed by use, which are not part of the total."""
        return tuple(line for line in self.lines if line.by_use)


@dataclass(frozen=True)
class CostChange:
    """The estimates before and after the changes of a plan."""

    before: Estimate
    after: Estimate


class PriceTable:
    """
    The prices of all regions.

    Args:
        prices: The lines; a later one replaces an earlier one of the same key and region.
    """

    def __init__(self, prices: Sequence[Price]) -> None:
        self._prices = {(price.key, price.region): price for price in prices}

    def find(self, key: str, region: str) -> Price:
        """Return a price; an unknown one when the table has no line for it."""
        missing = Price(key, region, None, "", "no line in the table of prices", "")
        return self._prices.get((key, region), missing)


def cost_change(plan: Plan, prices: PriceTable, region: str) -> CostChange:
    """
    Estimate the monthly cost before and after a plan.

    Args:
        plan: The plan.
        prices: The prices.
        region: The region of the environment.
    """
    before = [(each, each.before) for each in plan.resources if isinstance(each.before, Mapping)]
    after = [(each, each.after) for each in plan.resources if isinstance(each.after, Mapping)]
    return CostChange(
        _estimate(Side(tuple(before)), prices, region),
        _estimate(Side(tuple(after)), prices, region),
    )


def _estimate(side: Side, prices: PriceTable, region: str) -> Estimate:
    """Multiply the quantities of one side by their prices."""
    return Estimate(
        tuple(
            CostLine(
                resource.address,
                item.name,
                item.least,
                item.most,
                prices.find(item.key, region),
                item.by_use,
            )
            for resource, values in side.resources
            for item in billed_items(resource, values, side)
        )
    )
