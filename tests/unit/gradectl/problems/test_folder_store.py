"""A folder as a bucket."""

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


def test_files_are_given_out_by_their_keys(file: Path, tmp_path: Path) -> None:
    """Whole, by download and in a listing, beside what was put."""
    store = FolderObjectStore({"p/b": file})
    store.put("p/a", b"x", content_type="text/plain")
    store.download("p/b", tmp_path / "copy", max_bytes=3)
    store.download("p/a", tmp_path / "other", max_bytes=3)

    assert store.get("p/b", max_bytes=3) == b"abc"
    assert (tmp_path / "copy").read_bytes() == b"abc"
    assert [(one.key, one.size_bytes) for one in store.list("p/")] == [("p/a", 1), ("p/b", 3)]


def test_limits_and_absence_are_those_of_any_store(file: Path, tmp_path: Path) -> None:
    """The judge must not see a difference."""
    store = FolderObjectStore({"b": file, "gone": tmp_path / "gone"})

    with pytest.raises(ObjectTooLargeError):
        store.get("b", max_bytes=2)
    with pytest.raises(ObjectTooLargeError):
        store.download("b", tmp_path / "copy", max_bytes=2)
    for key in ("gone", "never"):
        with pytest.raises(ObjectNotFoundError):
            store.get(key, max_bytes=9)


def test_a_file_that_changed_is_not_the_listed_one(file: Path, tmp_path: Path) -> None:
    """An author may save a case while it is being judged."""
    store = FolderObjectStore({"b": file})
    (listed,) = store.list("b")
    file.write_bytes(b"more than before")

    with pytest.raises(TemporaryError, match="changed since it was listed"):
        store.download("b", tmp_path / "copy", max_bytes=99, etag=listed.etag)


def test_what_is_put_never_touches_the_folder(file: Path) -> None:
    """Results are kept in memory."""
    store = FolderObjectStore({"b": file})
    store.put("results/r/result.json", b"{}", content_type="application/json")

    assert store.get("results/r/result.json", max_bytes=2) == b"{}"
    assert list(file.parent.iterdir()) == [file]
