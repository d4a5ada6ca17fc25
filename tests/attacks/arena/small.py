"""A disk and a memory limit as small as those of a task, for the time of a test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

_CGROUPS = Path("/sys/fs/cgroup")
#: Files of the limit: cgroup version 1 and 2.
_V1, _V2 = "memory.limit_in_bytes", "memory.max"


def why_no_disk() -> str:
    """Say why this process cannot mount a disk; empty if it can."""
    try:
        with small_disk(1 << 20):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        why = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else error
        return f"no disk of ext4 on a loop device: {why}"


def why_no_cgroup() -> str:
    """Say why this process cannot make a cgroup with a limit on memory; empty if it can."""
    try:
        with memory_cgroup(1 << 30):
            return ""
    except OSError as error:
        return f"no cgroup with a limit on memory: {error}"


@contextmanager
def small_disk(size_bytes: int) -> Iterator[Path]:
    """
    Mount a disk of this size, whose directories every user can pass through.

    It is ext4, since tmpfs applies the limit on a file's size to preallocated blocks too.
    """
    with TemporaryDirectory(prefix="small-disk-") as name:
        image, disk = Path(name, "image"), Path(name, "disk")
        Path(name).chmod(0o711)
        disk.mkdir()
        with image.open("wb") as file:
            file.truncate(size_bytes)
        _run("mkfs.ext4", "-q", "-m0", "-O", "^has_journal", image)
        _run("mount", "-o", "loop", image, disk)
        try:
            disk.chmod(0o711)
            yield disk
        finally:
            _run("umount", "--lazy", disk)


def _run(*command: str | Path) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True)


@contextmanager
def memory_cgroup(limit_bytes: int) -> Iterator[Path]:
    """Make a cgroup of either version with a limit on memory, and remove it at exit."""
    if (_CGROUPS / "cgroup.controllers").exists():
        with suppress(OSError):  # mostly it is there already; without it there is no limit file
            (_CGROUPS / "cgroup.subtree_control").write_text("+memory")
        parent, limit = _CGROUPS, _V2
    else:
        parent, limit = _CGROUPS / "memory", _V1
    group = parent / f"drill-{os.getpid()}"
    group.mkdir()
    try:
        (group / limit).write_text(str(limit_bytes))
        yield group
    finally:
        group.rmdir()


def enter(group: Path) -> None:
    """Move this process, with all memory that it touches from now on, to a cgroup."""
    (group / "cgroup.procs").write_text(str(os.getpid()))


def free_memory(group: Path) -> int:
    """Bytes below the limit of a cgroup."""
    used = group / ("memory.usage_in_bytes" if (group / _V1).exists() else "memory.current")
    limit = group / (_V1 if (group / _V1).exists() else _V2)
    return int(limit.read_text()) - int(used.read_text())
