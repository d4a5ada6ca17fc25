"""
Object store and parameter store.

Each interface has a real implementation in `grader.adapters` and an in-memory fake in
`grader.testing`; one behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class ObjectInfo:
    """An object in a listing."""

    key: str
    size_bytes: int
    etag: str
    modified_at: datetime | None = None  # in UTC; None if the store does not know it


class ObjectStore(Protocol):
    """One bucket. Raises `TemporaryError` when the service is unreachable."""

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Read a whole object; raises `ObjectNotFoundError` or `ObjectTooLargeError`."""
        ...

    def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
        """
        Stream an object into a new file.

        Raises:
            ObjectNotFoundError: The object does not exist.
            ObjectTooLargeError: The object is larger than `max_bytes`.
            TemporaryError: The object has another ETag than `etag` meanwhile.
        """
        ...

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """Write a whole object."""
        ...

    def upload(self, key: str, source: Path, *, content_type: str) -> None:
        """Upload a file in one part, so that the ETag is the MD5 of the file."""
        ...

    def list(self, prefix: str) -> Iterable[ObjectInfo]:
        """List the objects with this prefix, in key order."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; missing ones are ignored."""
        ...


@dataclass(frozen=True)
class UploadTarget:
    """
    Where a client without credentials may put one object.

    Args:
        url: Valid for a time; not to be logged.
        headers: Headers that the PUT must have.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str]


class SubmissionStore(ObjectStore, Protocol):
    """What the API needs of a bucket in addition."""

    def put_new(self, key: str, body: bytes, *, content_type: str) -> bool:
        """Write a whole object unless the key exists; returns whether it was written."""
        ...

    def upload_target(self, key: str, *, content_type: str, seconds: int) -> UploadTarget:
        """Let a client write an object once, within so many seconds; makes no call."""
        ...

    def folders(self, prefix: str) -> Iterable[str]:
        """List the names that follow a prefix, each up to the next slash, in order."""
        ...


class ParameterStore(Protocol):
    """Named configuration values."""

    def get_many(self, names: Sequence[str]) -> dict[str, str]:
        """Read all `names`, decrypted; raises `SettingsError` that lists missing ones."""
        ...

    def find_many(self, names: Sequence[str]) -> dict[str, str]:
        """Read those of `names` that exist, decrypted."""
        ...
