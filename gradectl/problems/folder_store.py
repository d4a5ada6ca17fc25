"""A problem on disk as the judge sees it in a bucket, with room for sources and results."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from grader.errors import ObjectNotFoundError, ObjectTooLargeError, TemporaryError
from grader.ports.stores import ObjectInfo
from grader.testing import MemoryObjectStore


class FolderObjectStore(MemoryObjectStore):
    """
    Gives out files by their keys, and keeps in memory what is put.

    Args:
        files: Object key to path; never written.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Read nothing yet."""
        super().__init__()
        self._files = dict(files)

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Read a whole object; raises `ObjectNotFoundError` or `ObjectTooLargeError`."""
        if key not in self._files:
            return super().get(key, max_bytes=max_bytes)
        return self._checked(key, max_bytes).read_bytes()

    def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
        """Copy an object into a new file; raises as the port says."""
        if key not in self._files:
            super().download(key, target, max_bytes=max_bytes, etag=etag)
            return
        path = self._checked(key, max_bytes)
        if etag and etag != _etag(path):
            raise TemporaryError("changed since it was listed", where=key)
        with path.open("rb") as source, target.open("xb") as copy:
            shutil.copyfileobj(source, copy)

    def list(self, prefix: str) -> Iterable[ObjectInfo]:
        """All objects below a prefix, in key order."""
        found = [*super().list(prefix)]
        found += [
            ObjectInfo(key, path.stat().st_size, _etag(path))
            for key, path in self._files.items()
            if key.startswith(prefix)
        ]
        return sorted(found, key=lambda one: one.key)

    def _checked(self, key: str, max_bytes: int) -> Path:
        path = self._files[key]
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            raise ObjectNotFoundError("there is no such file", where=str(path)) from None
        if size > max_bytes:
            raise ObjectTooLargeError(f"{size} bytes, at most {max_bytes} are allowed", where=key)
        return path


def _etag(path: Path) -> str:
    """Change whenever the file does, without reading it."""
    status = path.stat()
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"
