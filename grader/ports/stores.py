"""
Object store and parameter store.

Each interface has a real implementation in `grader.adapters` and an in-memory fake in
`grader.testing`; one behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


class ParameterStore(Protocol):
    """Named configuration values."""

    def get_many(self, names: Sequence[str]) -> dict[str, str]:
        """Read all `names`, decrypted; raises `SettingsError` that lists missing ones."""
        ...
