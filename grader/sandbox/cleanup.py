"""Finds processes and files that the users of a box left, and removes the files."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from grader.sandbox.runs import Role, RunLimits, RunSpec

#: Parents of the world-writable directories.
_PARENTS = ("/", "/dev", "/run", "/var")
_LIMITS = RunLimits(
    cpu_ms=20_000,
    wall_ms=60_000,
    memory_mb=256,
    output_bytes=1 << 20,
    processes=16,
    bound_address_space=False,
)


@cache
def shared_directories() -> tuple[Path, ...]:
    """World-writable directories; cached, since an image does not change them."""
    return tuple(
        Path(entry.path)
        for parent in _PARENTS
        for entry in _entries(Path(parent))
        if entry.is_dir(follow_symlinks=False)
        and entry.stat(follow_symlinks=False).st_mode & stat.S_IWOTH
    )


def processes_of(users: range) -> list[int]:
    """Process ids of the users, including zombies."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            owner = re.search(r"^Uid:\s+(\d+)", status.read_text(errors="replace"), re.MULTILINE)
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if owner and int(owner[1]) in users:
            found.append(int(status.parent.name))
    return found


def owners(directories: Iterable[Path]) -> set[int]:
    """User ids of the entries of directories."""
    found = set()
    for directory in directories:
        for entry in _entries(directory):
            with suppress(FileNotFoundError):  # others delete files in shared directories
                found.add(entry.stat(follow_symlinks=False).st_uid)
    return found


def bytes_below(directory: Path) -> int:
    """Disk usage in bytes of the readable part of a directory tree."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(folder, name).lstat().st_blocks * 512
    return total


def removal_spec(role: Role, user: int, directory: Path) -> RunSpec:
    """
    Specify a run that removes the user's files from its working and from shared directories.

    It runs as the user itself, so a symbolic link or other trap cannot affect files of others.

    Args:
        role: Role of the user.
        user: User id.
        directory: For stdout and stderr of the run.
    """
    find = ("find", ".", *_names(shared_directories()), "-mindepth", "1", "-maxdepth", "1")
    unlock = ("-type", "d", "-exec", "/bin/chmod", "-R", "u+rwx", "--", "{}", "+")
    remove = ("-exec", "/bin/rm", "-rf", "--", "{}", "+")
    return RunSpec(
        role=role,
        policy="remove",
        argv=(*find, "-user", str(user), "(", *unlock, ",", *remove, ")"),
        limits=_LIMITS,
        stdin=Path(os.devnull),
        stdout=directory / "stdout",
        stderr=directory / "stderr",
    )


def _names(directories: Sequence[Path]) -> list[str]:
    return [str(directory) for directory in directories if directory.is_dir()]


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    with suppress(FileNotFoundError, PermissionError), os.scandir(directory) as entries:
        yield from entries
