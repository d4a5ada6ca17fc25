"""
Where objects and parameters are kept.

Each has a real implementation in `grader.adapters` and an in-memory fake in `grader.testing`; one
behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class ObjectInfo:
    """One stored object, as a listing shows it."""

    key: str
    size_bytes: int
    etag: str


class ObjectStore(Protocol):
    """One bucket. Raises `TemporaryError` when the service cannot be reached."""

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Read a whole object; raises `ObjectNotFoundError` or `ObjectTooLargeError`."""
        ...

    def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
        """
        Stream an object into a new file.

        Raises:
            ObjectNotFoundError: There is none.
            ObjectTooLargeError: It is larger than `max_bytes`.
            TemporaryError: Its ETag is no more the one that is given.
        """
        ...

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """Write a whole object."""
        ...

    def upload(self, key: str, source: Path, *, content_type: str) -> None:
        """Stream a file into an object, in one piece, so that its ETag is the MD5 of the file."""
        ...

    def list(self, prefix: str) -> Iterable[ObjectInfo]:
        """All objects below a prefix, in key order."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are absent do not matter."""
        ...


class ParameterStore(Protocol):
    """Named configuration values."""

    def get_many(self, names: Sequence[str]) -> dict[str, str]:
        """Read all of `names`, decrypted; raises `SettingsError` naming those that are missing."""
        ...
