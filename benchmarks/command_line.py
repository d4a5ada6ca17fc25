"""Time of `gradectl --help`, and processor time of the health probe of a worker."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from figures import Aim, Figure, Measured, percentile, timed

from grader.worker.health import Health, serving

_RUNS = 20
_GRADECTL = str(Path(sys.executable).with_name("gradectl"))
_GRADER = str(Path(sys.executable).with_name("grader"))
_MS_PER_SECOND = 1000


def measure() -> Measured:
    """Baseline of the help: an interpreter that only imports click; the two take turns."""
    pairs = [
        (timed(_run, _GRADECTL, "--help"), timed(_run, sys.executable, "-c", "import click"))
        for _ in range(_RUNS)
    ]
    ours, bare = zip(*pairs, strict=True)
    yield (
        "cli_help_seconds",
        Figure(percentile(ours, 50), "seconds", percentile(bare, 50), _RUNS),
    )
    yield "health_probe_cpu_ms", _probe()


def _probe() -> Figure:
    """Baseline: an interpreter that does nothing; the two take turns."""
    health = Health("database")
    health.good("database")
    with serving(health, 0) as port:
        pairs = [
            (
                _processor_ms(_GRADER, "health", HEALTH_PORT=str(port)),
                _processor_ms(sys.executable, "-c", "pass"),
            )
            for _ in range(_RUNS)
        ]
    ours, bare = zip(*pairs, strict=True)
    return Figure(percentile(ours, 50), "ms", percentile(bare, 50), _RUNS, Aim(30))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _processor_ms(*command: str, **environment: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds * _MS_PER_SECOND
