"""An object store over the files of a problem on disk; written objects are kept in memory."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from grader.errors import ObjectNotFoundError, ObjectTooLargeError, TemporaryError
from grader.ports.stores import ObjectInfo


class FolderObjectStore:
    """
    Implements `grader.ports.stores.ObjectStore`.

    Reads go to the files first, so an object that is written under the key of a file stays hidden.

    Args:
        files: Object key to path; these files are never written.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(files)
        self._written: dict[str, bytes] = {}

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Read a whole object; raises `ObjectNotFoundError` or `ObjectTooLargeError`."""
        self._check_size(key, max_bytes)
        path = self._files.get(key)
        return self._written[key] if path is None else path.read_bytes()

    def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
        """Copy an object into a new file; raises as `ObjectStore.download`."""
        self._check_size(key, max_bytes)
        if etag and etag != self._etag(key):
            raise TemporaryError("changed since it was listed", where=key)
        with target.open("xb") as copy:
            if path := self._files.get(key):
                with path.open("rb") as source:
                    shutil.copyfileobj(source, copy)
            else:
                copy.write(self._written[key])

    def put(self, key: str, body: bytes, *, content_type: str) -> None:  # noqa: ARG002 - the port's
        """Keep an object in memory."""
        self._written[key] = body

    def upload(self, key: str, source: Path, *, content_type: str) -> None:
        """Keep the content of a file in memory."""
        self.put(key, source.read_bytes(), content_type=content_type)

    def list(self, prefix: str) -> Iterable[ObjectInfo]:
        """All objects below a prefix, in key order."""
        for key in sorted({*self._files, *self._written}):
            if key.startswith(prefix):
                yield ObjectInfo(key, self._size(key), self._etag(key))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove written objects; files stay."""
        for key in keys:
            self._written.pop(key, None)

    def _check_size(self, key: str, max_bytes: int) -> None:
        size = self._size(key)
        if size > max_bytes:
            raise ObjectTooLargeError(f"{size} bytes, at most {max_bytes} are allowed", where=key)

    def _size(self, key: str) -> int:
        path = self._files.get(key)
        try:
            return len(self._written[key]) if path is None else path.stat().st_size
        except (KeyError, FileNotFoundError):
            raise ObjectNotFoundError("object not found", where=str(path or key)) from None

    def _etag(self, key: str) -> str:
        """Return a tag that changes with the content; that of a file is made without reading it."""
        path = self._files.get(key)
        if path is None:
            return hashlib.md5(self._written[key], usedforsecurity=False).hexdigest()
        status = path.stat()
        return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"
