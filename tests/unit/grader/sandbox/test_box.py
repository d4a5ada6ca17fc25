"""Claiming, using and cleaning a box."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import pytest

from grader.errors import ObjectNotFoundError, ObjectTooLargeError, SandboxError
from grader.sandbox import Box
from grader.sandbox.build import Installation, install, uninstall
from grader.sandbox.launcher import Launcher
from grader.sandbox.runs import Role, RunLimits, RunOutcome, RunSpec

pytestmark = pytest.mark.engine

LIMITS = RunLimits(
    cpu_ms=5000,
    wall_ms=30_000,
    memory_mb=128,
    output_bytes=1000,
    processes=32,
    bound_address_space=False,
)


def shell(directory: Path, script: str, role: Role = Role.COMPILE) -> RunSpec:
    """A run of a shell script with the policy of compilers, which may create files."""
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


def claim_endlessly(launcher: Path, stack: ExitStack) -> NoReturn:
    while True:  # a worker of another test may hold some, so the number is not known
        stack.enter_context(Box.claim(launcher))


def test_two_claims_get_different_boxes_and_users(launcher: Path) -> None:
    """Two workers on a machine never share a box."""
    with Box.claim(launcher) as first, Box.claim(launcher) as second:
        assert first.number != second.number
        assert not set(first.users) & set(second.users)


def test_a_box_is_free_again_after_its_claim(launcher: Path) -> None:
    """The lock is released with the context, so a crash leaves no stale lock."""
    with Box.claim(launcher) as first:
        number = first.number
    with Box.claim(launcher) as second:
        assert second.number == number


def test_two_sandboxes_on_one_machine_never_share_a_user(launcher: Path) -> None:
    """Each kills all processes of its users, so a lock in its box root would not be enough."""
    known = Launcher.open(launcher)
    with TemporaryDirectory(prefix="grader-sandbox-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        other = Installation(
            output=directory / "launcher",
            box_root=directory / "boxes",
            uid_base=known.uid_base,
            boxes=known.boxes,
            worker_gid=os.getegid(),
        )
        install(other)
        with Box.claim(launcher) as ours, Box.claim(other.output) as theirs:
            assert not set(ours.users) & set(theirs.users)
        uninstall(other)


def test_an_error_when_all_boxes_are_taken(launcher: Path) -> None:
    """It is a temporary error: another worker may end."""
    with ExitStack() as stack, pytest.raises(SandboxError, match="all 4 boxes are taken"):
        claim_endlessly(launcher, stack)


def test_output_of_exactly_the_limit_is_allowed(box: Box, tmp_path: Path) -> None:
    """One byte more is not."""
    exact = box.run(shell(tmp_path / "exact", "head -c 1000 /dev/zero"))
    more = box.run(shell(tmp_path / "more", "head -c 1001 /dev/zero"))

    assert (exact.reason, more.reason) == ("ended", "output")


def test_a_program_that_is_not_installed_is_an_error_of_the_platform(
    box: Box, tmp_path: Path
) -> None:
    """A missing toolchain must not become a verdict."""
    spec = shell(tmp_path, "")

    with pytest.raises(SandboxError, match="no-such-compiler: not installed"):
        box.run(replace(spec, argv=("no-such-compiler",)))
    with pytest.raises(
        SandboxError, match=r"cannot start: /usr/bin/no-such-compiler: No such file"
    ):
        box.run(replace(spec, argv=("/usr/bin/no-such-compiler",)))


@pytest.mark.parametrize(
    ("trap", "text"),
    [
        ("ln -s /etc/passwd program", "cannot be read"),
        ("mkfifo program", "not a regular file"),
        ("echo 1 > other; ln other program", "not a regular file"),
        ("mkdir program", "not a regular file"),
        ("true", "cannot be read"),
    ],
)
def test_only_a_regular_file_is_collected(box: Box, tmp_path: Path, trap: str, text: str) -> None:
    """A file of the compile user is opened without following links and without blocking."""
    run_shell(box, tmp_path, trap)

    with pytest.raises(ObjectNotFoundError, match=text):
        box.collect(Role.COMPILE, "program", max_bytes=1000)


def test_a_collected_file_has_a_maximum_size(box: Box, tmp_path: Path) -> None:
    """A compiler can be made to write a huge file."""
    run_shell(box, tmp_path, "head -c 1000 /dev/zero > program")

    with pytest.raises(ObjectTooLargeError, match="larger than 999 bytes"):
        box.collect(Role.COMPILE, "program", max_bytes=999)
    assert box.collect(Role.COMPILE, "program", max_bytes=1000) == bytes(1000)


def test_cleaning_removes_every_trap_and_nothing_else(box: Box, tmp_path: Path) -> None:
    """Inaccessible and deep directories and links are removed; targets of links stay."""
    run_shell(
        box,
        tmp_path,
        "mkdir -p locked/inner; echo 1 > locked/inner/file; chmod 0 locked/inner locked;"
        "ln -s /etc/passwd link; mkfifo fifo; echo > '-rf'; echo > 'a\nb';"
        "deep=$(printf 'd/%.0s' $(seq 1 50)); mkdir -p $deep",
    )

    box.clean()

    assert list((box.directory / "build").iterdir()) == []
    assert Path("/etc/passwd").exists()


def test_a_role_cannot_read_files_of_another(box: Box, tmp_path: Path) -> None:
    """Input and output of one user cannot be read by other users of the box."""
    box.store(Role.CHECKER, "answer", b"42")
    run_shell(box, tmp_path, "echo secret > mine")
    listing = (
        "for path in ../checker/answer ../build/mine ../compile ../feedback; do ls $path; done"
    )

    spec = replace(
        shell(tmp_path / "run", f"{listing} 2>/dev/null; true", Role.RUN), policy="compile"
    )
    assert box.run(spec).succeeded

    assert spec.stdout.read_bytes() == b""


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "/etc/passwd", "../run/x"])
def test_only_a_plain_file_name_is_stored_or_collected(box: Box, name: str) -> None:
    """No name leads out of the directory of the box."""
    with pytest.raises(SandboxError, match="not a plain file name"):
        box.store(Role.RUN, name, b"")
    with pytest.raises(SandboxError, match="not a plain file name"):
        box.collect(Role.RUN, name, max_bytes=1)


def test_a_stored_file_is_never_overwritten(box: Box) -> None:
    """A second file of the same name is an error."""
    box.store(Role.RUN, "once", b"first")

    with pytest.raises(SandboxError, match="File exists"):
        box.store(Role.RUN, "once", b"second")
    assert (box.directory / "run" / "once").read_bytes() == b"first"


def test_a_checker_reads_its_inputs_by_descriptors(box: Box, tmp_path: Path) -> None:
    """It cannot open them by name, and the run user has neither name nor descriptor."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    answer = private / "answer"
    answer.write_text("42\n")
    answer.chmod(0o644)
    script = f"cat /dev/fd/3; cat {answer} 2>/dev/null; cat /dev/fd/4 2>/dev/null; true"
    for role, inputs, expected in (
        (Role.CHECKER, (answer,), b"42\n"),
        (Role.RUN, (), b""),
    ):
        spec = replace(shell(tmp_path / role, script, role), inputs=inputs)
        assert box.run(spec).succeeded
        assert spec.stdout.read_bytes() == expected


