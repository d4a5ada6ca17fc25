"""Boxes to attack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from arena.arena import Trial
from arena.attack import Attack
from arena.program import every_attack, launcher_of_workers
from arena.table import quietly


@pytest.fixture(scope="session")
def launcher_of_a_task() -> Iterator[Path]:
    """A launcher that the worker of a task can execute."""
    with launcher_of_workers() as path:
        yield path


@pytest.fixture(scope="session")
def fight(launcher: Path, request: pytest.FixtureRequest) -> Callable[[Attack, bool], Trial]:
    """
    Returns the trial of an attack.

    All selected attacks run at the same time, since most wait for a limit. The second try of a test
    runs its attack again, alone.
    """
    selected = [
        (item.callspec.params["attack"], item.callspec.params["warm"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and "fight" in item.fixturenames
    ]
    done = {(each.attack, each.warm): each for each in every_attack(launcher, selected, quietly)}

    def trial(attack: Attack, warm: bool) -> Trial:
        found = done.pop((attack.name, warm), None)
        return found or every_attack(launcher, [(attack, warm)], quietly, count=1)[0]

    return trial
