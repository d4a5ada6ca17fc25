"""Boxes to attack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from arena.arena import Trial
from arena.program import every_attack, launcher_of_workers
from arena.table import quietly


@pytest.fixture(scope="session")
def launcher_of_a_task() -> Iterator[Path]:
    """A launcher that the worker of a task can execute."""
    with launcher_of_workers() as path:
        yield path


@pytest.fixture(scope="session")
def trials(launcher: Path, request: pytest.FixtureRequest) -> dict[tuple[str, bool], Trial]:
    """The trials of all selected attacks, run at the same time since most wait for a limit."""
    selected = [
        (item.callspec.params["attack"], item.callspec.params["warm"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and "trials" in item.fixturenames
    ]
    done = every_attack(launcher, selected, quietly)
    return {(trial.attack, trial.warm): trial for trial in done}
