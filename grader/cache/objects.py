"""
Objects of the bucket, fetched once: by key and ETag, so that a changed object is another one.

What is kept was seen to have the size and, where the ETag is an MD5 as in a bucket that S3 itself
encrypts, the content that the listing promised.
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
#: Two slots that want one object wait for each other; this many others may be fetched beside it.
_LANES = 64


class ObjectCache:
    """
    The objects of one bucket.

    Args:
        files: Where they are kept.
        store: Where they come from.
        bucket: Its name, for several may share the files.
    """

    def __init__(self, files: FileCache, store: ObjectStore, bucket: str) -> None:
        """Nothing is fetched yet."""
        self._files = files
        self._store = store
        self._bucket = bucket
        self._lanes = [threading.Lock() for _ in range(_LANES)]

    def held(self, wanted: StoredFile) -> HeldFile | None:
        """Open an object that is here already."""
        return self._get(self._name(wanted), wanted)

    def fetch(self, wanted: StoredFile, *, max_bytes: int) -> HeldFile:
        """
        Open an object, fetching it where it is not here.

        Raises:
            ObjectNotFoundError: It is gone.
            ObjectTooLargeError: It is larger than `max_bytes`.
            TemporaryError: It was changed since it was listed, or came damaged.
        """
        name = self._name(wanted)
        with self._lanes[int(name[:8], 16) % _LANES]:
            return self._get(name, wanted) or self._files.add(
                name, lambda target: self._download(wanted, target, max_bytes)
            )

    def _get(self, name: str, wanted: StoredFile) -> HeldFile | None:
        held = self._files.get(name)
        if held is None or held.size_bytes == wanted.size_bytes:
            return held
        held.close()  # the disk lost some of it, say in a power cut
        self._files.remove(name)
        return None

    def _name(self, wanted: StoredFile) -> str:
        identity = "\0".join((self._bucket, wanted.key, wanted.etag, str(wanted.size_bytes)))
        return hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()

    def _download(self, wanted: StoredFile, target: Path, max_bytes: int) -> None:
        found = self._download_once(wanted, target, max_bytes)
        if found == wanted.etag or not _LOOKS_LIKE_MD5.fullmatch(wanted.etag):
            return
        # Damaged on the way, or encrypted with keys of KMS: then an ETag is no MD5, but the same
        # version of an object has the same content each time.
        target.unlink()
        if self._download_once(wanted, target, max_bytes) not in (found, wanted.etag):
            raise TemporaryError("came with another content each time", where=wanted.key)

    def _download_once(self, wanted: StoredFile, target: Path, max_bytes: int) -> str:
        """Fetch into a new file, and give the MD5 of what came."""
        self._store.download(wanted.key, target, max_bytes=max_bytes, etag=wanted.etag)
        with target.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != wanted.size_bytes:
                raise TemporaryError(
                    f"came with {size} bytes and not the {wanted.size_bytes} listed",
                    where=wanted.key,
                )
            return hashlib.file_digest(file, _md5).hexdigest()
