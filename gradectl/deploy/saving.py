"""Saves data before a destroy: files to a folder, rows to a snapshot."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

from gradectl.errors import CheckFailedError, RefusedError
from gradectl.planning.plan import Action, Plan

#: Folder for files whose key cannot be a path on this machine.
_OTHERS = "_others"
_MAX_PART = 200  # bytes of a file name, below the limit of all file systems


class BucketReader(Protocol):
    """Reads the files of buckets."""

    def objects(self, bucket: str) -> Iterator[tuple[str, int]]:
        """Key and size of each file."""

    def old_versions(self, bucket: str) -> int:
        """Number of the versions that are not current."""

    def download(self, bucket: str, key: str, file: IO[bytes]) -> None:
        """Write a file's content."""


@dataclass(frozen=True)
class SavedBucket:
    """The files of a bucket in a folder."""

    bucket: str
    folder: Path
    files: int
    bytes: int


def deleted_buckets(plan: Plan) -> list[str]:
    """Names of the buckets that a plan deletes."""
    return [
        str(change.before.get("bucket"))
        for change in plan.changes
        if change.kind == "aws_s3_bucket" and change.action is Action.DELETE
    ]


def deleted_databases(plan: Plan, *, without_snapshot: bool = False) -> dict[str, str]:
    """
    List the databases that a plan deletes.

    Args:
        plan: The plan of a destroy.
        without_snapshot: Whether to list only those without a final snapshot.

    Returns:
        Identifier to the name of the final snapshot; "" for none.
    """
    found = {}
    for change in plan.changes:
        if change.kind == "aws_db_instance" and change.action is Action.DELETE:
            kept = change.before.get("skip_final_snapshot") is not True
            name = str(change.before.get("final_snapshot_identifier") or "") if kept else ""
            found[str(change.before.get("identifier"))] = name
    return {each: name for each, name in found.items() if not (without_snapshot and name)}


def snapshot_name(identifier: str, now: datetime) -> str:
    """Name of a snapshot that is taken before a destroy; unique by its time."""
    return f"{identifier}-before-destroy-{now.astimezone(UTC):%Y%m%d-%H%M%S}"


def check_new(folder: Path, buckets: list[str]) -> None:
    """
    Check that an export overwrites nothing.

    Raises:
        RefusedError: A folder of an earlier export exists.
    """
    taken = [str(folder / bucket) for bucket in buckets if (folder / bucket).exists()]
    if taken:
        text = f"{', '.join(taken)} exists already; an export never overwrites"
        raise RefusedError(text, where="--export", next_step="name another folder")


def not_exported(reader: BucketReader, bucket: str) -> str:
    """
    Say what an export does not copy.

    Args:
        reader: Reads the bucket.
        bucket: Its name.

    Returns:
        The number of old versions, in a sentence; "" when there are none.
    """
    old = reader.old_versions(bucket)
    text = f"LOST: {old} old version{'' if old == 1 else 's'} in s3://{bucket}"
    return f"{text}; --export copies only current files" if old else ""


def save_bucket(reader: BucketReader, bucket: str, folder: Path) -> SavedBucket:
    """
    Copy the current version of each file of a bucket to a new folder.

    Keys are untrusted: one that is not a plain path below the folder is saved under its checksum.
    `index.jsonl` has the file of each key.

    Args:
        reader: Reads the bucket.
        bucket: Its name.
        folder: The parent of the new folder.

    Raises:
        CheckFailedError: A file arrived incomplete, or cannot be written.
    """
    top = folder / bucket
    top.mkdir(parents=True, mode=0o700)
    count = total = 0
    with (top / "index.jsonl").open("x", encoding="utf-8") as index:
        for key, size in reader.objects(bucket):
            try:
                path = _save(reader, bucket, key, top)
            except OSError as error:
                raise _failed(bucket, key, str(error)) from error
            if path.stat().st_size != size:
                raise _failed(bucket, key, f"{path.stat().st_size} of {size} bytes arrived")
            line = {"key": key, "bytes": size, "file": str(path.relative_to(top))}
            index.write(json.dumps(line) + "\n")
            count, total = count + 1, total + size
    return SavedBucket(bucket, top, count, total)


def _save(reader: BucketReader, bucket: str, key: str, top: Path) -> Path:
    """Download one file; one that is in the way of another is saved under its checksum."""
    other = top / _OTHERS / hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    for path in (top / "files" / key, other) if _is_plain(key) else (other,):
        with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                reader.download(bucket, key, file)
            return path
    raise FileExistsError(key)


def _is_plain(key: str) -> bool:
    """Whether a key is a path that stays below a folder."""
    parts = key.split("/")
    return key.isprintable() and all(
        part not in {"", ".", ".."} and len(part.encode()) <= _MAX_PART for part in parts
    )


def _failed(bucket: str, key: str, text: str) -> CheckFailedError:
    """The error of a file that was not saved."""
    return CheckFailedError(
        f"the export is incomplete, and nothing was deleted: {text}",
        where=f"s3://{bucket}/{key}",
        next_step="fix the cause, and export to a new folder",
    )
