"""Finds what an attack changed, independently of the code of the sandbox."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.sandbox import Box

#: World-writable directories.
SHARED_DIRECTORIES = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/dev/mqueue")
_OBJECTS = Path("/proc/sysvipc")
_OTHERS_MAY_WRITE = 0o022
#: Used directories of a box, which the launcher removes while the box is used again.
_TRASH = "trash"
_REMOVED_WITHIN_SECONDS = 300


def left_behind(box: Box) -> list[str]:
    """List processes, files and IPC objects of the users of a box."""
    found = [f"process {pid}" for pid in box.survivors()]
    found += _not_removed(box.directory / _TRASH)
    for directory in map(Path, SHARED_DIRECTORIES):
        if directory.is_dir():
            files = [path.name for path in directory.iterdir() if _owner(path) in box.users]
            found += [f"{len(files)} files in {directory}: {files[:3]}"] if files else []
    for table in ("shm", "sem", "msg"):
        for line in (_OBJECTS / table).read_text().splitlines()[1:]:
            owners = {int(word) for word in line.split()[1:]} & set(box.users)
            found += [f"{table}: {line}"] if owners else []
    return found


def _not_removed(trash: Path) -> list[str]:
    """List used directories that stay; only root can see them."""
    pause = threading.Event()
    deadline = time.monotonic() + _REMOVED_WITHIN_SECONDS
    while os.geteuid() == 0 and (left := [path.name for path in trash.iterdir()]):
        if time.monotonic() > deadline:
            return [f"{len(left)} directories in {trash}: {left[:3]}"]
        pause.wait(0.01)  # there is no event for it
    return []


def _owner(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except FileNotFoundError:  # deleted meanwhile by another program
        return None


@dataclass(frozen=True)
class Ground:
    """
    Files that must be the same after an attack.

    Args:
        box: The box, including all its files.
        fixed: Files and directories, without their contents.
        caches: Directories that may grow, but only by files that nobody else can change.
    """

    box: Box
    fixed: Sequence[Path]
    caches: Sequence[Path] = ()

    def look(self) -> frozenset[str]:
        """Read type, mode and owner of all files."""
        seen = {_describe(path) for path in [*self.fixed, *map(Path, SHARED_DIRECTORIES)]}
        seen |= {_describe(path) for path in _walk(self.box.directory)}
        return frozenset(seen)

    def unsafe_cache_entries(self) -> list[str]:
        """List cache entries that users other than the worker can change."""
        return [
            _describe(path) for cache in self.caches for path in _walk(cache) if not _is_own(path)
        ]


def _walk(top: Path) -> Iterator[Path]:
    """Yield all paths below a directory; what is thrown away is not looked at."""
    yield top
    for directory, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name != _TRASH]
        yield from (Path(directory, name) for name in (*folders, *files))


def _is_own(path: Path) -> bool:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return True
    link = stat.S_ISLNK(status.st_mode)
    return status.st_uid == os.geteuid() and not link and not status.st_mode & _OTHERS_MAY_WRITE


def _describe(path: Path) -> str:
    try:
        status = path.lstat()
    except (FileNotFoundError, PermissionError) as error:
        return f"{path}: {error.strerror}"
    size = f" {status.st_size} bytes" if stat.S_ISREG(status.st_mode) else ""
    mode = stat.filemode(status.st_mode)
    return f"{path}: {mode} {status.st_uid}:{status.st_gid}{size}"


def differences(before: frozenset[str], after: frozenset[str]) -> list[str]:
    """List changed and missing files."""
    changed = [f"changed: {line}" for line in sorted(after - before)]
    return changed + [f"gone: {line}" for line in sorted(before - after)]
