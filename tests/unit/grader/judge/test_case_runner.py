"""From one case to its result, with a sandbox that says what it is told to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from grader.contract.verdicts import Fault, Verdict
from grader.errors import SandboxError
from grader.judge.case_fetcher import OpenCase
from grader.judge.case_runner import CaseRunner
from grader.judge.checker import CasePaths, Judgement
from grader.judge.execution_log import ExecutionLog
from grader.judge.program import Program
from grader.languages import Language, find
from grader.problems.model import CaseFiles, StoredFile
from grader.sandbox.runs import RunLimits, RunOutcome, StopReason

LIMITS = RunLimits(
    cpu_ms=1000,
    wall_ms=3000,
    memory_mb=64,
    output_bytes=1 << 20,
    processes=16,
    bound_address_space=True,
)
FILE = StoredFile("1.in", 1, "etag")
CASE = OpenCase(CaseFiles("group/1\n", FILE, FILE), Path("input"), Path("answer"))
FINE = RunOutcome(StopReason.ENDED, 0, 0, cpu_us=1001, wall_us=2500, peak_kb=1025)


@dataclass
class ScriptedProgram:
    """A submission that ends as it is told to."""

    outcome: RunOutcome = FINE
    refused_memory: bool = False
    words: bytes = b""
    limits: RunLimits = LIMITS
    language: Language = field(default_factory=lambda: find("c"))
    stdout: Path = Path("stdout")
    given: list[Path] = field(default_factory=list)

    def run(self, stdin: Path) -> RunOutcome:
        """End."""
        self.given.append(stdin)
        return self.outcome

    def was_refused_memory(self) -> bool:
        """Say what was told."""
        return self.refused_memory

    def stderr_tail(self) -> bytes:
        """Say what was told."""
        return self.words


@dataclass
class ScriptedChecker:
    """A checker that says what it is told to."""

    judgement: Judgement = field(default_factory=lambda: Judgement(Verdict.ACCEPTED))
    asked: list[CasePaths] = field(default_factory=list)

    def judge(self, case: CaseFiles, paths: CasePaths) -> Judgement:
        """Judge."""
        assert case is CASE.case
        self.asked.append(paths)
        return self.judgement


@dataclass
class Bench:
    """A runner and everything around it."""

    program: ScriptedProgram = field(default_factory=ScriptedProgram)
    checker: ScriptedChecker = field(default_factory=ScriptedChecker)
    execution: ExecutionLog = field(default_factory=ExecutionLog)

    @property
    def runner(self) -> CaseRunner:
        """Put together."""
        return CaseRunner(cast(Program, self.program), self.checker, self.execution)


@pytest.fixture
def bench() -> Bench:
    """A submission that is right."""
    return Bench()


def test_an_accepted_case_shows_what_it_took(bench: Bench) -> None:
    """In the units of the contract, rounded up, and finer beside them."""
    result = bench.runner.run(7, CASE)

    assert (result.case, result.status, result.time, result.memory) == (7, "AC", 2, 2)
    assert (result.wall_time, result.memory_kb) == (3, 1025)
    assert (result.fault, result.reason, result.score) == (None, None, None)
    assert bench.program.given == [Path("input")]
    assert bench.checker.asked == [CasePaths(Path("input"), Path("answer"), Path("stdout"))]


def test_what_a_checker_says_is_the_result(bench: Bench) -> None:
    """Its verdict, points, reason and fault."""
    bench.checker.judgement = Judgement(
        Verdict.WRONG_ANSWER, score=0.5, reason="line 3 differs", fault=Fault.SUBMISSION
    )
    result = bench.runner.run(1, CASE)

    assert (result.status, result.score) == ("WA", 0.5)
    assert (result.fault, result.reason) == ("submission", "line 3 differs")


@pytest.mark.parametrize(
    ("outcome", "refused_memory", "verdict"),
    [
        (RunOutcome(StopReason.CPU, 0, 9, 1_013_000, 1, 1), True, "TLE"),
        (RunOutcome(StopReason.OUTPUT, 0, 0, 1, 1, 1), False, "OLE"),
        (RunOutcome(StopReason.ENDED, 1, 0, 1, 1, 1), True, "MLE"),
        (RunOutcome(StopReason.ENDED, 1, 0, 1, 1, 1), False, "RE"),
    ],
)
def test_output_of_a_run_that_went_wrong_is_not_judged(
    bench: Bench, outcome: RunOutcome, verdict: str, *, refused_memory: bool
) -> None:
    """It may be anything, and a checker might even like it."""
    bench.program.outcome = outcome
    bench.program.refused_memory = refused_memory
    result = bench.runner.run(1, CASE)

    assert (result.status, result.fault) == (verdict, "submission")
    assert result.reason
    assert bench.checker.asked == []


def test_a_right_program_that_recovered_from_want_of_memory_is_right(bench: Bench) -> None:
    """What it said on the way does not matter."""
    bench.program.refused_memory = True

    assert bench.runner.run(1, CASE).status == "AC"


def test_the_log_tells_a_case_on_one_line(bench: Bench) -> None:
    """Its name cannot write a line of its own, and a right program's words are not kept."""
    bench.program.words = b"hello"
    bench.runner.run(1, CASE)

    assert bench.execution.to_bytes().decode() == (
        "case 1 (group/1\N{REPLACEMENT CHARACTER}): AC, 2 ms CPU, 3 ms wall, 1025 kB, exit code 0\n"
    )


def test_the_log_keeps_why_and_the_last_words_of_what_failed(bench: Bench) -> None:
    """Who runs the judge sees both."""
    bench.program.outcome = RunOutcome(StopReason.ENDED, 3, 0, 1, 1, 1)
    bench.program.words = b"oh\xff no\x1b[31m"
    bench.runner.run(1, CASE)

    lines = bench.execution.to_bytes().decode().splitlines()
    assert lines[1:] == [
        "  exit code 3",
        "  stderr: oh\N{REPLACEMENT CHARACTER} no\N{REPLACEMENT CHARACTER}[31m",
    ]


def test_a_sandbox_that_fails_gives_no_verdict(bench: Bench) -> None:
    """The error passes through, and the request is tried again."""

    class Broken(ScriptedProgram):
        def run(self, stdin: Path) -> RunOutcome:
            raise SandboxError("no launcher", where=str(stdin))

    bench.program = Broken()

    with pytest.raises(SandboxError):
        bench.runner.run(1, CASE)
