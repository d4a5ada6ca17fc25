"""`down` without a running stack succeeds; unusable directories are rejected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gradectl.errors import ConfigurationError, ExitCode, RefusedError
from gradectl.local import lifecycle
from gradectl.local.stack import take_lock


def test_down_without_a_stack_does_nothing(tmp_path: Path) -> None:
    """A script may call it unconditionally."""
    assert not lifecycle.down(tmp_path / "absent")
    assert not lifecycle.down(tmp_path)


def test_down_after_the_supervisor_was_killed_does_nothing(tmp_path: Path) -> None:
    """Its pid may belong to another program by now, which must not be killed."""
    os.close(take_lock(tmp_path))

    assert not lifecycle.down(tmp_path)


def test_down_refuses_a_directory_of_another_user(tmp_path: Path) -> None:
    """Otherwise another user could choose the pid to be killed."""
    (tmp_path / "target").mkdir()
    (tmp_path / "stack").symlink_to(tmp_path / "target")

    with pytest.raises(RefusedError):
        lifecycle.down(tmp_path / "stack")


def test_a_file_system_with_nosuid_is_refused_before_the_start(tmp_path: Path) -> None:
    """The sandbox would fail later with an error that does not show the cause."""
    lifecycle.check_setuid(tmp_path, os.ST_NODEV)

    with pytest.raises(ConfigurationError, match="nosuid") as caught:
        lifecycle.check_setuid(tmp_path, os.ST_NODEV | os.ST_NOSUID)

    assert caught.value.exit_code == ExitCode.CONFIGURATION
    assert "GRADECTL_LOCAL_DIR" in caught.value.next_step
