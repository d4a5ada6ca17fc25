"""What the launcher does not take from a worker of its group."""

from __future__ import annotations

import os
import signal
import socket
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from sandboxes import installed, shell, wait_until, wanted_launcher

from grader.errors import SandboxError
from grader.sandbox import Box
from grader.sandbox.build import install, uninstall
from grader.sandbox.cleanup import processes_of
from grader.sandbox.launcher import Command, Launcher, Message
from grader.sandbox.lock import take
from grader.sandbox.runs import Role, RunLimits

pytestmark = pytest.mark.engine

SWEEP = Message(Command.SWEEP, Role.RUN, 0, RunLimits(0, 5000, 0, 0, 0, bound_address_space=False))


def answer(launcher: Launcher, number: int, lock: socket.socket) -> str:
    """Error of a launcher with this lock; empty if it serves the box."""
    process = launcher.serve(number, lock)
    try:
        process.call(SWEEP)
    except SandboxError as error:
        return error.what
    finally:
        process.close()
    return ""


def test_a_worker_cannot_sweep_the_box_of_another(tmp_path: Path) -> None:
    """Without its lock, with that of another box, or with an unnamed one."""
    with (
        installed() as launcher,  # of its own: it needs to know which boxes are free
        Box.claim(launcher) as box,
        Box.claim(launcher) as other,
    ):
        known = Launcher.open(launcher)
        started = os.fork()
        if started == 0:  # a process of the other box's user, as its program would be
            user = other.users[1]
            os.setresuid(user, user, user)
            signal.pause()
        wait_until(lambda: processes_of(other.users) == [started])
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
            assert "not the lock" in answer(known, other.number, lock)
            lock.bind(f"\0grader-slot-of-user-{box.users.start}-")
            assert "not the lock" in answer(known, box.number, lock)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
            free = known.boxes - 1
            assert take(lock, known.users(free))
            assert "not the lock" in answer(known, other.number, lock)
            assert answer(known, free, lock) == ""
        assert processes_of(other.users) == [started]
        os.kill(started, signal.SIGKILL)
        os.waitpid(started, 0)
        assert box.run(shell(tmp_path, "true")).succeeded


def test_a_box_root_that_others_can_replace_is_refused() -> None:
    """The path is checked at each start, not only when the launcher is built."""
    with wanted_launcher() as wanted:
        install(wanted)
        for path, mode, why in (
            (wanted.box_root, 0o733, "writable by users other than root"),
            (wanted.box_root, 0o731, "writable by users other than root"),
            (wanted.box_root.parent, 0o757, "writable by users other than root"),
        ):
            usual = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode)
            with pytest.raises(SandboxError, match=why), Box.claim(wanted.output):
                pass
            path.chmod(usual)
        wanted.box_root.parent.chmod(0o1777)
        with Box.claim(wanted.output):
            pass
        moved = wanted.box_root.with_name("moved")
        wanted.box_root.rename(moved)
        wanted.box_root.symlink_to(moved)
        with pytest.raises(SandboxError, match="not a directory"), Box.claim(wanted.output):
            pass
        wanted.box_root.unlink()
        moved.rename(wanted.box_root)
        uninstall(wanted)


def test_on_a_machine_of_its_own_root_owns_the_whole_path() -> None:
    """Elsewhere the owner of the place that was chosen may be another user."""
    with wanted_launcher() as wanted:
        os.chown(wanted.box_root.parent, 12345, -1)
        install(wanted)
        with Box.claim(wanted.output):
            pass
        install(replace(wanted, own_machine=True, shared_parents=("/nonexistent",)))
        with pytest.raises(SandboxError, match="other than root"), Box.claim(wanted.output):
            pass
        uninstall(wanted)


def test_on_a_machine_of_its_own_shared_directories_are_closed(tmp_path: Path) -> None:
    """Programs cannot write there even without Landlock; the worker's group can."""
    with wanted_launcher() as wanted:
        parent = wanted.output.parent / "system"
        shared, private = parent / "tmp", parent / "private"
        for directory, mode in ((parent, 0o755), (shared, 0o1777), (private, 0o755)):
            directory.mkdir()
            directory.chmod(mode)
        (parent / "link").symlink_to(tmp_path)
        tmp_path.chmod(0o777)
        install(replace(wanted, own_machine=True, landlock=False, shared_parents=(str(parent),)))
        with Box.claim(wanted.output) as box:
            spec = shell(tmp_path / "run", f"touch {shared}/left || echo refused")
            assert box.run(spec).succeeded
        uninstall(wanted)

        assert spec.stdout.read_bytes() == b"refused\n"
        assert stat.S_IMODE(shared.stat().st_mode) == 0o1771
        assert (shared.stat().st_uid, shared.stat().st_gid) == (0, wanted.worker_gid)
        assert stat.S_IMODE(private.stat().st_mode) == 0o755
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o777
