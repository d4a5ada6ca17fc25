"""
A host that lacks what the sandbox uses: one clear error, or a documented fall-back.

An old kernel is simulated by a filter that answers the calls it does not have as it would.
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyseccomp
import pytest
from arena.child import in_a_child
from arena.program import WRITABLE, launcher_of_workers
from arena.task import in_a_task

from grader.errors import GraderError
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunSpec
from grader.sandbox.selftest import run_self_test

pytestmark = pytest.mark.engine

#: From here on calls are newer than Linux 5.10.
_FIRST_AFTER_5_10, _LAST = 441, 500
_PR_SET_SECCOMP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 22, 36, 38
_LANDLOCK = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")
_CLONE_NEWNS, _PRIVATE_AND_BELOW = 0x00020000, 0x44000
_LIMITS = RunLimits(5000, 30_000, 128, 1 << 20, 32, bound_address_space=False)


@dataclass(frozen=True)
class Lack:
    """
    System calls that a kernel does not have.

    Args:
        error: Its answer.
        calls: Names or numbers.
        operations: Operations of `prctl`.
        listeners: Whether a filter can have a process that answers calls.
    """

    error: int
    calls: Sequence[str | int] = ()
    operations: Sequence[int] = ()
    listeners: bool = True

    def apply(self) -> None:
        """Make the calls fail in this process and its children."""
        rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
        rules.set_attr(pyseccomp.Attr.CTL_NNP, 0)  # the launcher is setuid
        answer = pyseccomp.ERRNO(self.error)
        for call in self.calls:
            rules.add_rule(answer, call)
        for number in self.operations:
            rules.add_rule(answer, "prctl", pyseccomp.Arg(0, pyseccomp.EQ, number))
        if not self.listeners:
            rules.add_rule(answer, "seccomp", pyseccomp.Arg(1, pyseccomp.NE, 0))
        rules.load()


def a_run(box: Box) -> None:
    """Compile nothing with the rights of a compiler, which are the widest."""
    null = Path(os.devnull)
    argv = ("sh", "-c", "echo x > file && cat file")
    assert box.run(RunSpec(Role.COMPILE, "compile", argv, _LIMITS, null, null, null)).succeeded


def tried(launcher: Path, prepare: Callable[[], object], work: Callable[[Box], None]) -> str:
    """Work in a box of a host that lacks something; returns the error, or an empty text."""

    def child() -> str:
        prepare()
        try:
            with Box.claim(launcher) as box:
                work(box)
        except GraderError as error:
            return str(error)
        return ""

    done = in_a_child(child)
    assert done.failure == ""
    return str(done.result)


@pytest.mark.parametrize(
    ("lack", "error"),
    [
        pytest.param(
            Lack(errno.EINVAL, ["seccomp"], [_PR_SET_SECCOMP]),
            "cannot start: seccomp: Invalid argument",
            id="seccomp",
        ),
        pytest.param(
            Lack(errno.EINVAL, [], [_PR_SET_NO_NEW_PRIVS]),
            "cannot start: becoming the user of the box: Invalid argument",
            id="no_new_privs",
        ),
        pytest.param(
            Lack(errno.EINVAL, [], [_PR_SET_CHILD_SUBREAPER]),
            "setting up: Invalid argument",
            id="subreaper",
        ),
        pytest.param(
            Lack(errno.ENOSYS, ["close_range"]),
            "close_range: Function not implemented",
            id="close_range",
        ),
        pytest.param(
            Lack(errno.ENOSYS, ["getrandom"]),
            "getrandom: Function not implemented",
            id="getrandom",
        ),
        pytest.param(
            Lack(errno.EPERM, ["setresuid"]),
            "sweeping: the helper could not be started, or failed",
            id="setuid",
        ),
    ],
)
def test_a_kernel_without_what_the_sandbox_needs_runs_nothing(
    launcher: Path, lack: Lack, error: str
) -> None:
    """The error names the step and what the kernel said; no program runs with less protection."""
    said = tried(launcher, lack.apply, a_run)

    assert error in said


@pytest.mark.parametrize(
    "lack",
    [
        pytest.param(Lack(errno.ENOSYS, _LANDLOCK), id="Landlock is missing"),
        pytest.param(Lack(errno.EOPNOTSUPP, _LANDLOCK), id="Landlock is disabled"),
        pytest.param(Lack(errno.EINVAL, listeners=False), id="seccomp cannot ask"),
        pytest.param(Lack(errno.EBUSY, listeners=False), id="seccomp has another listener"),
        pytest.param(Lack(errno.ENOSYS, range(_FIRST_AFTER_5_10, _LAST)), id="Linux 5.10"),
    ],
)
def test_a_kernel_without_what_is_optional_holds_all_attacks(launcher: Path, lack: Lack) -> None:
    """Landlock, answers to calls, and calls newer than Linux 5.10: the self-test passes."""
    assert tried(launcher, lack.apply, run_self_test) == ""
    assert tried(launcher, lack.apply, a_run) == ""


def mounts_of_its_own() -> None:
    """What is mounted from now on is seen by this process and its children only."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(_CLONE_NEWNS) == 0
    assert libc.mount(None, b"/", None, _PRIVATE_AND_BELOW, None) == 0


