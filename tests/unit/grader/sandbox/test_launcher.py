"""The launcher believes nobody: its arguments are attacked here, its children elsewhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import SandboxError, SettingsError
from grader.sandbox.launcher import Launcher

pytestmark = pytest.mark.engine

REFUSED = 70
GOOD = ("0", "run", "native", "3", "100", "300", "65536", "65536", "0", "1000", "4", "/bin/true")
#: No text that the operating system could not pass on.
ARGUMENTS = st.lists(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    max_size=16,
)


def call(launcher: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [launcher, *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
    )


@settings(max_examples=200, deadline=None)
@given(arguments=ARGUMENTS, command=st.sampled_from(["prepare", "clean", "store", "run", ""]))
def test_whatever_is_asked_is_refused_in_words(
    launcher: Path, arguments: list[str], command: str
) -> None:
    """No argument crashes it, and what is no proper command is refused."""
    done = call(launcher, command, *arguments)

    if command in {"prepare", "clean"} and arguments in [["0"], ["1"], ["2"], ["3"]]:
        assert done.returncode in {0, REFUSED}
    else:
        assert done.returncode == REFUSED
        assert done.stderr.startswith("launcher: ")


@pytest.mark.parametrize(
    ("position", "value"),
    [
        *((0, slot) for slot in ("-1", "4", "99999999999999999999", "0x1", " 1", "", "1.5")),
        *((1, role) for role in ("root", "", "RUN", "run ")),
        *((2, policy) for policy in ("", "none", "native2", "../native")),
        *((3, report) for report in ("0", "1", "2", "-3", "9999999")),
        *((4, cpu_ms) for cpu_ms in ("0", "-1", "600001")),
        *((5, wall_ms) for wall_ms in ("0", "1300001")),
        *((6, memory_kb) for memory_kb in ("0", "67108865")),
        *((10, processes) for processes in ("0", "513")),
        *(
            (11, program)
            for program in (
                *("/bin/sh", "/usr/bin/../../bin/sh", "/usr/bin/", "/usr/bin/a/b", "/usr/sbin/x"),
                *("true", "", "./", "./../x", "./a/b", "./.hidden", "../program", "/proc/self/exe"),
            )
        ),
    ],
)
def test_each_argument_of_a_run_has_bounds(launcher: Path, position: int, value: str) -> None:
    """Slots, roles, numbers and programs outside what is compiled in are named and refused."""
    arguments = list(GOOD)
    arguments[11] = "/usr/bin/true"
    arguments[position] = value

    done = call(launcher, "run", *arguments)

    assert done.returncode == REFUSED
    assert done.stderr == f"launcher: {value}: Invalid argument\n"


def test_the_compile_user_runs_no_stored_file(launcher: Path) -> None:
    """Its working directory is one that it can write, so only system programs are trusted."""
    arguments = ["0", "compile", "compile", *GOOD[3:11], "./program"]

    assert call(launcher, "run", *arguments).returncode == REFUSED


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "/etc/passwd", "x" * 128])
def test_only_a_plain_name_can_be_stored(launcher: Path, name: str) -> None:
    """No name leads out of the slot's directory."""
    call(launcher, "prepare", "0")

    assert call(launcher, "store", "0", "run", name).returncode == REFUSED


def test_nothing_that_was_stored_is_written_over(launcher: Path) -> None:
    """A second file of the same name is an error, not a change."""
    for command in (("prepare", "1"), ("clean", "1"), ("store", "1", "run", "once")):
        assert call(launcher, *command).returncode == 0

    assert "File exists" in call(launcher, "store", "1", "run", "once").stderr
    assert call(launcher, "clean", "1").returncode == 0


def test_a_launcher_that_is_missing_says_how_to_get_one(tmp_path: Path) -> None:
    """The worker does not start without its sandbox."""
    with pytest.raises(SettingsError, match=r"python -m grader\.sandbox\.build"):
        Launcher.open(tmp_path / "launcher")


def test_a_launcher_that_is_something_else_says_so() -> None:
    """The setting may point to any file."""
    with pytest.raises(SettingsError, match="the sandbox launcher does not work"):
        Launcher.open(Path("/usr/bin/false"))


def test_it_says_what_was_compiled_into_it(launcher: Path) -> None:
    """Directory and users have one source, the binary."""
    opened = Launcher.open(launcher)

    assert opened.box_root == launcher.parent / "boxes"
    assert opened.slots == 4
    assert list(opened.users(1)) == [opened.uid_base + 3 + role for role in range(3)]


def test_a_failing_command_is_a_failure_of_the_sandbox(launcher: Path) -> None:
    """It is worth another attempt and never the submission's fault."""
    with pytest.raises(SandboxError, match="launcher prepare 4: launcher: 4: Invalid argument"):
        Launcher.open(launcher).prepare(4)


def test_it_says_when_it_is_not_privileged(launcher: Path) -> None:
    """A task with no_new_privs, or a mount with nosuid, would otherwise fail in riddles."""
    group = f"--regid={os.getegid()}"
    done = subprocess.run(
        ["setpriv", "--no-new-privs", "--reuid=99999", group, "--clear-groups", launcher, "config"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == REFUSED
    assert "not setuid root here (nosuid mount or no_new_privs?)" in done.stderr
