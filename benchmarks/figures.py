"""What a measurement is, and how it is written down."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Aim:
    """
    What a figure should reach.

    Args:
        bound: In the figure's unit.
        at_least: Whether more is better.
    """

    bound: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        """In the form of the table."""
        return f"{'>=' if self.at_least else '<='} {self.bound:g}"


@dataclass(frozen=True)
class Figure:
    """
    One measured value beside its baseline from the same run.

    Args:
        value: What was measured.
        unit: Of value and baseline.
        baseline: The same without us, or by others.
        n: How many measurements are behind the value.
        aim: What it should reach; None where nothing was promised.
    """

    value: float
    unit: str
    baseline: float
    n: int
    aim: Aim | None = None

    @property
    def ratio(self) -> float:
        """How the value compares with its baseline."""
        return self.value / self.baseline

    def document(self) -> dict[str, object]:
        """In the form of the report."""
        document: dict[str, object] = {
            "value": _short(self.value),
            "unit": self.unit,
            "baseline": _short(self.baseline),
            "n": self.n,
            "ratio": _short(self.ratio),
        }
        if self.aim:
            document |= {"aim": str(self.aim), "aim_met": self.aim.met_by(self.value)}
        return document

    def row(self, name: str) -> str:
        """In the form of the table."""
        aim = ""
        if self.aim:
            aim = f"  {'met   ' if self.aim.met_by(self.value) else 'MISSED'} {self.aim}"
        return (
            f"{name:36} {_short(self.value):>10} {self.unit:<12}"
            f" baseline {_short(self.baseline):>10}  ratio {_short(self.ratio):>8}{aim}"
        )


@dataclass(frozen=True)
class Absent:
    """
    A figure that could not be measured here.

    Args:
        reason: Why, and what would help.
    """

    reason: str


#: What a benchmark hands over: the name of a figure, and the figure.
Measured = Iterator[tuple[str, Figure | Absent]]


def timed(work: Callable[..., object], *arguments: object) -> float:
    """Seconds that one call takes."""
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def clocked(work: Callable[..., _T], *arguments: object) -> tuple[float, _T]:
    """Seconds that one call takes, and what it returns."""
    started = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - started, result


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of all are not above."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def write(measured: Mapping[str, Figure | Absent], path: Path) -> None:
    """Write the report that `make bench` promises, and show it."""
    figures = {name: one for name, one in measured.items() if isinstance(one, Figure)}
    absent = {name: one.reason for name, one in measured.items() if isinstance(one, Absent)}
    document = {
        "schema_version": SCHEMA_VERSION,
        "figures": {name: figure.document() for name, figure in figures.items()},
        "absent": absent,
        "machine": {"cores": os.cpu_count(), "load_average": os.getloadavg()},
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")
    for name, figure in figures.items():
        print(figure.row(name))
    for name, reason in absent.items():
        print(f"{name:36} absent: {reason}")
    if os.getloadavg()[1] > (os.cpu_count() or 1):
        print("The machine was busy with other things: believe the ratios, not the values.")


def _short(part: float) -> float:
    return float(f"{part:.4g}")
