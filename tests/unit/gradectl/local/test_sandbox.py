"""The choice of a sandbox launcher."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.errors import ConfigurationError
from gradectl.local.sandbox import open_sandbox


def test_an_installed_launcher_is_used(tmp_path: Path) -> None:
    """No compiler and no root are needed then."""
    launcher = tmp_path / "launcher"
    launcher.touch()

    with open_sandbox(None, {"LAUNCHER_PATH": str(launcher)}) as found:
        assert found == launcher


def test_a_missing_launcher_is_an_error(tmp_path: Path) -> None:
    """Falling back would use another sandbox than the configured one."""
    named = str(tmp_path / "launcher")

    with (
        pytest.raises(ConfigurationError, match="sandbox launcher not found") as caught,
        open_sandbox(None, {"LAUNCHER_PATH": named}),
    ):
        pass

    assert caught.value.where == named


@pytest.mark.engine
def test_without_one_a_launcher_is_built_and_removed_again() -> None:
    """Building needs a compiler and root, and leaves no files."""
    with open_sandbox(None, {}) as launcher:
        assert launcher.is_file()

    assert not launcher.exists()
