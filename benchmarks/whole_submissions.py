"""How long a submission of ten cases takes, and what a case of a Java program costs."""

from __future__ import annotations

import secrets
import shutil
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import judge
from bare import Bare
from figures import Absent, Aim, Figure, Measured, timed
from progress import say
from ten_submissions import cases, find

_ROUNDS = 7
_PROBLEM = "sum"
_CASES = len(list(cases()))
_COLD_AIM = Aim(0.6)
_GXX = ("g++", "-std=gnu++20", "-O2")


def measure(launcher: Path) -> Measured:
    """Each beside the bare tools doing the same; the two take turns."""
    with (
        TemporaryDirectory() as name,
        judge.running(launcher, time_limit_ms=5000, memory_limit_mb=256) as ours,
    ):
        ours.add_problem(_PROBLEM, cases())
        contest = _Contest(ours, Bare(Path(name), list(cases())))
        yield from contest.cpp()
        yield from contest.python()
        yield from contest.java()


@dataclass(frozen=True)
class _Contest:
    """
    Our judge, and the same work without one.

    Args:
        ours: The judge, with the problem.
        bare: The inputs of the same problem.
    """

    ours: judge.Judge
    bare: Bare

    def cpp(self) -> Measured:
        """A new source, against bare g++ and ten runs; then a known one, against the runs."""
        say("a C++ submission with bits/stdc++.h")
        source = find("accepted.cpp").path
        program = self.bare.directory / "program"

        def compile_and_run() -> None:
            self.bare.build(*_GXX, "-o", program, source)
            self.bare.run(program)

        def fresh() -> bytes:
            return source.read_bytes() + f"// {secrets.token_hex(8)}\n".encode()

        cold = self._medians("cpp", fresh, compile_and_run)
        yield (
            "cpp_submission_10_cases_seconds",
            Figure(cold[0], "seconds", cold[1], _ROUNDS, _COLD_AIM),
        )
        cached = self._medians("cpp", source.read_bytes, lambda: self.bare.run(program))
        yield (
            "cpp_submission_10_cases_cached_seconds",
            Figure(cached[0], "seconds", cached[1], _ROUNDS),
        )

    def python(self) -> Measured:
        """All that a Python submission costs, against ten runs of a bare interpreter."""
        say("a Python submission")
        source = find("accepted.py").path
        ours, theirs = self._medians(
            "python", source.read_bytes, lambda: self.bare.run("/usr/bin/python3", "-I", source)
        )
        yield "python_submission_10_cases_seconds", Figure(ours, "seconds", theirs, _ROUNDS)

    def java(self) -> Measured:
        """A case of a submission that is in the compile cache, against a bare `java`."""
        if not shutil.which("javac"):
            yield "java_case_ms", Absent("no javac; apt-get install default-jdk-headless")
            return
        say("a Java submission")
        source = Path(__file__).with_name("Solution.java")
        self.bare.build("javac", "-d", self.bare.directory, source)
        command = ("/usr/bin/java", "-cp", self.bare.directory, source.stem)
        medians = self._medians("java", source.read_bytes, lambda: self.bare.run(*command))
        ours, theirs = (1000 * seconds / _CASES for seconds in medians)
        yield "java_case_ms", Figure(ours, "ms", theirs, _CASES * _ROUNDS)

    def _medians(
        self, language: str, source: Callable[[], bytes], bare: Callable[[], object]
    ) -> tuple[float, float]:
        """Seconds of both; the first round is not counted."""
        rounds = [
            (timed(self.ours.accept, _PROBLEM, language, source()), timed(bare))
            for _ in range(1 + _ROUNDS)
        ]
        ours, theirs = zip(*rounds[1:], strict=True)
        return statistics.median(ours), statistics.median(theirs)
