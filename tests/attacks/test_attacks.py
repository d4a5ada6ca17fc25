"""
Every folder here is a hostile submission: its source, and the verdicts that are allowed for it.

A program that only searches for a hole prints ``safe`` when it found none: the right answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from arena.arena import Trial
from arena.attack import Attack, read_attacks
from arena.program import as_workers_start_it, both_ways


def fights() -> Iterator[object]:
    """Each attack as a worker starts it; cold starts and repetitions only in `make test-all`."""
    for attack, warm in both_ways(read_attacks()):
        start = "warm" if warm else "cold"
        usual = as_workers_start_it(attack) == (attack, warm) and not attack.again
        marks = () if usual else (pytest.mark.exhaustive,)
        yield pytest.param(attack, warm, id=f"{attack.name}-{start}", marks=marks)


@pytest.mark.engine
@pytest.mark.parametrize(("attack", "warm"), list(fights()))
def test_an_attack_gets_its_verdict_and_changes_nothing(
    fight: Callable[[Attack, bool], Trial], attack: Attack, warm: bool
) -> None:
    """
    The verdict is an allowed one, after a cold start and from a fork server.

    Afterwards there is no additional process, file or IPC object, no changed mode or owner, no
    terminal control character in results and logs, and honest submissions get their verdicts.
    """
    assert "\n".join(fight(attack, warm).deviations) == ""