def over_proc(*options: str) -> None:
    """Mount something over /proc that only this process and its children see."""
    mounts_of_its_own()
    subprocess.run(["mount", *options, "none", "/proc"], check=True)


def test_without_proc_nothing_runs(launcher: Path) -> None:
    """The watch could not see any memory."""
    said = tried(launcher, partial(over_proc, "-t", "tmpfs"), a_run)

    assert "cannot start: setting up: " in said


def without_lines(path: Path, field: str, directory: Path) -> None:
    """Hide the lines that begin with a name from this process and its children."""
    kept = [line for line in path.read_text().splitlines() if not line.startswith(field)]
    (directory / path.name).write_text("\n".join([*kept, ""]))
    subprocess.run(["mount", "--bind", directory / path.name, path], check=True)


def test_without_counts_of_oom_kills_programs_run(launcher: Path, tmp_path: Path) -> None:
    """Neither cgroups nor the field: an end by the kernel is then the program's own."""

    def hide() -> None:
        mounts_of_its_own()
        subprocess.run(["mount", "-t", "tmpfs", "none", "/sys/fs/cgroup"], check=True)
        without_lines(Path("/proc/vmstat"), "oom_kill ", tmp_path)

    assert tried(launcher, hide, run_self_test) == ""
    assert tried(launcher, hide, a_run) == ""


def test_without_the_field_of_shared_memory_no_worker_starts(
    launcher: Path, tmp_path: Path
) -> None:
    """Programs could keep memory that no process shows: the self-test finds it."""

    def hide() -> None:
        mounts_of_its_own()
        without_lines(Path("/proc/meminfo"), "Shmem:", tmp_path)

    assert "memory outside the data segment" in tried(launcher, hide, run_self_test)


@pytest.fixture(scope="module")
def launcher_of_a_task() -> Iterator[Path]:
    """A launcher that the worker of a task can execute."""
    with launcher_of_workers() as path:
        yield path


@pytest.mark.exhaustive
def test_a_proc_that_hides_processes_is_found_at_start(launcher_of_a_task: Path) -> None:
    """A launcher without the right to trace cannot see the box's processes with `hidepid`."""

    def self_test() -> str:
        try:
            with Box.claim(launcher_of_a_task) as box:
                run_self_test(box)
        except GraderError as error:
            return str(error)
        return ""

    def child() -> str:
        over_proc("-t", "proc", "-o", "hidepid=2")
        report = in_a_task(self_test, WRITABLE)
        return str(report.failure or report.result)

    done = in_a_child(child)

    assert done.failure == ""
    assert "memory outside the data segment" in done.result
