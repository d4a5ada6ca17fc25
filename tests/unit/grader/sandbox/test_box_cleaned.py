"""A box is known to be clean, or not used: each step of cleaning fails once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sandboxes import (
    build_with,
    launcher_of,
    launchers_of,
    shell,
    wait_until,
    wait_until_emptied,
    wanted_launcher,
)

from grader.errors import SandboxError
from grader.sandbox import Box
from grader.sandbox.runs import Role

pytestmark = pytest.mark.engine

SOURCE = Path(__file__).parents[3] / "support" / "failing_calls.c"
#: Steps of a launcher that serves a box already, and of one that starts.
STEPS = ("rename", "mkdir", "lchown", "chmod", "poll", "fork", "opendir")
#: Those of the process that removes used directories, which may also be of the launcher.
LATER_STEPS = ("unlinkat", "fdopendir")
FIRST_STEPS = ("mkdir", "lchown", "chmod", "chdir", "socketpair", "rename", "fork")
SECRET = "a secret of the last submission"
LEAVE = f"echo {SECRET} > left; mkdir -p a/b; echo {SECRET} > a/b/c; chmod 0 a"
LOOK = "ls -A . ../compile ../build 2>/dev/null; cat ../compile/* ./* 2>/dev/null; true"
LISTING = b".:\n\n../build:\n\n../compile:\n"


@dataclass(frozen=True)
class Failing:
    """A launcher one of whose calls can fail once."""

    launcher: Path
    fault: Path

    def fail(self, call: str) -> None:
        """Let the next call of this name fail."""
        self.fault.write_text(call)


@pytest.fixture(scope="module")
def failing() -> Iterator[Failing]:
    """The launcher with calls that fail."""
    with wanted_launcher() as wanted:
        fault = wanted.output.parent / "fault"
        wraps = [f"-Wl,--wrap={call}" for call in {*STEPS, *LATER_STEPS, *FIRST_STEPS}]
        build_with(wanted, SOURCE, [f'-DFAULT="{fault}"', *wraps])
        yield Failing(wanted.output, fault)


def leave_files(box: Box, directory: Path) -> None:
    """Leave files of a submission: two runs, so that the trash is in use."""
    box.store(Role.COMPILE, "source", SECRET.encode())
    for _ in range(2):
        assert box.run(shell(directory, LEAVE)).succeeded


def clean_again(box: Box, directory: Path) -> int:
    """Clean until it works; nothing can be used before.  Returns the number of failures."""
    for failures in range(4):
        try:
            box.clean()
        except SandboxError:
            with pytest.raises(SandboxError, match="not known to be clean"):
                box.run(shell(directory, "true"))
            with pytest.raises(SandboxError, match="not known to be clean"):
                box.store(Role.COMPILE, "source", b"")
            with pytest.raises(SandboxError, match="not known to be clean"):
                box.collect(Role.COMPILE, "left", max_bytes=100)
        else:
            return failures
    pytest.fail("it cannot be cleaned")


def assert_nothing_is_left(box: Box, directory: Path) -> None:
    spec = shell(directory, LOOK)
    assert box.run(spec).succeeded
    assert spec.stdout.read_bytes() == LISTING


@pytest.mark.parametrize("call", [*STEPS, *LATER_STEPS])
def test_a_failed_step_never_serves_a_dirty_box(
    failing: Failing, tmp_path: Path, call: str
) -> None:
    """Either the step failed in the launcher, and nothing runs, or the trash stays for later."""
    with Box.claim(failing.launcher) as box:
        leave_files(box, tmp_path)
        failing.fail(call)

        failures = clean_again(box, tmp_path)

        wait_until(lambda: not failing.fault.exists())  # perhaps in the removal of the trash
        assert failures == 1 or call in LATER_STEPS
        assert_nothing_is_left(box, tmp_path)
        box.clean()
        wait_until_emptied(box)


@pytest.mark.parametrize("call", FIRST_STEPS)
def test_a_failed_start_never_serves_a_dirty_box(
    failing: Failing, tmp_path: Path, call: str
) -> None:
    """The box is that of a killed launcher, and the first step of the next one fails."""
    with Box.claim(failing.launcher) as box:
        leave_files(box, tmp_path)
        kill_launcher(box)
        failing.fail(call)

        assert clean_again(box, tmp_path) == 2

        assert not failing.fault.exists()
        assert_nothing_is_left(box, tmp_path)


@pytest.mark.parametrize("call", FIRST_STEPS)
def test_a_box_that_cannot_be_cleaned_is_left_for_another(failing: Failing, call: str) -> None:
    """A worker that starts takes the next box, and is not stopped by a broken one."""
    failing.fail(call)

    with Box.claim(failing.launcher) as box:
        assert box.number == 1


def kill_launcher(box: Box) -> None:
    """Kill the launcher of a box, which has no program."""
    (found,) = (each for each in launchers_of(box) if launcher_of(each) == os.getpid())
    os.kill(found, signal.SIGKILL)


def test_the_next_submission_cleans_what_the_last_could_not(
    failing: Failing, tmp_path: Path
) -> None:
    """As the grader does: the failure is an error of the one, and the other finds nothing."""
    with Box.claim(failing.launcher) as box:
        leave_files(box, tmp_path)
        failing.fail("rename")
        with pytest.raises(SandboxError, match="build: Input/output error"):
            box.clean()

        failing.fail("rename")
        with pytest.raises(SandboxError, match="Input/output error"):
            box.ensure_clean()
        box.ensure_clean()
        failing.fail("opendir")
        box.ensure_clean()  # it is clean, so nothing is done

        assert failing.fault.exists()
        failing.fault.unlink()
        assert_nothing_is_left(box, tmp_path)
