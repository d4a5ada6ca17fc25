"""What the sandbox adds to starting a program."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from figures import Figure, percentile, timed

from grader.contract.runs import Role, RunLimits, RunSpec
from grader.sandbox import Box

_RUNS = 300
_PROGRAM = "/usr/bin/true"
_LIMITS = RunLimits(
    cpu_ms=1000,
    wall_ms=3000,
    memory_mb=64,
    output_bytes=1 << 16,
    processes=1,
    bound_address_space=True,
)


def measure(launcher: Path) -> Iterator[tuple[str, Figure]]:
    """
    Against `posix_spawn` of the same program; the two take turns.

    Args:
        launcher: An installed launcher.
    """
    with Box.claim(launcher) as box, tempfile.TemporaryDirectory() as name:
        pairs = [(timed(_in_sandbox, box, Path(name)), timed(_bare)) for _ in range(_RUNS)]
    added = [1000 * (ours - theirs) for ours, theirs in pairs]
    baseline = 1000 * percentile([theirs for _, theirs in pairs], 50)
    for percent in (50, 95):
        value = percentile(added, percent)
        yield f"sandbox_overhead_ms_p{percent}", Figure(value, "ms", baseline, _RUNS)


def _in_sandbox(box: Box, directory: Path) -> None:
    stdout, stderr = directory / "stdout", directory / "stderr"
    outcome = box.run(
        RunSpec(
            role=Role.RUN,
            policy="native",
            argv=(_PROGRAM,),
            limits=_LIMITS,
            stdin=Path(os.devnull),
            stdout=stdout,
            stderr=stderr,
        )
    )
    if not outcome.succeeded:
        raise SystemExit(f"the sandbox did not run {_PROGRAM}: {outcome}")
    stdout.unlink()
    stderr.unlink()


def _bare() -> None:
    os.waitpid(os.posix_spawn(_PROGRAM, [_PROGRAM], {}), 0)
