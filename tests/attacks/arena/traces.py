"""What an attack may have changed, as somebody sees it who is not the attacked."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.sandbox import Box

#: Directories of the machine in which any user may leave something.
SHARED_DIRECTORIES = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/dev/mqueue")
_OBJECTS = Path("/proc/sysvipc")
_OTHERS_MAY_WRITE = 0o022


def left_behind(box: Box) -> list[str]:
    """All that the users of a slot still have: processes, files, objects of the kernel."""
    found = [f"process {pid}" for pid in box.survivors()]
    for directory in map(Path, SHARED_DIRECTORIES):
        if directory.is_dir():
            files = [path.name for path in directory.iterdir() if _owner(path) in box.users]
            found += [f"{len(files)} files in {directory}: {files[:3]}"] if files else []
    for table in ("shm", "sem", "msg"):
        for line in (_OBJECTS / table).read_text().splitlines()[1:]:
            owners = {int(word) for word in line.split()[1:]} & set(box.users)
            found += [f"{table}: {line}"] if owners else []
    return found


def _owner(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except FileNotFoundError:  # it belongs to another program and has gone since the listing
        return None


@dataclass(frozen=True)
class Ground:
    """
    Places that have to look the same after an attack.

    Args:
        box: The slot; everything in it counts.
        fixed: Files and directories that count themselves, without what is in them.
        caches: Directories that grow; nothing in them may belong to, or be open to, others.
    """

    box: Box
    fixed: Sequence[Path]
    caches: Sequence[Path] = ()

    def look(self) -> frozenset[str]:
        """Kind, mode and owner of everything that counts."""
        seen = {_describe(path) for path in [*self.fixed, *map(Path, SHARED_DIRECTORIES)]}
        seen |= {_describe(path) for path in _walk(self.box.directory)}
        return frozenset(seen)

    def strangers(self) -> list[str]:
        """What lies in a cache and is not the worker's alone to change."""
        return [
            _describe(path) for cache in self.caches for path in _walk(cache) if not _is_own(path)
        ]


def _walk(top: Path) -> Iterator[Path]:
    yield top
    for directory, folders, files in os.walk(top):
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
    """What came and what went, in words."""
    came = [f"changed: {line}" for line in sorted(after - before)]
    return came + [f"gone: {line}" for line in sorted(before - after)]
