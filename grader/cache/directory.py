"""
A temporary directory of one worker that is removed however the worker ends.

A killed worker cannot remove its directory, so the next one on the machine does: it takes the lock
that the kernel released when the holder ended.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

_PREFIX = "grader-cache-"
#: A younger directory may belong to a worker that has not locked it yet.
_SETTLED_SECONDS = 60


@contextmanager
def own_directory(parent: Path | None = None) -> Iterator[Path]:
    """
    Create a temporary directory, and remove those of killed workers.

    Args:
        parent: Parent directory; None: the system's directory of temporary files.
    """
    place = parent or Path(gettempdir())
    for path in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, or just removed
            _remove_abandoned(path)
    with TemporaryDirectory(prefix=_PREFIX, dir=place) as name, _locked(Path(name)):
        yield Path(name)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock a directory; raises `BlockingIOError` if another process holds the lock."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def _remove_abandoned(path: Path) -> None:
    status = path.lstat()
    ours = status.st_uid == os.geteuid()
    if ours and status.st_mtime < time.time() - _SETTLED_SECONDS:
        with _locked(path):
            shutil.rmtree(path)
