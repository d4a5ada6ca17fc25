"""Attacks from one box on another that judges at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest
from arena.arena import deviations
from arena.attack import read_attacks
from arena.neighbours import WITNESSES
from arena.program import in_two_boxes


@pytest.mark.engine
@pytest.mark.parametrize(
    "witnesses_each", [1, pytest.param(len(WITNESSES), marks=pytest.mark.exhaustive)]
)
def test_a_neighbour_does_not_change_a_verdict(launcher: Path, witnesses_each: int) -> None:
    """Signals, files, /proc, names, processors and memory: verdicts in the other box stay right."""
    attacks = read_attacks()

    trials = in_two_boxes(launcher, attacks, witnesses_each)

    assert {attack.name for attack in attacks if attack.disturbs} == {one.attack for one in trials}
    assert set(WITNESSES) <= {attack.name for attack in attacks}
    assert "\n".join(deviations(trials)) == ""
