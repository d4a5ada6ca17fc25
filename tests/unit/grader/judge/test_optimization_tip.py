"""When a limit is far from the need."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.contract.messages import CaseResult, Grade
from grader.contract.verdicts import Verdict
from grader.judge.optimization_tip import optimization_tip
from grader.sandbox.runs import RunLimits

#: So near to what `grade` uses that neither says anything.
NEAR = RunLimits(
    cpu_ms=100,
    wall_ms=3000,
    memory_mb=16,
    output_bytes=1 << 20,
    processes=16,
    bound_address_space=True,
)


def grade(memory_mb: int = 6, *times_ms: int, verdict: Verdict = Verdict.ACCEPTED) -> Grade:
    cases = tuple(
        CaseResult(case=number, status=verdict, time=time, memory=memory_mb)
        for number, time in enumerate(times_ms or (50,), 1)
    )
    return Grade(
        verdict=verdict,
        score=100,
        execution_time=sum(case.time for case in cases),
        memory_usage=memory_mb,
        test_results=cases,
    )


def test_a_memory_limit_far_above_the_peak_is_told() -> None:
    """What was asked, what was used, and what would do."""
    tip = optimization_tip(grade(6), replace(NEAR, memory_mb=256))

    assert tip == "256 MB of memory asked, 6 MB used: 16 MB would do."


def test_a_time_limit_far_above_the_slowest_case_is_told() -> None:
    """The slowest case decides, not the sum."""
    tip = optimization_tip(grade(6, 30, 240, 30), replace(NEAR, cpu_ms=5000))

    assert tip == "5000 ms of CPU time asked, 240 ms used: 500 ms would do."


def test_both_are_told_in_one_text() -> None:
    """One sentence each."""
    tip = optimization_tip(grade(6), replace(NEAR, memory_mb=256, cpu_ms=2000))

    assert tip is not None
    assert tip.count("would do.") == 2


@pytest.mark.parametrize(
    ("limit_mb", "used_mb", "enough"),
    [
        (256, 64, 128),  # four times, and far apart
        (255, 64, None),  # less than four times
        (84, 20, 64),  # exactly 64 MB apart
        (83, 20, None),
        (66, 2, 16),  # limits below 16 MB are unusual
        (1024, 8, 16),
        (1024, 9, 32),
        (4096, 1000, 2048),
    ],
)
def test_the_edges_of_the_memory_rule(limit_mb: int, used_mb: int, enough: int | None) -> None:
    """Four times and 64 MB, both; then twice the peak, rounded up to a power of two."""
    tip = optimization_tip(grade(used_mb), replace(NEAR, memory_mb=limit_mb))

    assert tip == (
        enough and f"{limit_mb} MB of memory asked, {used_mb} MB used: {enough} MB would do."
    )


@pytest.mark.parametrize(
    ("limit_ms", "used_ms", "enough"),
    [
        (1000, 250, 500),  # four times, and far apart
        (999, 250, None),  # less than four times
        (560, 60, 200),  # exactly 500 ms apart
        (559, 60, None),
        (600, 1, 100),  # limits below 100 ms are unusual
        (10_000, 51, 200),
        (10_000, 250, 500),
        (10_000, 251, 1000),
        (40_000, 9000, 20_000),
        (20_000, 5000, 10_000),
        (10_400, 2600, 10_000),
        (10_000, 2500, 5000),
        (10_004, 2501, 10_000),
        (5000, 1001, None),  # twice is 2002, the next figure 5000: no gain
        (5001, 1001, 5000),
    ],
)
def test_the_edges_of_the_time_rule(limit_ms: int, used_ms: int, enough: int | None) -> None:
    """Four times and 500 ms, both; then twice the slowest, rounded up to 1, 2 or 5 and zeros."""
    tip = optimization_tip(grade(6, used_ms), replace(NEAR, cpu_ms=limit_ms))

    assert tip == (
        enough and f"{limit_ms} ms of CPU time asked, {used_ms} ms used: {enough} ms would do."
    )


@pytest.mark.parametrize("verdict", [one for one in Verdict if one is not Verdict.ACCEPTED])
def test_only_an_accepted_submission_gets_a_tip(verdict: Verdict) -> None:
    """Who failed has other things to change, and may have failed before using much."""
    wide = replace(NEAR, memory_mb=1024, cpu_ms=9000)

    assert optimization_tip(grade(verdict=verdict), wide) is None


def test_without_a_case_nothing_was_measured() -> None:
    """A grade over nothing says nothing about limits."""
    nothing = Grade(verdict=Verdict.ACCEPTED, score=100, execution_time=0, memory_usage=0)

    assert optimization_tip(nothing, replace(NEAR, memory_mb=1024)) is None


@given(
    used=st.tuples(st.integers(0, 5000), st.integers(0, 50_000)),
    limit=st.tuples(st.integers(1, 5000), st.integers(1, 50_000)),
)
def test_what_is_suggested_is_enough_and_less_than_was_asked(
    used: tuple[int, int], limit: tuple[int, int]
) -> None:
    """Who follows the tip passes with room to spare, and gets no second tip of the same kind."""
    limits = replace(NEAR, memory_mb=limit[0], cpu_ms=limit[1])
    tip = optimization_tip(grade(used[0], used[1]), limits) or ""

    for asked, need, enough in re.findall(r"(\d+) \w+ of [\w ]+ asked, (\d+) \w+ used: (\d+)", tip):
        assert 2 * int(need) <= int(enough) < int(asked)
