"""The sandbox with no more than a Fargate task gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from arena.arena import deviations
from arena.attack import read_attacks
from arena.program import honest_work_asks_for_nothing, short_form, under_the_mask
from arena.table import say
from arena.task import NOT_POSSIBLE

pytestmark = pytest.mark.engine

#: CapBnd of a process in a container that Docker started without options.
DOCKERS_MASK = "00000000a80425fb"


def test_the_suite_holds_under_exactly_dockers_mask(launcher_of_a_task: Path) -> None:
    """No root, no namespace, no cgroup, a read-only root: ``make attacks`` runs all of it so."""
    report = under_the_mask(launcher_of_a_task, short_form(read_attacks()), "in a task")
    for name, what in report.dropped.items():
        say(f"{name}: {what}")

    assert report.failure == ""
    assert "\n".join(deviations(report.result)) == ""
    assert report.dropped["CapBnd"].endswith(f"-> {DOCKERS_MASK}")
    expected = {"user namespace", "mount"}
    if not report.dropped["mounts"].startswith(NOT_POSSIBLE):  # as in a container of Docker's
        expected |= {"cgroup", "root"}
    assert {name for name in expected if not report.dropped[name].startswith("refused")} == set()


def test_honest_work_never_asks_for_a_namespace_or_a_mount(launcher_of_a_task: Path) -> None:
    """Where a filter ends whoever asks, all languages of the suite still get their verdicts."""
    report = honest_work_asks_for_nothing(launcher_of_a_task)

    assert report.failure == ""
    assert report.result == []
