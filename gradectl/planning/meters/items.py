"""The billed items of a resource, and what their meters share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gradectl.planning.plan import Resource

#: Hours of an average month, as AWS counts them.
HOURS = 730


@dataclass(frozen=True)
class Item:
    """A billed item: key of its price, what it is, and units a month; None when unknown."""

    key: str
    name: str
    least: float | None = None
    most: float | None = None
    by_use: bool = False


@dataclass(frozen=True)
class Side:
    """All resources before or after the changes, with their values."""

    resources: tuple[tuple[Resource, Mapping[str, Any]], ...]

    def of(self, kind: str, module: str) -> Iterator[Mapping[str, Any]]:
        """The values of all resources of a type in a module."""
        return (
            values
            for resource, values in self.resources
            if resource.kind == kind and resource.module == module
        )


#: Gives the items of a resource, from its values and all resources of its side.
Meter = Callable[[Resource, Mapping[str, Any], Side], list[Item]]


def fixed(key: str, name: str, units: float, *uses: tuple[str, str]) -> Meter:
    """A fixed quantity a month, and items by use as key and name."""

    def meter(_resource: Resource, _values: Mapping[str, Any], _side: Side) -> list[Item]:
        return [Item(key, name, units, units), *(Item(*use, by_use=True) for use in uses)]

    return meter


def used(*uses: tuple[str, str]) -> Meter:
    """Items by use only, as key and name."""

    def meter(_resource: Resource, _values: Mapping[str, Any], _side: Side) -> list[Item]:
        return [Item(*use, by_use=True) for use in uses]

    return meter


def given(values: Mapping[str, Any], name: str) -> bool:
    """Whether a value is set; the provider has some numbers as texts."""
    return values.get(name) not in (None, "")


def number(value: object) -> float:
    """A number or a text of one; 0 for anything else, such as a value that is not known yet."""
    try:
        return float(value) if isinstance(value, int | float | str) else 0.0
    except ValueError:
        return 0.0
