"""Two boxes attack each other in random order, and nothing changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from arena.arena import deviations
from arena.attack import Attack, read_attacks
from arena.program import soaked
from arena.soak import soak
from arena.table import quietly, say
from arena.tour import arenas


@pytest.mark.engine
@pytest.mark.parametrize("runs", [12, pytest.param(1000, marks=pytest.mark.exhaustive)])
def test_two_boxes_that_attack_each_other_change_nothing(
    launcher_of_a_task: Path, runs: int
) -> None:
    """
    All verdicts are the known ones, and no box is lost.

    No process or file is left, and the worker leaks no descriptor, thread or memory.
    """
    report = soaked(launcher_of_a_task, read_attacks(), runs, "mixed")

    assert report.failure == ""
    say(report.result.summary())
    assert not report.result.untried or runs < len(read_attacks())
    assert "\n".join(report.result.deviations) == ""
    assert len(report.result.trials) == runs


@pytest.mark.engine
def test_two_boxes_count_what_they_changed(launcher: Path) -> None:
    """Each box tries every attack that its number of runs allows, and all verdicts are checked."""
    right = Attack("right", "Nothing.", [], "python", ["AC"], source="print('safe')")
    wrong = replace(right, name="wrong", verdict=["TLE"])
    with arenas(launcher, 2) as both:
        enough = soak(both, [right, wrong], 4, quietly)
        too_few = soak(both, [right, wrong], 2, quietly)

    assert [trial.verdict for trial in enough.trials] == ["AC"] * 4
    assert "4 runs" in enough.summary()
    assert "verdicts changed: 2; left behind: 0; boxes lost: 0" in enough.summary()
    assert len(deviations(enough.trials)) == 2  # and no leaks: others use the process of a test
    assert enough.untried == set()
    assert too_few.untried != set()
