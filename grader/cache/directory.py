"""
A directory of one worker, gone with it however it ends.

A worker that is killed cannot remove its directory, so the next one on the machine does: the kernel
lets go of a lock when its holder ends, and of nothing else.
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
#: One that is younger may belong to a worker that has not come to lock it yet.
_SETTLED_SECONDS = 60


@contextmanager
def own_directory(parent: Path | None = None) -> Iterator[Path]:
    """
    Make a directory for as long as the context lasts, and remove those of killed workers.

    Args:
        parent: Where to; None: where temporary files are.
    """
    place = parent or Path(gettempdir())
    for path in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it belongs to somebody else, or has just gone
            _remove_abandoned(path)
    with TemporaryDirectory(prefix=_PREFIX, dir=place) as name, _locked(Path(name)):
        yield Path(name)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock a directory; raises `BlockingIOError` when another process has."""
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
