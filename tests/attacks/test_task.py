"""The sandbox with the rights of a Fargate task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from arena.arena import deviations
from arena.attack import read_attacks
from arena.program import (
    as_workers_start_it,
    both_ways,
    honest_work_asks_for_nothing,
    short_form,
    under_the_mask,
)
from arena.table import say
from arena.task import NOT_POSSIBLE
from arena.tour import Fight

pytestmark = pytest.mark.engine

#: CapBnd of a process in a container that Docker started without options.
DOCKERS_MASK = "00000000a80425fb"


def the_short_form() -> list[Fight]:
    return [as_workers_start_it(attack) for attack in short_form(read_attacks())]


def everything() -> list[Fight]:
    return both_ways(read_attacks())


@pytest.mark.parametrize(
    "choose", [the_short_form, pytest.param(everything, marks=pytest.mark.exhaustive)]
)
def test_the_suite_holds_under_exactly_dockers_mask(
    launcher_of_a_task: Path, choose: Callable[[], list[Fight]]
) -> None:
    """No root, no namespace, no cgroup, a read-only root file system."""
    report = under_the_mask(launcher_of_a_task, choose(), "in a task")
    for name, what in report.dropped.items():
        say(f"{name}: {what}")

    assert report.failure == ""
    assert "\n".join(deviations(report.result)) == ""
    assert report.dropped["CapBnd"].endswith(f"-> {DOCKERS_MASK}")
    expected = {"user namespace", "mount"}
    if not report.dropped["mounts"].startswith(NOT_POSSIBLE):  # it is in a Docker container
        expected |= {"cgroup", "root"}
    assert {name for name in expected if not report.dropped[name].startswith("refused")} == set()


def test_honest_work_never_asks_for_a_namespace_or_a_mount(launcher_of_a_task: Path) -> None:
    """Where a filter kills the process that asks, honest submissions still get their verdicts."""
    report = honest_work_asks_for_nothing(launcher_of_a_task)

    assert report.failure == ""
    assert report.result == []
