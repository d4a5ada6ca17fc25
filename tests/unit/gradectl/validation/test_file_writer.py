"""A file is replaced as a whole, or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gradectl.errors import GradectlError
from gradectl.validation.file_writer import replace_file


def test_the_content_is_replaced_and_the_mode_is_kept(tmp_path: Path) -> None:
    """A script stays executable."""
    path = tmp_path / "x.tf"
    path.write_text("old")
    path.chmod(0o640)

    replace_file(path, b"new\r\n")

    assert path.read_bytes() == b"new\r\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_is_readable_by_all(tmp_path: Path) -> None:
    """Like other files of a work tree, and unlike temporary ones."""
    replace_file(tmp_path / "folder" / "new", b"x")

    assert stat.S_IMODE((tmp_path / "folder" / "new").stat().st_mode) == 0o644


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_keeps_the_owner(tmp_path: Path) -> None:
    """In a container, the files of the mounted work tree still belong to their user."""
    path = tmp_path / "x.tf"
    path.write_text("old")
    os.chown(path, 1234, 2345)

    replace_file(path, b"new")

    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    """Its target changes."""
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")

    replace_file(tmp_path / "link", b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_a_reader_of_the_old_file_keeps_it_whole(tmp_path: Path) -> None:
    """The new content is written to another file first."""
    path = tmp_path / "x.tf"
    path.write_text("old content")

    with path.open() as reader:
        replace_file(path, b"new")
        assert reader.read() == "old content"


@pytest.mark.parametrize("name", ["folder", "file/x"])
def test_what_cannot_be_written_is_an_error_and_leaves_no_file(tmp_path: Path, name: str) -> None:
    """It says that the old content is still there."""
    (tmp_path / "folder" / "below").mkdir(parents=True)
    (tmp_path / "file").write_text("old")
    before = sorted(tmp_path.iterdir())

    with pytest.raises(GradectlError, match="it is unchanged") as caught:
        replace_file(tmp_path / name, b"new")

    assert caught.value.where == str(tmp_path / name)
    assert caught.value.next_step
    assert sorted(tmp_path.iterdir()) == before
