"""A box when a part of the platform fails: launcher, worker, disk, Landlock."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sandboxes import installed, launcher_of, mounted, shell, wait_until, wait_until_emptied

from grader.errors import SandboxError
from grader.languages import find
from grader.sandbox import Box
from grader.sandbox.cleanup import processes_of
from grader.sandbox.launcher import Launcher
from grader.sandbox.runs import Role, RunSpec, StopReason
from grader.sandbox.selftest import run_self_test

pytestmark = pytest.mark.engine

STAYS = "setsid sleep 1000 & sleep 1000"
PYTHON = find("python")


def test_a_box_whose_launcher_was_killed_is_clean_for_the_next_run(
    box: Box, tmp_path: Path
) -> None:
    """The error is temporary, no process of the run survives, and nothing else runs before."""
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(box.run, shell(tmp_path / "first", STAYS))
        wait_until(lambda: len(box.survivors()) >= 3)
        os.kill(launcher_of(min(box.survivors())), signal.SIGKILL)
        with pytest.raises(SandboxError, match="the launcher has ended"):
            run.result()

    with pytest.raises(SandboxError, match="not known to be clean"):
        box.run(shell(tmp_path / "second", "true"))
    box.clean()
    assert box.run(shell(tmp_path / "second", "true")).succeeded
    wait_until(lambda: box.survivors() == [])  # init has to reap the zombies


def test_a_box_whose_launcher_was_killed_is_swept_when_it_is_released(
    launcher: Path, tmp_path: Path
) -> None:
    """Even without another run in it."""
    with Box.claim(launcher) as box, ThreadPoolExecutor(1) as pool:
        run = pool.submit(box.run, shell(tmp_path, STAYS))
        wait_until(lambda: len(box.survivors()) >= 3)
        os.kill(launcher_of(min(box.survivors())), signal.SIGKILL)
        with pytest.raises(SandboxError):
            run.result()

    wait_until(lambda: box.survivors() == [])


def test_a_launcher_ignores_termination_signals(box: Box, tmp_path: Path) -> None:
    """A service manager may signal all processes at once; the worker finishes its run."""
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(box.run, shell(tmp_path / "first", "sleep 0.3; echo done"))
        wait_until(lambda: len(box.survivors()) >= 2)
        parent = launcher_of(min(box.survivors()))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            os.kill(parent, number)
        assert run.result().succeeded
    os.kill(parent, signal.SIGTERM)

    assert box.run(shell(tmp_path / "second", "true")).succeeded


@pytest.mark.parametrize("state", ["running", "idle", "server"])
def test_nothing_outlives_a_worker(launcher: Path, tmp_path: Path, state: str) -> None:
    """When it is killed, its launcher sweeps the box and only then releases it."""
    reading, writing = os.pipe()
    worker = os.fork()
    if worker == 0:
        with Box.claim(launcher) as box:
            spec = shell(tmp_path, STAYS if state == "running" else "true")
            if state == "server":
                box.store(Role.RUN, PYTHON.program_file, b"")
                box.warm_up(warm(tmp_path))
            os.write(writing, bytes([box.number]))
            box.run(spec)
            os.write(writing, b"x")
            signal.pause()
    number = os.read(reading, 1)[0]
    users = Launcher.open(launcher).users(number)
    if state == "idle":
        os.read(reading, 1)
    else:
        expected = 3 if state == "running" else 1
        wait_until(lambda: len(processes_of(users)) >= expected)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)

    def claim_again() -> bool:
        with Box.claim(launcher) as box:
            return box.number == number and box.survivors() == []

    wait_until(claim_again)
    os.close(reading)
    os.close(writing)


def warm(directory: Path) -> RunSpec:
    return replace(
        shell(directory, ""),
        role=Role.RUN,
        policy=PYTHON.policy,
        argv=PYTHON.run_argv,
        server_argv=PYTHON.server_argv,
    )


def test_the_sandbox_holds_without_landlock(tmp_path: Path) -> None:
    """Landlock is optional: files in world-writable directories are removed afterwards."""
    script = "for place in /tmp /var/tmp /dev/shm /run/lock; do mkdir $place/left-$(id -u); done"
    with installed(landlock=False) as path, Box.claim(path) as box:
        run_self_test(box)
        box.run(shell(tmp_path, script))
        left = [Path(place, f"left-{box.users[0]}") for place in ("/tmp", "/var/tmp", "/dev/shm")]
        assert all(one.exists() for one in left)
        box.clean()
        assert not [one for one in left if one.exists()]


def test_with_landlock_no_file_is_left_elsewhere(box: Box, tmp_path: Path) -> None:
    """A compiler writes to its working directory only."""
    script = (
        "for place in /tmp /var/tmp /dev/shm; do mkdir $place/left-$(id -u) || echo refused; done"
    )
    spec = shell(tmp_path, script)
    box.run(spec)

    assert spec.stdout.read_bytes() == b"refused\n" * 3


def test_a_full_disk_is_an_error_of_the_platform(box: Box, tmp_path: Path) -> None:
    """Whether or not the program handled the write error, the error is temporary."""
    small = tmp_path / "small"
    small.mkdir()
    with mounted(small, "256k"):
        for name, script in (
            ("unnoticed", "head -c 600000 /dev/zero; true"),
            ("noticed", "head -c 600000 /dev/zero || exit 1"),
        ):
            with pytest.raises(SandboxError, match="the disk is full"):
                box.run(shell(small / name, script))
            (small / name / "stdout").unlink()
        alarm = shell(small / "false-alarm", "echo 'No space left on device' >&2; exit 1")
        assert box.run(alarm).exit_code == 1


def test_a_full_disk_of_the_boxes_is_an_error_of_the_platform(tmp_path: Path) -> None:
    """No partial file is stored; a program that filled the disk itself wrote too much."""
    with installed(small_disk="3m") as path, Box.claim(path) as box:
        with pytest.raises(SandboxError, match="cannot be stored: No space left"):
            box.store(Role.RUN, "large", bytes(4 << 20))
        box.clean()
        (tmp_path / "large").write_bytes(bytes(4 << 20))
        with pytest.raises(SandboxError, match="cannot be stored: No space left"):
            box.store_file(Role.RUN, "large", tmp_path / "large")
        box.clean()
        fills = "for i in 1 2 3 4 5 6; do head -c 900000 /dev/zero > $i; done; exit 1"
        assert box.run(shell(tmp_path / "fills", fills)).reason is StopReason.OUTPUT
        box.clean()
        wait_until_emptied(box)  # the space is free again only then
        box.store(Role.RUN, "large", bytes(2900 << 10))
        with pytest.raises(SandboxError, match="the disk is full"):
            box.run(shell(tmp_path / "writes", "head -c 300000 /dev/zero > x || exit 1"))


def test_a_missing_interpreter_is_an_error_of_the_platform(box: Box, tmp_path: Path) -> None:
    """Also when a fork server is started."""
    box.store(Role.RUN, PYTHON.program_file, b"print(1)")
    gone = replace(warm(tmp_path), argv=("/usr/bin/python0",), server_argv=("/usr/bin/python0",))

    with pytest.raises(SandboxError, match="cannot start: /usr/bin/python0: No such file"):
        box.run(gone)


def test_files_that_cannot_be_opened_are_an_error_of_the_platform(box: Box, tmp_path: Path) -> None:
    """A test case missing on disk must not become a verdict."""
    with pytest.raises(SandboxError, match="gone: cannot be opened: No such file"):
        box.run(replace(shell(tmp_path, ""), stdin=tmp_path / "gone"))
