"""Random attacks in several boxes at the same time: the worker leaks nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from arena.attack import read_attacks
from arena.program import soaked


@pytest.mark.engine
@pytest.mark.parametrize("runs", [12, pytest.param(1000, marks=pytest.mark.exhaustive)])
def test_mixed_hostile_runs_leak_nothing(launcher_of_a_task: Path, runs: int) -> None:
    """No additional process, file, descriptor or thread, and memory within its bound."""
    report = soaked(launcher_of_a_task, read_attacks(), runs, "mixed")

    assert report.failure == ""
    assert "\n".join(report.result.deviations) == ""
    assert len(report.result.trials) == runs
