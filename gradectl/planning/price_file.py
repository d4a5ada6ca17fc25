"""Reads the tables of prices: the one of this package, and that of the project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gradectl.environment import FOLDER, Region, StrictModel, read_mapping, validated
from gradectl.planning.cost import Price, PriceTable

#: The project's own table, in environments/.
FILE = "prices.yaml"
_OURS = Path(__file__).parent / FILE
_Text = Annotated[str, Field(min_length=1)]


class _Line(StrictModel):
    """One price, with where it is from."""

    key: _Text
    region: Region
    usd: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)] | Literal["unknown"]
    unit: _Text
    source: _Text
    date: _Text


class _File(StrictModel):
    """A table of prices."""

    schema_version: Literal[1]
    prices: list[_Line]


def read_prices(project_root: Path) -> PriceTable:
    """
    Read the prices of this package, with those of the project in their place.

    Args:
        project_root: The folder that holds environments/.

    Raises:
        ConfigurationError: environments/prices.yaml is invalid.
    """
    own = project_root / FOLDER / FILE
    files = [_OURS, *([own] if own.is_file() else [])]
    return PriceTable([price for path in files for price in _read(path)])


def _read(path: Path) -> list[Price]:
    """The prices of one file."""
    where = f"{path.parent.name}/{path.name}"
    return [
        Price(
            key=line.key,
            region=line.region,
            usd=None if line.usd == "unknown" else float(line.usd),
            unit=line.unit,
            source=line.source,
            date=line.date,
        )
        for line in validated(_File, read_mapping(path, where), where).prices
    ]
