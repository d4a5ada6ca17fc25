"""Judging by the built-in comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.contract.verdicts import Fault, Verdict
from grader.judge.checker import BuiltInChecker, CasePaths, Judgement
from grader.judge.output_validator import check_limits
from grader.problems.model import CaseFiles, ProblemSettings, StoredFile

NO_FILE = StoredFile("", 0, "")


@pytest.fixture
def paths(tmp_path: Path) -> CasePaths:
    """A case whose answer is Yes 1.0."""
    found = CasePaths(*(tmp_path / name for name in ("input", "answer", "output")))
    found.answer.write_text("Yes 1.0\n")
    return found


def judge(paths: CasePaths, output: str, *flags: str, case_sensitive: bool = True) -> Judgement:
    paths.output.write_text(output)
    checker = BuiltInChecker(ProblemSettings(case_sensitive=case_sensitive))
    return checker.judge(CaseFiles("1", NO_FILE, NO_FILE, flags=flags), paths)


def test_a_right_output_is_accepted(paths: CasePaths) -> None:
    """Nobody is at fault, and there is nothing to say."""
    assert judge(paths, "Yes  1.0") == Judgement(Verdict.ACCEPTED)


def test_a_wrong_one_says_where_and_who_is_at_fault(paths: CasePaths) -> None:
    """Without the answer."""
    wrong = judge(paths, "Yes\n2.0")

    assert (wrong.verdict, wrong.fault) == (Verdict.WRONG_ANSWER, Fault.SUBMISSION)
    assert wrong.reason == "line 2, token 2 of the output is not right"


def test_flags_of_the_case_and_settings_of_the_problem_hold(paths: CasePaths) -> None:
    """Packages take yes for Yes; flags decide where they speak."""
    assert judge(paths, "yes 1.0").verdict is Verdict.WRONG_ANSWER
    assert judge(paths, "yes 1.0", case_sensitive=False).verdict is Verdict.ACCEPTED
    assert judge(paths, "Yes 1.1", "float_tolerance", "0.2").verdict is Verdict.ACCEPTED


def test_limits_of_a_validator_are_the_problem_s_within_bounds() -> None:
    """A problem cannot block a box for an hour."""
    default = check_limits(ProblemSettings())
    asked = check_limits(ProblemSettings(check_time_ms=1000, check_memory_mb=64, check_output_mb=1))
    greedy = check_limits(
        ProblemSettings(check_time_ms=3_600_000, check_memory_mb=9999, check_output_mb=9999)
    )

    assert (default.cpu_ms, default.memory_mb, default.output_bytes) == (20_000, 512, 8 << 20)
    assert (asked.cpu_ms, asked.memory_mb, asked.output_bytes) == (1000, 64, 1 << 20)
    assert (greedy.cpu_ms, greedy.memory_mb, greedy.output_bytes) == (60_000, 1024, 64 << 20)
