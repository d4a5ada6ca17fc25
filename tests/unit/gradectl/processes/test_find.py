"""Programs are looked up in given folders, then on the PATH of an environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.processes.find import find_program


def program(path: Path) -> str:
    path.parent.mkdir(exist_ok=True)
    path.touch(0o755)
    return str(path)


def test_given_folders_come_before_path(tmp_path: Path) -> None:
    """In the order in which they are given."""
    first, second = program(tmp_path / "first/tool"), program(tmp_path / "second/tool")
    environ = {"PATH": str(tmp_path / "second")}

    assert find_program("tool", environ, [tmp_path / "first"]) == first
    assert find_program("tool", environ) == second


def test_only_the_given_environment_counts(tmp_path: Path) -> None:
    """The PATH of this process is not searched."""
    assert find_program("sh", {"PATH": str(tmp_path)}) is None


def test_an_empty_path_is_not_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in the project folder must not run by accident."""
    program(tmp_path / "tool")
    monkeypatch.chdir(tmp_path)

    assert find_program("tool", {"PATH": ""}, [tmp_path / "none"]) is None


def test_a_file_that_is_not_executable_is_not_a_program(tmp_path: Path) -> None:
    """The search goes on after it."""
    (tmp_path / "tool").touch(0o644)

    assert find_program("tool", {}, [tmp_path]) is None
