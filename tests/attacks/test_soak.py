"""Many hostile runs in mixed order, over two slots at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from arena.attack import read_attacks
from arena.program import soaked

RUNS = 80


@pytest.mark.engine
def test_mixed_hostile_runs_leak_nothing(launcher_of_a_task: Path) -> None:
    """No process, file, descriptor or thread more, and memory in bounds; 1,000 in make attacks."""
    report = soaked(launcher_of_a_task, read_attacks(), RUNS, "mixed")

    assert report.failure == ""
    assert "\n".join(report.result.deviations) == ""
    assert len(report.result.trials) == RUNS
