"""Which sandbox a command judges in."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.errors import ConfigurationError
from gradectl.local.sandbox import open_sandbox


def test_an_installed_launcher_is_used(tmp_path: Path) -> None:
    """A machine that has one needs no compiler and no root."""
    launcher = tmp_path / "launcher"
    launcher.touch()

    with open_sandbox(None, {"LAUNCHER_PATH": str(launcher)}) as found:
        assert found == launcher


def test_one_that_is_named_and_not_there_is_an_error(tmp_path: Path) -> None:
    """Another one would be used than was meant."""
    named = str(tmp_path / "launcher")

    with (
        pytest.raises(ConfigurationError, match="no sandbox launcher") as caught,
        open_sandbox(None, {"LAUNCHER_PATH": named}),
    ):
        pass

    assert caught.value.where == named


@pytest.mark.engine
def test_else_one_is_built_and_removed_again() -> None:
    """It takes a compiler and root, and leaves nothing."""
    with open_sandbox(None, {}) as launcher:
        assert launcher.is_file()

    assert not launcher.exists()
