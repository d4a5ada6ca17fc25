"""Memory of a box: what counts, who is to blame, and what the platform answers for."""

from __future__ import annotations

import mmap
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cgroups import inside, memory_cgroup, why_no_cgroup

from grader.errors import SandboxError
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunOutcome, RunSpec

pytestmark = pytest.mark.engine

MB = 1 << 20
LIMITS = RunLimits(
    cpu_ms=20_000,
    wall_ms=120_000,
    memory_mb=64,
    output_bytes=MB,
    processes=16,
    bound_address_space=True,
)
#: Memory that is not touched yet.
MAP = """
from mmap import *
def take(size): return mmap(-1, size, MAP_PRIVATE | MAP_ANONYMOUS)
"""
#: Keeps shared memory that is not resident.
HIDE = """
import mmap
kept = []
for _ in range({megabytes}):
    kept.append(mmap.mmap(-1, 1 << 20))
    kept[-1].write(b'x' * (1 << 20))
    kept[-1].madvise(mmap.MADV_DONTNEED)
"""
SIGKILL = 9
NO_CGROUP = why_no_cgroup()
needs_cgroup = pytest.mark.skipif(bool(NO_CGROUP), reason=NO_CGROUP)


@dataclass(frozen=True)
class Runner:
    """
    Runs Python programs as submissions.

    Args:
        box: The box.
        directory: Directory of their output.
        gate: A named pipe that programs can wait at: `open(gate).read()`.
    """

    box: Box
    directory: Path
    gate: Path

    @property
    def stdout(self) -> Path:
        """Output of the last program."""
        return self.directory / "stdout"

    def run(self, program: str, role: Role = Role.RUN) -> RunOutcome:
        """Run a program; `gate` is a variable of it."""
        return self.box.run(
            RunSpec(
                role=role,
                policy="interpreted",
                argv=("python3", "-I", "-S", "-c", f"gate = {str(self.gate)!r}\n{program}"),
                limits=LIMITS,
                stdin=Path(os.devnull),
                stdout=self.stdout,
                stderr=self.directory / "stderr",
            )
        )

    def run_beside(self, program: str, meanwhile: Callable[[], object]) -> RunOutcome:
        """Run a program, and call something while it waits at the gate."""
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self.run, program)
            with self.gate.open("wb"):  # the program is there now
                meanwhile()
            return running.result()


