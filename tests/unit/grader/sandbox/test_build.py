"""Compiling and installing the launcher."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.errors import SettingsError
from grader.sandbox.build import Installation, install, main, write_headers


def wanted(box_root: str) -> Installation:
    return Installation(Path("/opt/launcher"), Path(box_root), uid_base=70, boxes=5, worker_gid=9)


def test_settings_are_compiled_in(tmp_path: Path) -> None:
    """Directory, users, number of boxes and group are constants."""
    write_headers(wanted("/var/lib/boxes"), tmp_path)
    header = (tmp_path / "config.h").read_text()

    assert '#define BOX_ROOT "/var/lib/boxes"\n' in header
    assert "#define UID_BASE 70\n" in header
    assert "#define BOX_COUNT 5\n" in header
    assert "#define WORKER_GID 9\n" in header


@pytest.mark.parametrize("path", ["boxes", '/a"b', "/a\\b", "/a\nb", "/a%db"])
def test_a_path_with_special_characters_is_refused(path: str, tmp_path: Path) -> None:
    """The path becomes part of a C string and of a format string."""
    with pytest.raises(SettingsError, match="an absolute path"):
        write_headers(wanted(path), tmp_path)


@pytest.mark.engine
def test_a_box_root_that_its_users_cannot_reach_is_refused(tmp_path: Path) -> None:
    """Otherwise programs could not be started later."""
    tmp_path.chmod(0o700)

    with pytest.raises(SettingsError, match=r"cannot pass.*chmod o\+x"):
        install(Installation(tmp_path / "launcher", tmp_path / "boxes"))


@pytest.mark.engine
def test_a_killed_compiler_leaves_no_files(tmp_path: Path) -> None:
    """Its temporary files are in a directory that is removed, and not in the machine's."""
    programs, temporary = tmp_path / "programs", tmp_path / "temporary"
    programs.mkdir()
    temporary.mkdir()
    compiler = programs / "gcc"
    compiler.write_text('#!/bin/sh\ntouch "$TMPDIR/cc1.s"\nkill -KILL $$\n')
    compiler.chmod(0o755)
    options = ("--output", str(tmp_path / "launcher"), "--box-root", str(tmp_path / "boxes"))
    done = subprocess.run(
        [sys.executable, "-m", "grader.sandbox.build", *options],
        env={"PATH": f"{programs}:/usr/bin:/bin", "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 78
    assert "gcc failed" in done.stderr
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("found", ["", "/nonexistent"])
def test_a_missing_compiler_is_named(
    found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that installs it."""
    monkeypatch.setenv("PATH", found)

    with pytest.raises(SettingsError, match=r"gcc is not installed.*apt-get install gcc"):
        install(Installation(tmp_path / "launcher", tmp_path / "boxes"))


@pytest.mark.engine
def test_an_error_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line and the exit code for a wrong configuration."""
    code = main(["--output", str(tmp_path / "launcher"), "--box-root", "relative"])

    assert code == 78
    assert capsys.readouterr().err.startswith("error: 'relative': the box root must be")
