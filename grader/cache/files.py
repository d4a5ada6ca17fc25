"""
Files on disk by name, never changed once they are there, and bounded in what they take.

Several threads and processes may share a directory.  A file appears by a rename, whole or not at
all; one that is removed while somebody holds it open stays readable for them.  Slot users cannot
enter the directory, and may read, but not write, a file whose descriptor they are given.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from grader.errors import SettingsError, TemporaryError

_PARTIAL = "partial-"
_PRIVATE = 0o700
#: Readable by all, for a sandboxed program opens its copy of the descriptor anew.
_MODE = 0o644
_BLOCK_BYTES = 512  # the unit of st_blocks
#: How exactly the last use is kept; writing it down each time would wear the disk.
_RECENT_SECONDS = 60
#: A file in the making that nobody wrote to for this long belonged to a worker that was killed.
_ABANDONED_SECONDS = 3600
#: Share of the bound that is freed at a time, and after which others' files are counted again.
_SHARE = 8
#: A file above this share of the bound would push out too much: it is used, and not kept.
_LARGE_SHARE = 4
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class HeldFile:
    """
    A file that stays readable until it is let go, whatever becomes of its name.

    Args:
        fd: Its open descriptor, which then belongs to this object.
    """

    def __init__(self, fd: int) -> None:
        """Hold it."""
        self.fd = fd
        status = os.fstat(fd)
        self.size_bytes = status.st_size
        self.disk_bytes = status.st_blocks * _BLOCK_BYTES
        self.used_at = status.st_mtime

    @property
    def path(self) -> Path:
        """Where this process, and it alone, can open it."""
        return Path(f"/proc/self/fd/{self.fd}")

    def close(self) -> None:
        """Let it go; twice is once."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        """Hold it for as long as the context lasts."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let it go."""
        self.close()


@dataclass(frozen=True)
class _Entry:
    path: str
    used_at: float
    disk_bytes: int


class FileCache:
    """
    A bounded directory of files.

    Args:
        directory: Made where it is missing; its parent is there.
        max_bytes: Disk that the files may take together; workers that share a directory may each
            go an eighth beyond it.

    Raises:
        SettingsError: The directory is not ours alone.
    """

    def __init__(self, directory: Path, max_bytes: int) -> None:
        """Take the directory as it is, with what earlier workers left."""
        _claim(directory)
        self._directory = directory
        self._prefix = f"{directory}/"  # for the one path that is taken for every case
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._added = 0
        self._total = 0
        self._trim(max_bytes)

    def get(self, name: str) -> HeldFile | None:
        """Open a file that is there, and remember that it was used."""
        try:
            held = _hold(self._prefix + name)
        except FileNotFoundError:
            return None
        if held.used_at < time.time() - _RECENT_SECONDS:
            os.utime(held.fd)
        return held

    def add(self, name: str, fill: Callable[[Path], None]) -> HeldFile:
        """
        Make a file and keep it, unless it is too large to be worth keeping.

        Args:
            name: A file name of hexadecimal digits.
            fill: Makes the file, which is not there yet, at the path it is given; what it raises
                passes through, and nothing is kept.

        Raises:
            TemporaryError: The disk is full, also without what could be removed.
        """
        try:
            return self._add(name, fill)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
        self._trim(0)
        try:
            return self._add(name, fill)
        except OSError as error:
            raise TemporaryError(
                f"cannot be written: {error.strerror}",
                where=str(self._directory),
                next_step="give the task more disk, or lower CACHE_MAX_MB",
            ) from error

    def remove(self, name: str) -> None:
        """Forget a file; who holds it can go on reading."""
        (self._directory / name).unlink(missing_ok=True)

    def _add(self, name: str, fill: Callable[[Path], None]) -> HeldFile:
        path = self._directory / f"{_PARTIAL}{uuid.uuid4().hex}"
        try:
            fill(path)
            path.chmod(_MODE)
            held = _hold(str(path))
            if held.disk_bytes <= self._max_bytes // _LARGE_SHARE:
                path.rename(self._directory / name)
                self._account(held.disk_bytes)
        finally:
            path.unlink(missing_ok=True)
        return held

    def _account(self, disk_bytes: int) -> None:
        with self._lock:
            self._added += disk_bytes
            over = self._total + self._added > self._max_bytes
            due = self._added > self._max_bytes // _SHARE
        if over or due:
            self._trim(self._max_bytes)

    def _trim(self, bound: int) -> None:
        """Count what is there, and when that is above `bound`, remove the least recently used."""
        with self._lock:
            entries = sorted(self._entries(), key=lambda entry: entry.used_at)
            total = sum(entry.disk_bytes for entry in entries)
            wanted = bound - bound // _SHARE if total > bound else bound
            for entry in entries:
                if total <= wanted:
                    break
                Path(entry.path).unlink(missing_ok=True)  # another worker may have been quicker
                total -= entry.disk_bytes
            self._total, self._added = total, 0

    def _entries(self) -> Iterator[_Entry]:
        """Yield all finished files; removes what killed workers left unfinished."""
        with os.scandir(self._directory) as found:
            for file in found:
                with suppress(FileNotFoundError):
                    status = file.stat(follow_symlinks=False)
                    if not file.name.startswith(_PARTIAL):
                        disk_bytes = status.st_blocks * _BLOCK_BYTES
                        yield _Entry(file.path, status.st_mtime, disk_bytes)
                    elif status.st_mtime < time.time() - _ABANDONED_SECONDS:
                        Path(file.path).unlink()


def _hold(path: str) -> HeldFile:
    return HeldFile(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC))


def _claim(directory: Path) -> None:
    with suppress(FileExistsError):
        directory.mkdir(mode=_PRIVATE)
    status = directory.lstat()
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    if not ours or stat.S_IMODE(status.st_mode) & ~_PRIVATE:
        raise SettingsError(
            "is not a directory of the worker's user that nobody else can enter",
            where=str(directory),
            next_step="let CACHE_DIRECTORY name a directory that is not there yet",
        )