def test_a_program_may_write_only_where_the_problem_lets_it(box: Box, tmp_path: Path) -> None:
    """Its working directory is empty at each run, and cleaning the box removes its files."""
    box.store(Role.RUN, "solution.py", b"import os; print(os.listdir()); open('left', 'w')")
    spec = replace(
        shell(tmp_path, "", Role.RUN), policy="interpreted", argv=("python3", "../run/solution.py")
    )
    refused = box.run(spec)
    spec.stdout.unlink()
    spec.stderr.unlink()

    for _ in range(2):
        assert box.run(replace(spec, writable=True)).succeeded
        assert spec.stdout.read_bytes() == b"[]\n"
        spec.stdout.unlink()
        spec.stderr.unlink()
    box.clean()

    assert refused.exit_code == 1
    assert list((box.directory / "scratch").iterdir()) == []


def test_two_boxes_are_used_by_two_threads(launcher: Path, tmp_path: Path) -> None:
    """Each gets the output of its own program."""

    def work(name: str) -> list[bytes]:
        said = []
        with Box.claim(launcher) as box:
            for number in range(10):
                spec = shell(tmp_path / f"{name}-{number}", f"echo {name} {number}")
                assert box.run(spec).succeeded
                said.append(spec.stdout.read_bytes())
        return said

    with ThreadPoolExecutor(2) as pool:
        for name, said in zip("ab", pool.map(work, "ab"), strict=True):
            assert said == [f"{name} {number}\n".encode() for number in range(10)]


@pytest.mark.parametrize(
    ("limits", "script", "reason"),
    [
        ({"cpu_ms": 100}, "while :; do :; done", "cpu"),
        ({"cpu_ms": 200}, "for i in 1 2 3; do (while :; do :; done) & done; wait", "cpu"),
        ({"wall_ms": 100}, "sleep 1000", "wall"),
        ({"memory_mb": 16}, "exec tail /dev/zero", "memory"),
        ({"output_bytes": 100}, "exec yes", "output"),
    ],
)
def test_each_limit_is_enforced(
    box: Box, tmp_path: Path, limits: dict[str, int], script: str, reason: str
) -> None:
    """The outcome has the reason, and no process is left."""
    wide = replace(LIMITS, cpu_ms=20_000, wall_ms=60_000, memory_mb=512, output_bytes=1 << 20)

    outcome = box.run(replace(shell(tmp_path, script), limits=replace(wide, **limits)))

    assert outcome.reason == reason
    assert box.survivors() == []


def test_a_process_is_found_whatever_its_name(box: Box) -> None:
    """A program of a neighbour may call itself anything, also something that is no text."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        Path("/proc/self/comm").write_bytes(b"\xe2(\n) 1 Z")
        user = box.users[1]
        os.setresuid(user, user, user)
        os.write(write_end, b"x")
        signal.pause()
    os.read(read_end, 1)

    assert box.survivors() == [child]

    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(read_end)
    os.close(write_end)


def test_no_more_processes_than_allowed_can_be_started(box: Box, tmp_path: Path) -> None:
    """Up to the limit they can."""
    script = 'for i in 1 2 3; do sleep 1000 & all="$all $!"; done; kill $all; wait'
    few, enough = (
        box.run(
            replace(shell(tmp_path / str(most), script), limits=replace(LIMITS, processes=most))
        )
        for most in (3, 4)
    )

    assert few.exit_code != 0
    assert enough.succeeded
