"""Time of `gradectl --help`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from figures import Figure, Measured, percentile, timed

_RUNS = 20
_GRADECTL = str(Path(sys.executable).with_name("gradectl"))


def measure() -> Measured:
    """Baseline: an interpreter that only imports click; the two take turns."""
    pairs = [
        (timed(_run, _GRADECTL, "--help"), timed(_run, sys.executable, "-c", "import click"))
        for _ in range(_RUNS)
    ]
    ours, bare = zip(*pairs, strict=True)
    yield (
        "cli_help_seconds",
        Figure(percentile(ours, 50), "seconds", percentile(bare, 50), _RUNS),
    )


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
