"""
Cache of the bucket's objects by key and ETag, so a changed object has another entry.

A cached object has the size of the listing and, if the ETag is an MD5 as in buckets that S3 itself
encrypts, the listed content.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from functools import partial
from pathlib import Path

from grader.cache.files import FileCache, HeldFile
from grader.errors import TemporaryError
from grader.ports.stores import ObjectStore
from grader.problems.model import StoredFile

_md5 = partial(hashlib.md5, usedforsecurity=False)
_LOOKS_LIKE_MD5 = re.compile(r"[0-9a-f]{32}")
#: Locks by object: consumers that need the same object download it once, others in parallel.
_LOCKS = 64


class ObjectCache:
    """
    The objects of one bucket.

    Args:
        files: Storage of the entries.
        store: The bucket.
        bucket: Name of the bucket; several buckets may share the storage.
    """

    def __init__(self, files: FileCache, store: ObjectStore, bucket: str) -> None:
        self._files = files
        self._store = store
        self._bucket = bucket
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def held(self, wanted: StoredFile) -> HeldFile | None:
        """Open a cached object; None if it is not cached."""
        return self._get(self._name(wanted), wanted)

    def fetch(self, wanted: StoredFile, *, max_bytes: int) -> HeldFile:
        """
        Open an object; download it if it is not cached.

        Raises:
            ObjectNotFoundError: The object does not exist any more.
            ObjectTooLargeError: The object is larger than `max_bytes`.
            TemporaryError: The object changed since it was listed, or the download is damaged.
        """
        name = self._name(wanted)
        with self._locks[int(name[:8], 16) % _LOCKS]:
            return self._get(name, wanted) or self._files.add(
                name, lambda target: self._download(wanted, target, max_bytes)
            )

    def _get(self, name: str, wanted: StoredFile) -> HeldFile | None:
        held = self._files.get(name)
        if held is None or held.size_bytes == wanted.size_bytes:
            return held
        held.close()  # truncated, for example by a power cut
        self._files.remove(name)
        return None

    def _name(self, wanted: StoredFile) -> str:
        identity = "\0".join((self._bucket, wanted.key, wanted.etag, str(wanted.size_bytes)))
        return hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()

    def _download(self, wanted: StoredFile, target: Path, max_bytes: int) -> None:
        found = self._download_once(wanted, target, max_bytes)
        if found == wanted.etag or not _LOOKS_LIKE_MD5.fullmatch(wanted.etag):
            return
        # Damaged, or encrypted with a KMS key. In that case the ETag is not an MD5, but a second
        # download of the same version has the same content.
        target.unlink()
        if self._download_once(wanted, target, max_bytes) not in (found, wanted.etag):
            raise TemporaryError("each download had different content", where=wanted.key)

    def _download_once(self, wanted: StoredFile, target: Path, max_bytes: int) -> str:
        """Download into a new file; returns the MD5 of its content."""
        self._store.download(wanted.key, target, max_bytes=max_bytes, etag=wanted.etag)
        with target.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != wanted.size_bytes:
                raise TemporaryError(
                    f"download has {size} bytes, the listing {wanted.size_bytes}",
                    where=wanted.key,
                )
            return hashlib.file_digest(file, _md5).hexdigest()
