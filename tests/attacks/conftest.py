"""Slots to be attacked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from arena.arena import Trial
from arena.attack import read_attacks
from arena.program import every_attack, launcher_of_workers
from arena.table import quietly


@pytest.fixture(scope="session")
def launcher_of_a_task() -> Iterator[Path]:
    """A launcher that the worker of a task may execute."""
    with launcher_of_workers() as path:
        yield path


@pytest.fixture(scope="session")
def trials(launcher: Path) -> dict[tuple[str, bool], Trial]:
    """Every attack, both ways: two at a time, since many of them only wait to be ended."""
    done = every_attack(launcher, read_attacks(), quietly)
    return {(trial.attack, trial.warm): trial for trial in done}
