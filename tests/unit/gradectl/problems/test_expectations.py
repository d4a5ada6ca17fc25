"""Expected verdicts by folder, and the time limit compared with measured times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.problems.expectations import EXPECTATIONS, Timing, deviation, suggest_limit
from grader.contract.messages import CaseResult, Grade
from grader.contract.verdicts import Verdict


def grade(*verdicts: str, score: int = 0) -> Grade:
    """Make a grade whose cases have these verdicts; without any, a compile error."""
    results = [
        CaseResult(case=number, status=Verdict(verdict), time=1, memory=1)
        for number, verdict in enumerate(verdicts, 1)
    ]
    first = next((one for one in verdicts if one != "AC"), "AC" if verdicts else "CE")
    return Grade(
        verdict=Verdict(first),
        score=score,
        execution_time=1,
        memory_usage=1,
        test_results=tuple(results),
    )


@pytest.mark.parametrize(
    ("folder", "verdicts", "expected"),
    [
        ("accepted", "AC AC", ""),
        ("accepted", "AC WA", "case 2 is WA"),
        ("accepted", "", "the verdict is CE"),
        ("wrong_answer", "AC WA", ""),
        ("wrong_answer", "AC AC", "no case is WA"),
        ("wrong_answer", "WA TLE", "case 2 is TLE"),
        ("time_limit_exceeded", "AC TLE WA", ""),
        ("time_limit_exceeded", "TLE RE", "case 2 is RE"),
        ("time_limit_exceeded", "AC", "no case is TLE"),
        ("run_time_error", "AC WA MLE", ""),
        ("run_time_error", "WA", "no case is MLE or OLE or RE"),
        ("memory_limit_exceeded", "RE MLE", ""),
        ("output_limit_exceeded", "OLE", ""),
        ("compile_error", "", ""),
        ("compile_error", "AC", "case 1 is AC"),
        ("rejected", "AC RE", ""),
        ("rejected", "", ""),
        ("rejected", "AC", "no case is not AC"),
        ("brute_force", "AC TLE", ""),
        ("brute_force", "TLE WA", "case 2 is WA"),
    ],
)
def test_a_deviation_names_the_first_unexpected_verdict(
    folder: str, verdicts: str, expected: str
) -> None:
    """The rules are those of Kattis."""
    assert deviation(folder, grade(*verdicts.split())) == expected


@pytest.mark.parametrize(("score", "deviates"), [(0, True), (1, False), (99, False), (100, True)])
def test_a_partially_accepted_submission_has_a_partial_score(score: int, deviates: bool) -> None:
    """From 1 to 99."""
    assert bool(deviation("partially_accepted", grade("AC", "WA", score=score))) is deviates


def test_every_expectation_has_a_text() -> None:
    """The table of the command shows it."""
    assert all(each.words for each in EXPECTATIONS.values())


def timing(limit: int, slowest: int | None, *too_slow: int) -> Timing:
    return Timing(limit, slowest, too_slow, accepted_factor=2.0, too_slow_factor=1.5)


def test_a_limit_with_the_required_ratios_has_no_warning() -> None:
    """2 x the slowest accepted case, and 1 / 1.5 of the fastest too slow one."""
    good = timing(1000, 500, 1500, 9000)

    assert good.warnings() == []
    assert (good.suggested_ms, good.too_slow_margin) == (1000, 1.5)


def test_a_limit_without_the_required_ratios_has_a_warning() -> None:
    """On another machine a verdict could change."""
    tight, close = timing(1000, 501), timing(1000, 1, 1499)

    assert "below 2 x the slowest accepted case (501 ms); suggested: 1100 ms" in tight.warnings()[0]
    assert "takes 1499 ms, 1.50 x the time limit; 1.5 x is recommended" in close.warnings()[0]
    assert tight.too_slow_margin is None


def test_without_an_accepted_submission_no_limit_is_suggested() -> None:
    """There is no time to derive it from."""
    nothing = timing(1000, None)

    assert nothing.suggested_ms is None
    assert "no accepted submission" in nothing.warnings()[0]


@given(slowest=st.integers(0, 60_000), factor=st.floats(1, 10))
def test_the_suggested_limit_is_the_smallest_multiple_that_fits(
    slowest: int, factor: float
) -> None:
    """In steps of 100 ms, and never 0."""
    limit = suggest_limit(slowest, factor)

    assert limit % 100 == 0
    assert limit >= max(slowest * factor - 1e-3, 100)
    assert limit < slowest * factor + 100 + 1e-3 or limit == 100
