"""Whoever stops the demo is left with nothing to clean up."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.stack

WAITING = "creating module.database.aws_db_instance.this"


def until(words: str, process: subprocess.Popen[str]) -> str:
    """Read what the demo says up to some words, or to its end if they never come."""
    said = ""
    for line in process.stdout or ():
        said += line
        if words in line:
            break
    return said


@pytest.mark.parametrize(
    ("number", "code", "to_all"),
    [(signal.SIGINT, 130, True), (signal.SIGTERM, 143, False)],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_a_demo_that_is_stopped_during_apply_leaves_nothing(
    project: Any,
    ended: Callable[[subprocess.Popen[str]], str],
    number: signal.Signals,
    code: int,
    to_all: bool,
) -> None:
    """
    A terminal sends Ctrl-C to all of the demo's group, `kill` a SIGTERM to the demo alone.

    Either way Terraform stops in good order, asked once, and no process or port is left.
    """
    process = project.start_demo()
    before = until(WAITING, process)
    assert project.leftovers(), before
    ports = project.ports()

    (os.killpg if to_all else os.kill)(process.pid, number)
    said = ended(process)

    assert process.returncode == code, said
    assert said.count("stopping in good order") == 1
    assert "still waiting" not in said
    assert "Traceback" not in said
    project.assert_nothing_is_left(ports)
