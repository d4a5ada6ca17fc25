"""The object store over the files of a problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.problems.folder_store import FolderObjectStore
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, TemporaryError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of three bytes."""
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    return path


def test_files_and_written_objects_are_read_by_key(file: Path, tmp_path: Path) -> None:
    """By `get`, by `download` and in a listing."""
    store = FolderObjectStore({"p/b": file})
    store.put("p/a", b"x", content_type="text/plain")
    store.download("p/b", tmp_path / "copy", max_bytes=3)
    store.download("p/a", tmp_path / "other", max_bytes=3)

    assert store.get("p/b", max_bytes=3) == b"abc"
    assert (tmp_path / "copy").read_bytes() == b"abc"
    assert [(one.key, one.size_bytes) for one in store.list("p/")] == [("p/a", 1), ("p/b", 3)]


def test_limits_and_missing_objects_are_the_errors_of_the_port(file: Path, tmp_path: Path) -> None:
    """The judge sees no difference from a bucket."""
    store = FolderObjectStore({"b": file, "deleted": tmp_path / "deleted"})

    with pytest.raises(ObjectTooLargeError):
        store.get("b", max_bytes=2)
    with pytest.raises(ObjectTooLargeError):
        store.download("b", tmp_path / "copy", max_bytes=2)
    for key in ("deleted", "unknown"):
        with pytest.raises(ObjectNotFoundError):
            store.get(key, max_bytes=9)


def test_a_file_that_changed_after_the_listing_is_an_error(file: Path, tmp_path: Path) -> None:
    """An author may save a test case during a verification."""
    store = FolderObjectStore({"b": file})
    (listed,) = store.list("b")
    file.write_bytes(b"more than before")

    with pytest.raises(TemporaryError, match="changed since it was listed"):
        store.download("b", tmp_path / "copy", max_bytes=99, etag=listed.etag)


def test_written_objects_never_change_the_folder(file: Path) -> None:
    """They are kept in memory."""
    store = FolderObjectStore({"b": file})
    store.put("results/r/result.json", b"{}", content_type="application/json")

    assert store.get("results/r/result.json", max_bytes=2) == b"{}"
    assert list(file.parent.iterdir()) == [file]


def test_a_file_can_be_uploaded_and_written_objects_deleted(file: Path) -> None:
    """Files of the problem stay, as `delete` only removes written objects."""
    store = FolderObjectStore({"b": file})
    store.upload("results/r/log", file, content_type="text/plain")
    assert store.get("results/r/log", max_bytes=3) == b"abc"

    store.delete(["results/r/log", "b", "unknown"])

    assert [one.key for one in store.list("")] == ["b"]
