"""Time of submissions with ten cases, and of a case of a Java program."""

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
_PROGRAMS = Path(__file__).with_name("programs")


def measure(launcher: Path) -> Measured:
    """Baseline: the bare tools doing the same; the two take turns."""
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
    This judge, and the same work by bare tools.

    Args:
        ours: The judge, with the problem.
        bare: Runs bare programs on the inputs of the same problem.
    """

    ours: judge.Judge
    bare: Bare

    def cpp(self) -> Measured:
        """Measure new sources against g++ and ten runs, and a cached one against ten runs."""
        program = self.bare.directory / "program"
        everything, few = find("accepted.cpp").path, _PROGRAMS / "few_headers.cpp"

        def compile_and_run(source: Path) -> None:
            self.bare.build(*_GXX, "-o", program, source)
            self.bare.run(program)

        say("C++ submissions")
        cold = self._seconds("cpp", _fresh(everything), lambda: compile_and_run(everything))
        yield "cpp_submission_10_cases_seconds", Figure(*cold, _ROUNDS, _COLD_AIM)
        other = self._seconds("cpp", _fresh(few), lambda: compile_and_run(few))
        yield "cpp_few_headers_10_cases_seconds", Figure(*other, _ROUNDS)
        cached = self._seconds("cpp", everything.read_bytes, lambda: self.bare.run(program))
        yield "cpp_submission_10_cases_cached_seconds", Figure(*cached, _ROUNDS)

    def python(self) -> Measured:
        """Measure a new Python submission against ten runs of a bare interpreter."""
        say("a Python submission")
        source = find("accepted.py").path
        seconds = self._seconds(
            "python",
            _fresh(source, comment="#"),
            lambda: self.bare.run("/usr/bin/python3", "-I", source),
        )
        yield "python_submission_10_cases_seconds", Figure(*seconds, _ROUNDS)

    def java(self) -> Measured:
        """Measure a new source against javac and ten runs, and then a case of a cached one."""
        if not shutil.which("javac"):
            yield "java_case_ms", Absent("no javac; apt-get install default-jdk-headless")
            return
        say("a Java submission")
        source = _PROGRAMS / "Solution.java"

        def run() -> None:
            self.bare.run("/usr/bin/java", "-cp", self.bare.directory, source.stem)

        def compile_and_run() -> None:
            self.bare.build("javac", "-d", self.bare.directory, source)
            run()

        cold = self._seconds("java", _fresh(source), compile_and_run)
        yield "java_submission_10_cases_seconds", Figure(*cold, _ROUNDS)
        ours, _, theirs = self._seconds("java", source.read_bytes, run)
        yield (
            "java_case_ms",
            Figure(1000 * ours / _CASES, "ms", 1000 * theirs / _CASES, _CASES * _ROUNDS),
        )

    def _seconds(
        self, language: str, source: Callable[[], bytes], bare: Callable[[], object]
    ) -> tuple[float, str, float]:
        """Arguments of `Figure`: medians with the unit between; the first round is not counted."""
        rounds = [
            (timed(self.ours.accept, _PROBLEM, language, source()), timed(bare))
            for _ in range(1 + _ROUNDS)
        ]
        ours, theirs = zip(*rounds[1:], strict=True)
        return statistics.median(ours), "seconds", statistics.median(theirs)


def _fresh(source: Path, comment: str = "//") -> Callable[[], bytes]:
    """Return the source with a unique comment each time, so that no cache has it."""
    return lambda: source.read_bytes() + f"{comment} {secrets.token_hex(8)}\n".encode()
