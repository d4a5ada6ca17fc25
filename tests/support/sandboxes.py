"""Separate launchers for tests that break a part of the platform, and what they run."""

from __future__ import annotations

import itertools
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from grader.errors import SandboxError
from grader.sandbox import Box
from grader.sandbox.build import SOURCES, Installation, install, uninstall, write_headers
from grader.sandbox.lock import take
from grader.sandbox.runs import Role, RunLimits, RunOutcome, RunSpec

LIMITS = RunLimits(5000, 30_000, 128, 1 << 20, 32, bound_address_space=False)
_GIVE_UP_SECONDS = 900
_FIRST_USER = 800_000_000
_MANY_BOXES = 8
_USERS_PER_BOX = 4
_COMPILER = ("gcc", "-std=gnu17", "-O1", "-Wall", "-Werror")


class BoxOnABusyMachine(Box):
    """A sandbox whose runs fail because of the machine, as often as `failures` says."""

    failures = 2

    def run(self, spec: RunSpec) -> RunOutcome:
        """Run, if no failure is left."""
        if self.failures:
            self.failures -= 1
            raise SandboxError("shared memory grew, not by the program", where="launcher")
        return super().run(spec)


def shell(directory: Path, script: str, role: Role = Role.COMPILE) -> RunSpec:
    """A run of a shell script with the policy of compilers, which may create files."""
    directory.mkdir(exist_ok=True)
    return RunSpec(
        role=role,
        policy="compile",
        argv=("sh", "-c", script),
        limits=LIMITS,
        stdin=Path(os.devnull),
        stdout=directory / "stdout",
        stderr=directory / "stderr",
    )


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll for something for which there is no event, such as the end of a process of others."""
    pause = threading.Event()
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("the condition never became true")


def launchers_of(box: Box) -> list[int]:
    """Processes of the launcher that serves a box: itself, and the one that empties its trash."""
    words = "\0".join((str(box._launcher.path), "serve", str(box.number), "")).encode()
    found = []
    for command_line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if command_line.read_bytes() == words:
                found.append(int(command_line.parent.name))
    return found


def launcher_of(program: int) -> int:
    """Return the parent of a process."""
    found = re.search(r"^PPid:\s+(\d+)", Path(f"/proc/{program}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def wait_until_emptied(box: Box) -> None:
    """Wait until the launcher has removed all used directories."""
    trash = box.directory / "trash"
    wait_until(lambda: not list(trash.iterdir()))


@contextmanager
def own_users() -> Iterator[int]:
    """
    The first user of a launcher, with users for as many boxes as any has.

    No other launcher has them, also not one of this process: boxes are locked by their users, so
    two launchers with the same users would take each other's boxes.
    """
    count = _USERS_PER_BOX * _MANY_BOXES
    for first in itertools.count(_FIRST_USER, count):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reserved:
            # no box begins with that user
            if take(reserved, range(first + 1, first + count)) and _are_free(first, count):
                yield first
                return


def _are_free(first: int, count: int) -> bool:
    """Whether no box is held: a worker can outlive the tests that started it."""
    with ExitStack() as stack:
        return all(
            take(
                stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)),
                range(user, user + _USERS_PER_BOX),
            )
            for user in range(first, first + count, _USERS_PER_BOX)
        )


@contextmanager
def wanted_launcher() -> Iterator[Installation]:
    """Settings of a launcher in a directory of its own."""
    with TemporaryDirectory(prefix="grader-sandbox-") as name, own_users() as first_user:
        directory = Path(name)
        directory.chmod(0o711)
        wanted = Installation(
            output=directory / "launcher",
            box_root=directory / "disk" / "boxes",
            uid_base=first_user,
            boxes=3,
            worker_gid=os.getegid(),
        )
        wanted.box_root.parent.mkdir()
        yield wanted


@contextmanager
def installed(*, landlock: bool = True, small_disk: str = "") -> Iterator[Path]:
    """Install a separate launcher, with its boxes on a small disk if given."""
    with wanted_launcher() as settings:
        wanted = replace(settings, landlock=landlock)
        with mounted(wanted.box_root.parent, small_disk):
            install(wanted)
            yield wanted.output
            uninstall(wanted)


@contextmanager
def many_boxes() -> Iterator[Path]:
    """Install a separate launcher with eight boxes, for workers that keep several."""
    with wanted_launcher() as settings:
        wanted = replace(settings, boxes=_MANY_BOXES)
        install(wanted)
        yield wanted.output
        uninstall(wanted)


@contextmanager
def mounted(place: Path, size: str) -> Iterator[None]:
    """Mount a tmpfs of this size; none for an empty size."""
    if size:
        options = f"size={size},mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], check=True)
    try:
        yield
    finally:
        if size:
            subprocess.run(["umount", "--lazy", place], check=True)


def build_with(wanted: Installation, source: Path, flags: Sequence[str]) -> None:
    """Build a launcher with one more source; the tests run as root, so it is not setuid."""
    with TemporaryDirectory() as name:
        write_headers(wanted, Path(name))
        wanted.box_root.mkdir(mode=0o711)
        sources = [*map(str, SOURCES), str(source)]
        subprocess.run(
            [*_COMPILER, "-I", name, *flags, "-o", str(wanted.output), *sources], check=True
        )
