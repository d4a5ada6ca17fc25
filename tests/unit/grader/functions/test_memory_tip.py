"""Suggestions for the memory of functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.functions.memory_tip import memory_tip, out_of_memory_tip, suggested_mb


@pytest.mark.parametrize(
    ("limit_mb", "peaks_mb", "tip"),
    [
        (
            256,
            [6] * 20,
            "256 MB asked, at most 6 MB used in the last 20 successful runs; 16 MB would do",
        ),
        (256, [10], "256 MB asked, at most 10 MB used in the last successful run; 16 MB would do"),
        (
            256,
            [10, 90, 3],
            "256 MB asked, at most 90 MB used in the last 3 successful runs; 128 MB would do",
        ),
        (256, [10, 100, 3], None),  # 1.3 times the peak is above 128 MB
        (128, [90], None),
        (16, [6], None),
        (64, [], None),
        (64, [64], "64 MB asked, at most 64 MB used in the last successful run; try 128 MB"),
        (64, [10, 80], "64 MB asked, at most 80 MB used in the last 2 successful runs; try 128 MB"),
    ],
)
def test_a_tip_has_the_evidence(limit_mb: int, peaks_mb: list[int], tip: str | None) -> None:
    """The highest peak of successful runs, and the next usual figure above 1.3 times that."""
    assert memory_tip(limit_mb, peaks_mb) == tip


@pytest.mark.parametrize(("limit_mb", "least_mb", "enough"), [(64, 0, 128), (32, 200, 256)])
def test_a_run_out_of_memory_is_told_to_try_more(limit_mb: int, least_mb: int, enough: int) -> None:
    """Whatever its peak was: memory that was refused was not used."""
    tip = f"{limit_mb} MB asked, not enough for this run; try {enough} MB"

    assert out_of_memory_tip(limit_mb, least_mb) == tip


def test_a_tip_is_not_below_what_the_runtime_needs() -> None:
    """An empty program must run with it."""
    assert memory_tip(256, [20], least_mb=100) is not None
    assert suggested_mb(20, least_mb=100) == 128


@given(st.integers(0, 60_000), st.integers(0, 256))
def test_a_suggestion_leaves_a_reserve_and_is_the_least_that_does(peak: int, least: int) -> None:
    """Half of it would be too little."""
    enough = suggested_mb(peak, least)

    assert enough * 10 >= 13 * peak
    assert enough >= least
    assert enough == 16 or enough * 5 < 13 * peak or enough < 2 * least