@contextmanager
def a_runner(box: Box, directory: Path) -> Iterator[Runner]:
    """Run programs in this box."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        gate = Path(name, "gate")
        os.mkfifo(gate, 0o644)
        gate.chmod(0o644)
        yield Runner(box, directory, gate)


@pytest.fixture
def runner(box: Box, tmp_path: Path) -> Iterator[Runner]:
    """Runs programs in one box."""
    with a_runner(box, tmp_path) as made:
        yield made


def test_memory_that_is_not_used_does_not_count(runner: Runner) -> None:
    """A gigabyte under a limit of 64 MB, of which a page is touched."""
    outcome = runner.run(f"{MAP}block = take(1 << 30)\nblock[0] = 1\nprint(len(block))")

    assert outcome.succeeded
    assert runner.stdout.read_bytes() == b"1073741824\n"
    assert outcome.peak_mb < LIMITS.memory_mb


def test_a_program_that_allocates_without_end_is_refused_memory(runner: Runner) -> None:
    """Without using it, it would never reach its limit."""
    outcome = runner.run(
        f"{MAP}blocks = []\n"
        "try:\n"
        "    while True: blocks.append(take(64 << 20))\n"
        "except OSError: print('refused')"
    )

    assert outcome.succeeded
    assert runner.stdout.read_bytes() == b"refused\n"


def test_shared_memory_counts_also_when_it_is_not_resident(runner: Runner) -> None:
    """The machine has less of it after the end of the program."""
    outcome = runner.run(HIDE.format(megabytes=400) + "print('leaked')")

    assert outcome.reason == "memory"
    assert outcome.peak_mb > LIMITS.memory_mb // 2


def test_shared_memory_of_others_is_not_counted(runner: Runner) -> None:
    """A program with a little of its own runs on while another one takes much."""
    others = mmap.mmap(-1, 256 * MB)
    program = (
        f"{HIDE.format(megabytes=4)}open(gate).read()\n"
        "import time\n"
        "while time.process_time() < 0.2: pass\n"  # the watch looks every 10 ms
        "print('honest')"
    )

    outcome = runner.run_beside(program, lambda: others.write(bytes(256 * MB)))
    others.close()

    assert outcome.succeeded
    assert runner.stdout.read_bytes() == b"honest\n"


def test_descriptors_are_few(runner: Runner) -> None:
    """Each may hold memory of the kernel; compilers open many files."""
    script = "import resource\nprint(*resource.getrlimit(resource.RLIMIT_NOFILE))"

    runner.run(script)
    of_programs = runner.stdout.read_bytes()
    runner.run(script, Role.COMPILE)

    assert (of_programs, runner.stdout.read_bytes()) == (b"64 64\n", b"256 256\n")


def test_sockets_count_as_what_they_can_hold(runner: Runner) -> None:
    """A page of messages per socket would not reach the limit; their buffers do."""
    outcome = runner.run(
        "import os, signal, socket\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0: break\n"
        "pairs = [socket.socketpair() for _ in range(25)]\n"
        "signal.pause()"
    )

    assert outcome.reason == "memory"


def test_a_few_sockets_and_pipes_are_free(runner: Runner) -> None:
    """Event loops and pools of workers use some."""
    outcome = runner.run(
        "import os, socket, time\n"
        "kept = [socket.socketpair() for _ in range(8)] + [os.pipe() for _ in range(8)]\n"
        "block = b'x' * (40 << 20)\n"
        "while time.process_time() < 0.1: pass"
    )

    assert outcome.succeeded


def test_a_program_that_ends_itself_by_sigkill_is_to_blame(runner: Runner) -> None:
    """The kernel ended nothing."""
    outcome = runner.run("import os\nos.kill(os.getpid(), 9)")

    assert (outcome.reason, outcome.signal) == ("ended", SIGKILL)


@needs_cgroup
@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(1)"])
def test_a_kill_by_the_kernel_for_lack_of_memory_is_a_failure_of_the_platform(
    launcher: Path, tmp_path: Path, end: str
) -> None:
    """
    The program may be innocent: no verdict, but another attempt; the log has the largest.

    It may also be a child that was ended, as in compilers, which report that as an error.
    """
    with memory_cgroup(64 * MB) as group, ExitStack() as stack:
        with inside(group):
            box = stack.enter_context(Box.claim(launcher))
        with (
            a_runner(box, tmp_path) as runner,
            pytest.raises(SandboxError, match=r"lack of memory: the largest process is now \d+ of"),
        ):
            runner.run_beside(waits_and_then(end), lambda: run_out_of_memory(group))


@needs_cgroup
def test_a_kill_in_a_container_of_others_is_no_failure_here(runner: Runner) -> None:
    """Tasks on one EC2 instance have a limit each."""
    with memory_cgroup(64 * MB) as group:
        outcome = runner.run_beside(waits_and_then("os._exit(1)"), lambda: run_out_of_memory(group))

    assert (outcome.reason, outcome.exit_code) == ("ended", 1)


def waits_and_then(end: str) -> str:
    return f"import os\nopen(gate).read()\n{end}"


def run_out_of_memory(group: Path) -> None:
    """Let the kernel end a process, by the only limit that it has in a cgroup."""
    script = f"echo $$ > {group}/cgroup.procs && exec tail /dev/zero"
    ended = subprocess.run(["sh", "-c", script], check=False)

    assert ended.returncode == -SIGKILL
