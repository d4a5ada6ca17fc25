"""A file is replaced as a whole, by one that only its owner can read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gradectl.files import replacing


def test_the_old_file_is_there_until_the_block_ends(tmp_path: Path) -> None:
    """Whatever its mode was, the new one is private."""
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o666)

    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"

    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_block_changes_nothing(tmp_path: Path) -> None:
    """And leaves no part."""
    path = tmp_path / "x"
    path.write_text("old")

    def interrupted() -> None:
        with replacing(path) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    """The superuser could: `--out /dev/null` would then make a file of it."""
    device = tmp_path / "null"
    device.symlink_to("/dev/null")

    with pytest.raises(OSError, match="not a file"), replacing(device):
        pass

    assert device.is_symlink()
    assert list(tmp_path.iterdir()) == [device]
