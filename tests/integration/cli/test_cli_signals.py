"""Ctrl-C, a cancelled job and --timeout leave no lock, no process and a complete state."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.engine

SLOW = {"variables": {"pause_seconds": 300}}
CREATING = "creating terraform_data.pause"
SECONDS = 120  # a limit for a hung test


@pytest.mark.usefixtures("without_provider")
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGALRM, 124)],
    ids=["Ctrl-C", "SIGTERM", "--timeout"],
)
def test_a_signal_during_apply_leaves_no_lock_and_no_process(
    project: Any,
    until_line: Callable[..., str],
    descendants: Callable[[int], list[psutil.Process]],
    number: signal.Signals,
    code: int,
) -> None:
    """
    Terraform gets one signal, stops gracefully, and gradectl waits for it.

    The --timeout is an alarm; sending it makes it expire at this moment on every machine.
    """
    project.configure(**SLOW)
    process = project.start("apply", project.name, "--yes")
    until_line(process, CREATING)
    below = descendants(process.pid)
    assert below

    process.send_signal(number)
    _, said = process.communicate(timeout=SECONDS)

    assert process.returncode == code
    assert "stopping gracefully" in said
    assert not psutil.wait_procs(below, timeout=SECONDS)[1]
    assert project.state_keys() == ["terraform.tfstate"]
    assert '"type": "terraform_data"' in project.state()


@pytest.mark.usefixtures("without_provider")
def test_ctrl_c_on_a_terminal_reaches_terraform_once(project: Any) -> None:
    """Terraform is not in the foreground group, so gradectl forwards the signal."""
    project.configure(**SLOW)
    master, slave = pty.openpty()
    command = ["setsid", "--ctty", "--wait", *project.command("apply", project.name, "--yes")]
    with subprocess.Popen(
        command, cwd=project.root, env=project.environ, stdin=slave, stdout=slave, stderr=slave
    ) as process:
        os.close(slave)
        seen = read_until(master, "creating terraform_data.pause")
        os.write(master, b"\x03")
        seen += read_until(master, None)
        os.close(master)

    assert process.returncode == 130
    assert "stopped" in seen
    assert project.state_keys() == ["terraform.tfstate"]


@pytest.mark.usefixtures("without_provider")
def test_a_second_signal_only_prints_a_warning(
    project: Any, until_line: Callable[..., str], descendants: Callable[..., list[psutil.Process]]
) -> None:
    """A second Ctrl-C could damage the state, so it only prints a warning."""
    project.configure(**SLOW)
    process = project.start("apply", project.name, "--yes")
    until_line(process, CREATING)
    terraform = next(item for item in descendants(process.pid) if "terraform" in item.name())
    terraform.suspend()  # so that it is certainly still there for the second signal
    process.send_signal(signal.SIGINT)
    until_line(process, "stopping gracefully")
    process.send_signal(signal.SIGINT)
    until_line(process, "still waiting")
    terraform.resume()
    process.communicate(timeout=SECONDS)

    assert process.returncode == 130
    assert project.state_keys() == ["terraform.tfstate"]


@pytest.mark.usefixtures("without_provider")
def test_a_third_signal_kills_and_the_lock_is_named(
    project: Any, until_line: Callable[..., str], descendants: Callable[..., list[psutil.Process]]
) -> None:
    """The error names the remaining lock and the command that releases it."""
    project.configure(**SLOW)
    process = project.start("apply", project.name, "--yes")
    until_line(process, CREATING)
    below = descendants(process.pid)
    terraform = next(item for item in below if "terraform" in item.name())
    terraform.suspend()
    for words in ("stopping gracefully", "still waiting"):
        process.send_signal(signal.SIGINT)
        until_line(process, words)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SECONDS)

    assert process.returncode == 130
    assert "still locked" in said
    assert f"gradectl recover {project.name} --lock" in said
    assert not psutil.wait_procs(below, timeout=SECONDS)[1]


def read_until(descriptor: int, words: str | None) -> str:
    """Read a terminal until it shows the words, or until its end."""
    seen = b""
    while words is None or words.encode() not in seen:
        try:
            part = os.read(descriptor, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        seen += part
    return seen.decode(errors="replace")
