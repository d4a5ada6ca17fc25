"""Cases of a native program that one core judges per second."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import judge
from bare import Bare
from figures import Aim, Figure, Measured, timed
from progress import say
from ten_submissions import Case, find

_CASES = 200
_ROUNDS = 7
_PROBLEM = "many-cases"
_AIM = Aim(400, at_least=True)


def measure(launcher: Path) -> Measured:
    """
    Measure a submission from its request to its stored result, divided by its number of cases.

    Baseline: `posix_spawn` of the same program on the same inputs, on the same core; the two take
    turns. The program is compiled beforehand.
    """
    say("cases of a native program, on one core")
    cases = [
        Case(f"2\n{number} 1\n".encode(), f"{number + 1}\n".encode()) for number in range(_CASES)
    ]
    source = find("accepted.c").path
    with (
        _one_core(),
        TemporaryDirectory() as name,
        judge.running(launcher, time_limit_ms=1000, memory_limit_mb=64) as ours,
    ):
        bare = Bare(Path(name), cases)
        program = bare.directory / "program"
        bare.build("gcc", "-O2", "-o", program, source)
        ours.add_problem(_PROBLEM, cases)
        rounds = [
            (
                timed(ours.accept, _PROBLEM, "c", source.read_bytes()),
                timed(bare.run, program),
            )
            for _ in range(1 + _ROUNDS)
        ]
    rates = [_CASES / statistics.median(column) for column in zip(*rounds[1:], strict=True)]
    yield (
        "native_cases_per_second_per_core",
        Figure(rates[0], "cases/s", rates[1], _CASES * _ROUNDS, _AIM),
    )


@contextmanager
def _one_core() -> Iterator[None]:
    """Pin this process and its children to one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
