"""An interrupted demo leaves nothing to clean up."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.stack

WAITING = "creating module.database.aws_db_instance.this"


def read_until(text: str, process: subprocess.Popen[str]) -> str:
    """Return the output of the demo up to a line with `text`, or to its end."""
    output = ""
    for line in process.stdout or ():
        output += line
        if text in line:
            break
    return output


@pytest.mark.parametrize(
    ("number", "code", "to_group"),
    [
        (signal.SIGINT, 130, True),
        pytest.param(signal.SIGTERM, 143, False, marks=pytest.mark.exhaustive),
    ],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_a_demo_interrupted_during_apply_leaves_nothing(
    project: Any,
    ended: Callable[[subprocess.Popen[str]], str],
    number: signal.Signals,
    code: int,
    to_group: bool,
) -> None:
    """
    A terminal sends Ctrl-C to the process group of the demo, `kill` sends SIGTERM to the demo.

    In both cases Terraform is interrupted once, and no process and no port is left.
    """
    process = project.start_demo()
    before = read_until(WAITING, process)
    assert project.remaining_processes(), before
    ports = project.ports()

    (os.killpg if to_group else os.kill)(process.pid, number)
    output = ended(process)

    assert process.returncode == code, output
    assert output.count("stopping gracefully") == 1
    assert "still waiting" not in output
    assert "Traceback" not in output
    project.assert_nothing_is_left(ports)
