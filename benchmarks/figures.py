"""Measured figures, their aims, and the report."""

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
    Target of a figure.

    Args:
        bound: Bound, in the unit of the figure.
        at_least: Whether it is a lower bound.
    """

    bound: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Whether a value reaches the aim."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        """Format for the table."""
        return f"{'>=' if self.at_least else '<='} {self.bound:g}"


@dataclass(frozen=True)
class Figure:
    """
    A measured value with its baseline from the same run.

    Args:
        value: Measured value.
        unit: Unit of value and baseline.
        baseline: The same work by bare tools or by another judge.
        n: Number of measurements.
        aim: Target; None if there is none.
    """

    value: float
    unit: str
    baseline: float
    n: int
    aim: Aim | None = None

    @property
    def ratio(self) -> float:
        """Value divided by baseline."""
        return self.value / self.baseline

    def document(self) -> dict[str, object]:
        """Format for the report."""
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
        """Format for the table."""
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
    A figure that could not be measured on this machine.

    Args:
        reason: Why, and how to change that.
    """

    reason: str


#: What a benchmark yields: names of figures, and the figures.
Measured = Iterator[tuple[str, Figure | Absent]]


def timed(work: Callable[..., object], *arguments: object) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def clocked(work: Callable[..., _T], *arguments: object) -> tuple[float, _T]:
    """Seconds of one call, and its result."""
    started = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - started, result


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of the values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def write(measured: Mapping[str, Figure | Absent], path: Path) -> None:
    """Write the report to `path` and print it; the last line sums up the aims."""
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
        print("The machine was busy with other things: compare the ratios, not the values.")
    print(summary(measured))


def summary(measured: Mapping[str, Figure | Absent]) -> str:
    """Count the aims that were met, and name those that were missed or not measured."""
    aims = {
        name: one.aim.met_by(one.value)
        for name, one in measured.items()
        if isinstance(one, Figure) and one.aim
    }
    missed = [name for name, met in aims.items() if not met]
    absent = [name for name, one in measured.items() if isinstance(one, Absent)]
    parts = [f"aims: {len(aims) - len(missed)} met", f"{len(missed)} missed{_listed(missed)}"]
    if absent:
        parts.append(f"{len(absent)} not measured{_listed(absent)}")
    return ", ".join(parts)


def _listed(names: Sequence[str]) -> str:
    return f" ({', '.join(names)})" if names else ""


def _short(part: float) -> float:
    return float(f"{part:.4g}")
