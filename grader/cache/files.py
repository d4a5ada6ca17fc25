"""
A bounded cache of immutable files by name.

Several threads and processes may share a directory.  A file appears by a rename, whole or not at
all; if it is removed, holders of an open descriptor can still read it.  The users of boxes cannot
enter the directory, and get read-only descriptors of files.
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
#: Readable by all, because a sandboxed program reopens its copy of the descriptor.
_MODE = 0o644
_BLOCK_BYTES = 512  # the unit of st_blocks
#: Precision of the last use; writing it at each use would wear the disk.
_RECENT_SECONDS = 60
#: A partial file without a write for this long belonged to a killed worker.
_ABANDONED_SECONDS = 3600
#: Fraction of the maximum that is freed at a time, and added before files are counted again.
_SHARE = 8
#: A file above this fraction of the maximum would evict too much: it is used but not kept.
_LARGE_SHARE = 4
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class HeldFile:
    """
    An open file that stays readable until it is closed, even if its name is removed.

    Args:
        fd: The open descriptor; this object closes it.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        status = os.fstat(fd)
        self.size_bytes = status.st_size
        self.disk_bytes = status.st_blocks * _BLOCK_BYTES
        self.used_at = status.st_mtime

    @property
    def path(self) -> Path:
        """Path of the file, valid in this process only."""
        return Path(f"/proc/self/fd/{self.fd}")

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        """Keep the file open during the context."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
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
        directory: The directory; created if it is missing, its parent is not. Files of earlier
            workers are used.
        max_bytes: Maximum disk usage of all files; each of several workers that share a directory
            may exceed it by an eighth.

    Raises:
        SettingsError: Other users can enter the directory.
    """

    def __init__(self, directory: Path, max_bytes: int) -> None:
        _claim(directory)
        self._directory = directory
        self._prefix = f"{directory}/"  # a string, because `get` runs for every case
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._added = 0
        self._total = 0
        self._trim(max_bytes)

    def get(self, name: str) -> HeldFile | None:
        """Open a cached file and record its use; None if there is none."""
        try:
            held = _hold(self._prefix + name)
        except FileNotFoundError:
            return None
        if held.used_at < time.time() - _RECENT_SECONDS:
            os.utime(held.fd)
        return held

    def add(self, name: str, fill: Callable[[Path], None]) -> HeldFile:
        """
        Create a file and keep it, unless it is too large to keep.

        Args:
            name: File name of hexadecimal digits.
            fill: Creates the file at the given path; if it raises, nothing is kept.

        Raises:
            TemporaryError: The disk is full even with an empty cache.
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
        """Remove a file; open descriptors stay readable."""
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
        """Count the files, and remove the least recently used if they exceed `bound` bytes."""
        with self._lock:
            entries = sorted(self._entries(), key=lambda entry: entry.used_at)
            total = sum(entry.disk_bytes for entry in entries)
            wanted = bound - bound // _SHARE if total > bound else bound
            for entry in entries:
                if total <= wanted:
                    break
                Path(entry.path).unlink(missing_ok=True)  # another worker may have removed it
                total -= entry.disk_bytes
            self._total, self._added = total, 0

    def _entries(self) -> Iterator[_Entry]:
        """Yield all complete files; removes partial files of killed workers."""
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
            "is not a directory that only the worker's user can enter (mode 0700)",
            where=str(directory),
            next_step="set CACHE_DIRECTORY to a directory that does not exist yet",
        )
