"""Behaviour of every object store."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader.errors import ObjectNotFoundError, ObjectTooLargeError, TemporaryError
from grader.ports.stores import ObjectStore, SubmissionStore


def test_object_is_read_byte_for_byte(object_store: ObjectStore) -> None:
    """There is no text conversion."""
    object_store.put("a/b", b"\x00\xff\r\n", content_type="application/octet-stream")

    assert object_store.get("a/b", max_bytes=4) == b"\x00\xff\r\n"


def test_missing_object_is_an_error(object_store: ObjectStore) -> None:
    """It has its own error class: the request is at fault, not the store."""
    with pytest.raises(ObjectNotFoundError):
        object_store.get("nothing", max_bytes=1)


def test_object_over_the_limit_is_not_read(object_store: ObjectStore, tmp_path: Path) -> None:
    """The limit is exact, in memory and on disk."""
    object_store.put("large", b"123", content_type="text/plain")

    with pytest.raises(ObjectTooLargeError):
        object_store.get("large", max_bytes=2)
    with pytest.raises(ObjectTooLargeError):
        object_store.download("large", tmp_path / "large", max_bytes=2)


def test_uploaded_object_has_content_and_md5_of_the_file(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    """Pushing problems compares files with listings, whatever their sizes and names."""
    source = tmp_path / "file"
    source.write_bytes(b"\x00\xff\r\n")
    key = "p/a name, \N{LATIN SMALL LETTER U WITH DIAERESIS} & <more>.in"

    object_store.upload(key, source, content_type="text/plain")

    (listed,) = object_store.list("p/")
    assert object_store.get(key, max_bytes=4) == b"\x00\xff\r\n"
    assert (listed.key, listed.etag) == (key, hashlib.md5(source.read_bytes()).hexdigest())


def test_a_listing_has_the_time_of_each_object(object_store: ObjectStore) -> None:
    """It tells when a source or a result was stored."""
    object_store.put("x", b"1", content_type="text/plain")

    (listed,) = object_store.list("x")
    assert listed.modified_at is not None
    assert abs(datetime.now(UTC) - listed.modified_at) < timedelta(hours=1)


def test_download_creates_a_new_file_and_never_overwrites(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    """An existing file is an error."""
    object_store.put("x", b"content", content_type="text/plain")
    object_store.download("x", tmp_path / "x", max_bytes=100)

    assert (tmp_path / "x").read_bytes() == b"content"
    with pytest.raises(FileExistsError):
        object_store.download("x", tmp_path / "x", max_bytes=100)


def test_download_returns_the_listed_version_or_fails(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    """An object replaced between listing and download is an error."""
    object_store.put("p/x", b"old", content_type="text/plain")
    (listed,) = object_store.list("p/")
    object_store.download("p/x", tmp_path / "old", max_bytes=9, etag=listed.etag)
    object_store.put("p/x", b"new", content_type="text/plain")

    assert (tmp_path / "old").read_bytes() == b"old"
    with pytest.raises(TemporaryError):
        object_store.download("p/x", tmp_path / "new", max_bytes=9, etag=listed.etag)


def test_list_returns_the_objects_of_a_prefix_in_key_order(object_store: ObjectStore) -> None:
    """With their sizes, and no other objects."""
    for key in ("p/2", "p/10", "q/1"):
        object_store.put(key, key.encode(), content_type="text/plain")

    found = list(object_store.list("p/"))

    assert [(item.key, item.size_bytes) for item in found] == [("p/10", 4), ("p/2", 3)]
    assert all(item.etag for item in found)


def test_delete_ignores_missing_objects(object_store: ObjectStore) -> None:
    """Deleting again has no effect."""
    object_store.put("x", b"", content_type="text/plain")

    object_store.delete(["x", "never"])
    object_store.delete(["x"])

    assert list(object_store.list("")) == []


def test_delete_of_nothing_does_nothing(object_store: ObjectStore) -> None:
    """An empty list is not an error."""
    object_store.delete([])


def test_a_new_object_is_written_once(object_store: SubmissionStore) -> None:
    """Of two writers one learns that it was second, and changes nothing."""
    first = object_store.put_new("x", b"first", content_type="text/plain")
    second = object_store.put_new("x", b"second", content_type="text/plain")

    assert (first, second) == (True, False)
    assert object_store.get("x", max_bytes=100) == b"first"


def test_folders_are_listed_without_what_is_in_them(object_store: SubmissionStore) -> None:
    """An object at the top of the prefix is no folder."""
    for key in ("p/b/1", "p/b/2/3", "p/a/1", "p/top", "q/c/1"):
        object_store.put(key, b"", content_type="text/plain")

    assert list(object_store.folders("p/")) == ["a", "b"]


def test_an_upload_target_names_the_object_and_its_headers(object_store: SubmissionStore) -> None:
    """Its URL is not shown in a log."""
    target = object_store.upload_target("p/x", content_type="text/plain", seconds=900)

    assert "/p/x" in target.url
    assert target.headers == {"Content-Type": "text/plain", "If-None-Match": "*"}
    assert target.url not in repr(target)
