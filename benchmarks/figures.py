"""What a measurement is, and how it is written down."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Figure:
    """One measured value beside its baseline from the same run."""

    value: float
    unit: str
    baseline: float
    n: int

    @property
    def ratio(self) -> float:
        """How the value compares with its baseline."""
        return self.value / self.baseline


def timed(work: Callable[..., object], *arguments: object) -> float:
    """Seconds that one call takes."""
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of all are not above."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def write(figures: dict[str, Figure], path: Path) -> None:
    """Write the report that `make bench` promises, and show it."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "figures": {
            name: {
                **{key: _short(part) for key, part in asdict(figure).items()},
                "ratio": _short(figure.ratio),
            }
            for name, figure in figures.items()
        },
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")
    for name, figure in figures.items():
        print(
            f"{name:36} {_short(figure.value):>10} {figure.unit:<10}"
            f" baseline {_short(figure.baseline):>10}  ratio {_short(figure.ratio):>8}"
        )


def _short(part: float | str) -> float | str:
    return float(f"{part:.4g}") if isinstance(part, float) else part
