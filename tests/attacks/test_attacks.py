"""
Every folder here is a hostile submission: its source, and the verdicts that it may get.

A program that only looks for a hole prints ``safe`` when there was none, which is the right answer.
"""

from __future__ import annotations

import pytest
from arena.arena import Trial
from arena.attack import Attack, read_attacks
from arena.program import both_ways


def _name(value: object) -> str:
    if isinstance(value, Attack):
        return value.name
    return "warm" if value else "cold"


@pytest.mark.engine
@pytest.mark.parametrize(("attack", "warm"), both_ways(read_attacks()), ids=_name)
def test_an_attack_gets_its_verdict_and_changes_nothing(
    trials: dict[tuple[str, bool], Trial], attack: Attack, warm: bool
) -> None:
    """
    Whether its interpreter was started cold or came from a fork server.

    Afterwards there is no process, file or IPC object more, no mode or owner changed, nothing that
    acts on a terminal in what people look at, and honest submissions get their verdicts.
    """
    assert "\n".join(trials[attack.name, warm].deviations) == ""
