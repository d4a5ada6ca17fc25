"""Claiming, using and cleaning a slot."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import pytest

from grader.contract.runs import Role, RunLimits, RunOutcome, RunSpec
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, SandboxError
from grader.sandbox import Box
from grader.sandbox.build import Installation, install, uninstall
from grader.sandbox.launcher import Launcher

pytestmark = pytest.mark.engine

LIMITS = RunLimits(
    cpu_ms=5000,
    wall_ms=30_000,
    memory_mb=128,
    output_bytes=1000,
    processes=32,
    bound_address_space=False,
)


@pytest.fixture
def box(launcher: Path) -> Iterator[Box]:
    """A claimed slot."""
    with Box.claim(launcher) as claimed:
        yield claimed


def shell(directory: Path, script: str, role: Role = Role.COMPILE) -> RunSpec:
    """A run of a shell script by a user who may make files."""
    directory.mkdir(exist_ok=True)
    return RunSpec(
        role=role,
        policy="compile",
        argv=("sh", "-c", script),
        limits=LIMITS,
        stdin=Path(os.devnull),
        stdout=directory / "stdout",
        stderr=directory / "stderr",
    )


def run_shell(box: Box, directory: Path, script: str) -> RunOutcome:
    spec = shell(directory, script)
    outcome = box.run(spec)
    assert outcome.succeeded, spec.stderr.read_text()
    return outcome


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll what no event tells of: the end or the start of somebody else's process."""
    pause = threading.Event()
    for _ in range(3000):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("it never came true")


def claim_without_end(launcher: Path, stack: ExitStack) -> NoReturn:
    while True:  # a worker of another test may hold some, so there is no number to count to
        stack.enter_context(Box.claim(launcher))


def test_two_claims_get_different_slots_and_users(launcher: Path) -> None:
    """Two workers on a machine never share a slot."""
    with Box.claim(launcher) as first, Box.claim(launcher) as second:
        assert first.slot != second.slot
        assert not set(first.users) & set(second.users)


def test_a_slot_is_free_again_after_its_claim(launcher: Path) -> None:
    """The lock goes with the context, so nothing has to be tidied up after a crash."""
    with Box.claim(launcher) as first:
        slot = first.slot
    with Box.claim(launcher) as second:
        assert second.slot == slot


def test_two_sandboxes_on_one_machine_never_share_a_user(launcher: Path) -> None:
    """Each kills all processes of its users, so a lock in its own box root would not do."""
    known = Launcher.open(launcher)
    with TemporaryDirectory(prefix="grader-sandbox-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        twin = Installation(
            output=directory / "launcher",
            box_root=directory / "boxes",
            uid_base=known.uid_base,
            slots=known.slots,
            worker_gid=os.getegid(),
        )
        install(twin)
        with Box.claim(launcher) as ours, Box.claim(twin.output) as theirs:
            assert not set(ours.users) & set(theirs.users)
        uninstall(twin)


def test_when_all_slots_are_taken_the_error_says_so(launcher: Path) -> None:
    """It is worth another attempt, when another worker has ended."""
    with ExitStack() as stack, pytest.raises(SandboxError, match="all 4 slots are taken"):
        claim_without_end(launcher, stack)


def test_an_allowance_may_be_used_up(box: Box, tmp_path: Path) -> None:
    """Output of exactly the limit is no offence; one byte more is."""
    exact = box.run(shell(tmp_path / "exact", "head -c 1000 /dev/zero"))
    more = box.run(shell(tmp_path / "more", "head -c 1001 /dev/zero"))

    assert (exact.reason, more.reason) == ("ended", "output")


def test_a_program_that_is_not_installed_is_the_platforms_fault(box: Box, tmp_path: Path) -> None:
    """A toolchain that is gone must not become a verdict."""
    spec = shell(tmp_path, "")

    with pytest.raises(SandboxError, match="no-such-compiler: not installed"):
        box.run(replace(spec, argv=("no-such-compiler",)))
    with pytest.raises(SandboxError, match=r"cannot start.*no-such-compiler"):
        box.run(replace(spec, argv=("/usr/bin/no-such-compiler",)))


@pytest.mark.parametrize(
    ("trap", "words"),
    [
        ("ln -s /etc/passwd program", "cannot be read"),
        ("mkfifo program", "not a plain file"),
        ("echo 1 > other; ln other program", "not a plain file"),
        ("mkdir program", "not a plain file"),
        ("true", "cannot be read"),
    ],
)
def test_a_trap_is_no_artefact(box: Box, tmp_path: Path, trap: str, words: str) -> None:
    """What the compile user left is opened without following, waiting or believing."""
    run_shell(box, tmp_path, trap)

    with pytest.raises(ObjectNotFoundError, match=words):
        box.adopt("program", max_bytes=1000)


def test_an_artefact_has_a_greatest_size(box: Box, tmp_path: Path) -> None:
    """A compiler can be made to write a huge file."""
    run_shell(box, tmp_path, "head -c 1000 /dev/zero > program")

    with pytest.raises(ObjectTooLargeError, match="larger than 999 bytes"):
        box.adopt("program", max_bytes=999)
    box.adopt("program", max_bytes=1000)


def test_cleaning_removes_every_trap_and_nothing_else(box: Box, tmp_path: Path) -> None:
    """Locked and deep directories, links and files elsewhere go; what links point to stays."""
    run_shell(
        box,
        tmp_path,
        "mkdir -p locked/inner; echo 1 > locked/inner/file; chmod 0 locked/inner locked;"
        "ln -s /etc/passwd link; mkfifo fifo; echo > '-rf'; echo > 'a\nb';"
        "deep=$(printf 'd/%.0s' $(seq 1 500)); mkdir -p $deep;"
        "for place in /tmp /var/tmp /dev/shm; do mkdir $place/left-$(id -u); done",
    )

    box.clean()

    assert list((box.directory / "build").iterdir()) == []
    assert Path("/etc/passwd").exists()
    left = [Path(place, f"left-{box.users[0]}") for place in ("/tmp", "/var/tmp", "/dev/shm")]
    assert not [path for path in left if path.exists()]


def test_a_slot_whose_launcher_was_killed_is_clean_for_the_next_run(
    box: Box, tmp_path: Path
) -> None:
    """The platform failed, the run is worth another attempt, and no process outlives it."""
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(box.run, shell(tmp_path, "setsid sleep 1000 & sleep 1000"))
        wait_until(lambda: len(box.survivors()) >= 3)
        program = Path(f"/proc/{min(box.survivors())}/status").read_text()
        parent = next(line for line in program.splitlines() if line.startswith("PPid:"))
        os.kill(int(parent.split()[1]), signal.SIGKILL)
        with pytest.raises(SandboxError):
            run.result()
    box.clean()

    wait_until(lambda: box.survivors() == [])  # init has to collect the dead


def test_a_program_does_not_outlive_its_worker(box: Box, tmp_path: Path) -> None:
    """When the worker is killed, its launcher notices and ends what it started."""
    worker = os.fork()
    if worker == 0:
        box.run(shell(tmp_path, "setsid sleep 1000 & sleep 1000"))
        os._exit(0)
    wait_until(lambda: len(box.survivors()) >= 3)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)

    wait_until(lambda: box.survivors() == [])
