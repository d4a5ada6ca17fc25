"""Reads the manifests and files of functions, from the bucket or the cache."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from grader.cache.files import FileCache
from grader.contract.bucket import function_file_key, function_manifest_key
from grader.contract.functions import FunctionManifest
from grader.contract.verdicts import ErrorCode
from grader.errors import (
    ObjectNotFoundError,
    ObjectTooLargeError,
    RequestError,
    TemporaryError,
)
from grader.ports.stores import ObjectStore

#: Age at which a manifest is read again: how long a worker may run the version before a push.
FRESH_SECONDS = 2.0
#: Largest manifest; one with the most files and the longest names has a fifth of that.
_MANIFEST_BYTES = 1 << 16
_MOST_FUNCTIONS = 1024


class FunctionNotFoundError(ObjectNotFoundError):
    """No function has this id."""


@dataclass(frozen=True)
class FunctionCode:
    """
    A version of a function.

    Args:
        manifest: Its manifest.
        files: Content by file name.
    """

    manifest: FunctionManifest
    files: Mapping[str, bytes]

    @property
    def source(self) -> bytes:
        """Content of the file that is run or compiled."""
        return self.files[self.manifest.entry]


@dataclass(frozen=True)
class FunctionStore:
    """
    The functions of a bucket; thread-safe.

    Args:
        store: The grading bucket.
        cache: Keeps the files, by their digest.
        max_file_bytes: Largest file of a function.
        clock: Monotonic seconds.
    """

    store: ObjectStore
    cache: FileCache
    max_file_bytes: int
    clock: Callable[[], float] = monotonic
    _manifests: OrderedDict[str, tuple[float, FunctionManifest]] = field(
        default_factory=OrderedDict
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self, function_id: str) -> FunctionCode:
        """
        Read a function as of at most two seconds ago.

        Raises:
            FunctionNotFoundError: It does not exist.
            AccessError: The worker may not read it; a worker may list the bucket, so this is no
                function that does not exist.
            RequestError: Its manifest or one of its files is invalid, too large or missing.
            TemporaryError: The bucket cannot be reached, or the disk is full.
        """
        known = self._known(function_id)
        if known is not None:
            try:
                return self._code(known)
            except RequestError:  # replaced or deleted meanwhile
                self._forget(function_id)
        manifest = self._read(function_id)
        code = self._code(manifest)
        with self._lock:
            self._manifests[function_id] = (self.clock(), manifest)
            while len(self._manifests) > _MOST_FUNCTIONS:
                self._manifests.popitem(last=False)
        return code

    def _known(self, function_id: str) -> FunctionManifest | None:
        with self._lock:
            read_at, manifest = self._manifests.get(function_id, (0.0, None))
        return manifest if manifest and self.clock() - read_at < FRESH_SECONDS else None

    def _forget(self, function_id: str) -> None:
        with self._lock:
            self._manifests.pop(function_id, None)

    def _read(self, function_id: str) -> FunctionManifest:
        try:
            body = self.store.get(function_manifest_key(function_id), max_bytes=_MANIFEST_BYTES)
        except ObjectNotFoundError:
            self._forget(function_id)
            raise FunctionNotFoundError(function_id) from None
        except ObjectTooLargeError:
            raise _invalid(f"the manifest has more than {_MANIFEST_BYTES} bytes") from None
        manifest = FunctionManifest.from_json(body)
        if manifest.function_id != function_id:
            raise _invalid(f"the manifest is of another function: {manifest.function_id}")
        return manifest

    def _code(self, manifest: FunctionManifest) -> FunctionCode:
        files = {name: self._file(manifest, name) for name in manifest.files}
        return FunctionCode(manifest, files)

    def _file(self, manifest: FunctionManifest, name: str) -> bytes:
        """Read a file; a damaged one in the cache is downloaded again."""
        digest = manifest.files[name]
        held = self.cache.get(digest)
        if held is not None:
            with held:
                content = os.pread(held.fd, held.size_bytes, 0)
            if hashlib.sha256(content).hexdigest() == digest:
                return content
            self.cache.remove(digest)  # truncated, for example by a power cut
        key = function_file_key(manifest.function_id, digest)
        try:
            with self.cache.add(digest, lambda path: self._download(key, digest, path)) as added:
                return os.pread(added.fd, added.size_bytes, 0)
        except ObjectNotFoundError:
            raise _invalid(f"the file {name} is missing") from None
        except ObjectTooLargeError:
            text = f"the file {name} has more than {self.max_file_bytes} bytes"
            raise _invalid(text) from None

    def _download(self, key: str, digest: str, path: Path) -> None:
        self.store.download(key, path, max_bytes=self.max_file_bytes)
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise TemporaryError(
                "the content does not match its name",
                where=key,
                next_step="push the function again",
            )


def _invalid(text: str) -> RequestError:
    return RequestError(ErrorCode.FUNCTION_INVALID, text)
