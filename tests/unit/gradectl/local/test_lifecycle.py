"""Ending what does not run is no error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gradectl.errors import ConfigurationError, ExitCode, RefusedError
from gradectl.local import lifecycle
from gradectl.local.stack import take_lock


def test_down_where_nothing_ever_ran_does_nothing(tmp_path: Path) -> None:
    """It may stand at the end of any script."""
    assert not lifecycle.down(tmp_path / "absent")
    assert not lifecycle.down(tmp_path)


def test_down_after_the_supervisor_has_died_does_nothing(tmp_path: Path) -> None:
    """Its number may belong to another program by now, which must not be ended."""
    os.close(take_lock(tmp_path))

    assert not lifecycle.down(tmp_path)


def test_down_does_not_believe_a_directory_that_is_not_ours(tmp_path: Path) -> None:
    """A process id written by somebody else is one that they want to see ended."""
    (tmp_path / "target").mkdir()
    (tmp_path / "stack").symlink_to(tmp_path / "target")

    with pytest.raises(RefusedError):
        lifecycle.down(tmp_path / "stack")


def test_a_file_system_without_setuid_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """The sandbox would fail later, with words that lead nowhere."""
    lifecycle.check_setuid(tmp_path, os.ST_NODEV)

    with pytest.raises(ConfigurationError, match="nosuid") as caught:
        lifecycle.check_setuid(tmp_path, os.ST_NODEV | os.ST_NOSUID)

    assert caught.value.exit_code == ExitCode.CONFIGURATION
    assert "GRADECTL_LOCAL_DIR" in caught.value.next_step
