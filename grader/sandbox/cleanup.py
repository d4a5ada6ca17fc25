"""What the users of a slot may leave, and how files are removed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from grader.sandbox.runs import Role, RunLimits, RunSpec

#: Below these, directories are looked for in which any user may leave files.
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
    """Directories in which any user may leave files; in an image they stay the same."""
    return tuple(
        Path(entry.path)
        for parent in _PARENTS
        for entry in _entries(Path(parent))
        if entry.is_dir(follow_symlinks=False)
        and entry.stat(follow_symlinks=False).st_mode & stat.S_IWOTH
    )


def processes_of(users: range) -> list[int]:
    """Process ids of users, living or dead."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            owner = re.search(r"^Uid:\s+(\d+)", status.read_text(), re.MULTILINE)
        except (FileNotFoundError, ProcessLookupError):  # it has ended since it was listed
            continue
        if owner and int(owner[1]) in users:
            found.append(int(status.parent.name))
    return found


def owners(directories: Iterable[Path]) -> set[int]:
    """User ids of whatever lies in directories."""
    found = set()
    for directory in directories:
        for entry in _entries(directory):
            with suppress(FileNotFoundError):  # others come and go in the shared ones
                found.add(entry.stat(follow_symlinks=False).st_uid)
    return found


def bytes_below(directory: Path) -> int:
    """What the files below a directory take of the disk, as far as they can be seen."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(folder, name).lstat().st_blocks * 512
    return total


def removal(role: Role, user: int, directory: Path) -> RunSpec:
    """
    Give the run by which a user removes all it has where it works and in shared directories.

    As the user itself, so that a trap left behind can hurt nobody else.

    Args:
        role: Of the user.
        user: Its id.
        directory: For what the run says.
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
