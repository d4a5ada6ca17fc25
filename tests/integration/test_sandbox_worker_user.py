"""The sandbox as a worker in a task has it: not root, the capabilities that the module leaves."""

from __future__ import annotations

import ctypes
import os
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sandboxes import own_users

from gradectl.local.container import DEFAULT_CAPABILITIES
from grader.errors import SettingsError
from grader.sandbox import Box
from grader.sandbox.build import Installation, install, uninstall
from grader.sandbox.runs import Role, RunLimits, RunOutcome, RunSpec, StopReason
from grader.sandbox.selftest import run_self_test

pytestmark = pytest.mark.engine

WORKER_UID = 640_000_000 + os.getpid()
WORKER_GID = WORKER_UID
STRANGER_GID = WORKER_GID + 10_000_000
ROOT = Path(__file__).resolve().parents[2]
_PR_CAPBSET_DROP = 24
_LAST_CAPABILITY = 40
LIMITS = RunLimits(
    cpu_ms=2000,
    wall_ms=10_000,
    memory_mb=64,
    output_bytes=1 << 20,
    processes=16,
    bound_address_space=True,
)


def names_between(page: str, begin: str, end: str) -> set[str]:
    """Names in capitals in a part of a file."""
    text = (ROOT / page).read_text()
    part = text[text.index(begin) :]
    return set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b", part[len(begin) : part.index(end)]))


def dropped() -> set[str]:
    """Capabilities that the task definition drops."""
    return names_between("modules/ecs-grading/task.tf", "  dropped_capabilities = [", "]")


def remaining() -> set[int]:
    """Capabilities that remain for the launcher in a task."""
    return {number for name, number in DEFAULT_CAPABILITIES.items() if name not in dropped()}


@pytest.fixture(scope="module")
def launcher_of_the_group() -> Iterator[Path]:
    """A launcher that only the worker's group can execute."""
    with TemporaryDirectory(prefix="grader-sandbox-") as name, own_users() as first_user:
        directory = Path(name)
        directory.chmod(0o711)
        wanted = Installation(
            output=directory / "launcher",
            box_root=directory / "boxes",
            uid_base=first_user,
            boxes=2,
            worker_gid=WORKER_GID,
        )
        install(wanted)
        yield wanted.output
        uninstall(wanted)


def as_worker(work: Callable[[], None], *, gid: int = WORKER_GID) -> str:
    """Run `work` in a child with user and capabilities of the worker; returns its traceback."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        said = ""
        try:
            _become_worker(gid)
            work()
        except BaseException:  # noqa: BLE001 - the parent reports any exception
            said = traceback.format_exc()
        os.write(writable, said.encode()[-60_000:])
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as file:
        said = file.read().decode()
    os.waitpid(child, 0)
    return said


def _become_worker(gid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in set(range(_LAST_CAPABILITY + 1)) - remaining():
        assert libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(WORKER_UID, WORKER_UID, WORKER_UID)
    os.chdir("/")


def run_python(box: Box, program: str) -> tuple[RunOutcome, bytes]:
    box.clean()
    box.store(Role.RUN, "solution.py", program.encode())
    with TemporaryDirectory() as name:
        spec = RunSpec(
            role=Role.RUN,
            policy="interpreted",
            argv=("python3", "-I", "../run/solution.py"),
            limits=LIMITS,
            stdin=Path(os.devnull),
            stdout=Path(name, "stdout"),
            stderr=Path(name, "stderr"),
        )
        return box.run(spec), spec.stdout.read_bytes()


def test_the_module_drops_exactly_what_the_launcher_does_not_need() -> None:
    """Documentation, task definition and these tests have the same capabilities."""
    needed = names_between("docs/sandbox.md", "of these the launcher needs", "the module")

    assert needed | dropped() == DEFAULT_CAPABILITIES.keys()
    assert needed & dropped() == set()


def test_a_worker_that_is_not_root_runs_a_program(launcher_of_the_group: Path) -> None:
    """Only the launcher is privileged; the program runs as a user of the box."""

    def work() -> None:
        with Box.claim(launcher_of_the_group) as box:
            outcome, said = run_python(box, "import os; print(os.getresuid())")
            assert outcome.reason is StopReason.ENDED
            assert said.decode() == f"{(box.users[1],) * 3}\n"

    assert as_worker(work) == ""


def test_the_sandbox_holds_for_a_worker_that_is_not_root(launcher_of_the_group: Path) -> None:
    """The self-test passes with exactly the remaining capabilities."""

    def work() -> None:
        with Box.claim(launcher_of_the_group) as box:
            run_self_test(box)

    assert as_worker(work) == ""


def test_a_program_is_compiled_and_run(launcher_of_the_group: Path) -> None:
    """An unprivileged worker can collect the file of the compile user."""

    def work() -> None:
        with Box.claim(launcher_of_the_group) as box, TemporaryDirectory() as name:
            box.store(Role.COMPILE, "solution.c", b"int main(void) { return 7; }\n")
            outcomes = []
            for role, policy, argv in (
                (Role.COMPILE, "compile", ("gcc", "-o", "program", "../compile/solution.c")),
                (Role.RUN, "native", ("../run/program",)),
            ):
                stdout, stderr = Path(name, f"{role}.out"), Path(name, f"{role}.err")
                limits = RunLimits(20_000, 60_000, 512, 1 << 24, 64, bound_address_space=False)
                null = Path(os.devnull)
                outcomes.append(box.run(RunSpec(role, policy, argv, limits, null, stdout, stderr)))
                if role is Role.COMPILE:
                    program = box.collect(role, "program", max_bytes=1 << 24)
                    box.store(Role.RUN, "program", program)
            assert [outcome.exit_code for outcome in outcomes] == [0, 7]

    assert as_worker(work) == ""


def test_only_the_workers_group_can_use_the_launcher(launcher_of_the_group: Path) -> None:
    """Other users of the machine cannot run programs as users of a box."""

    def work() -> None:
        with (
            pytest.raises(SettingsError, match="Permission denied"),
            Box.claim(launcher_of_the_group),
        ):
            pass

    assert as_worker(work, gid=STRANGER_GID) == ""


def test_the_worker_cannot_replace_directories_of_a_box(launcher_of_the_group: Path) -> None:
    """They belong to root, so a fault in the worker cannot replace them by links."""

    def work() -> None:
        with Box.claim(launcher_of_the_group) as box:
            box.store(Role.RUN, "solution.py", b"print(1)")
            for attempt in (
                (box.directory / "mine").mkdir,
                lambda: (box.directory / "run").rename(box.directory / "other"),
                lambda: (box.directory.parent / "slot-9").symlink_to("/etc"),
            ):
                with pytest.raises(PermissionError):
                    attempt()

    assert as_worker(work) == ""
