"""A box in which a signal interrupts a run, at any moment."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from grader.languages import find
from grader.sandbox import Box
from grader.sandbox.fork_server import ForkServer
from grader.sandbox.launcher import Launcher, LauncherProcess
from grader.sandbox.lock import take
from grader.sandbox.runs import Role, RunLimits, RunSpec
from grader.sandbox.signals import interrupted_once, uninterrupted

pytestmark = pytest.mark.engine

PYTHON = find("python")
LIMITS = RunLimits(60_000, 120_000, 128, 1 << 20, 16, bound_address_space=True)
#: Prints its input, or runs without end, with children.
PROGRAM = b"""\
import os
text = input()
if text == "endless":
    os.fork()
    if os.fork() == 0: os.setsid()
    while True: pass
print(text)
"""


class InterruptionError(BaseException):
    """Raised by the handler of a signal; not an `Exception`, like those of gradectl."""


@dataclass
class Plan:
    """
    Which waits for an answer are interrupted, counted from 1.

    Args:
        interrupted: Their numbers.
    """

    interrupted: set[int]
    waits: int = 0


class InterruptedSocket(socket.socket):
    """Raises instead of receiving, as planned; the answer stays in the socket."""

    plan: Plan

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive, or raise."""
        self.plan.waits += 1
        if self.plan.waits in self.plan.interrupted:
            raise InterruptionError(self.plan.waits)
        return super().recv(size, flags)


def interrupted(connection: socket.socket, plan: Plan) -> InterruptedSocket:
    """Take over a connection."""
    taken = InterruptedSocket(fileno=connection.detach())
    taken.plan = plan
    return taken


@dataclass(frozen=True)
class InterruptedLauncher(Launcher):
    """
    A launcher whose answers are waited for in vain.

    Args:
        plan: Which of them.
    """

    plan: Plan = field(default_factory=lambda: Plan(set()))

    def serve(self, box: int, lock: socket.socket) -> LauncherProcess:
        """Start the real launcher."""
        served = super().serve(box, lock)
        served._connection = interrupted(served._connection, self.plan)
        return served


@contextmanager
def box_of(launcher: Path, plan: Plan) -> Iterator[Box]:
    """Claim a box with such a launcher."""
    real = Launcher.open(launcher)
    planned = InterruptedLauncher(real.path, real.box_root, real.uid_base, real.boxes, plan)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
        number = next(each for each in range(real.boxes) if take(lock, real.users(each)))
        box = Box(planned, number, lock)
        try:
            yield box
        finally:
            box.close()


def spec_of(directory: Path, text: str, *, warm: bool) -> RunSpec:
    (directory / "stdin").write_text(f"{text}\n")
    return RunSpec(
        role=Role.RUN,
        policy=PYTHON.policy,
        argv=PYTHON.run_argv,
        limits=LIMITS,
        stdin=directory / "stdin",
        stdout=directory / "stdout",
        stderr=directory / "stderr",
        server_argv=PYTHON.server_argv if warm else (),
    )


def answer(box: Box, directory: Path, text: str, *, warm: bool) -> tuple[bool, str]:
    """Run a case; returns whether it succeeded, and its output."""
    spec = spec_of(directory, text, warm=warm)
    outcome = box.run(spec)
    return outcome.succeeded, spec.stdout.read_text()


def grade(box: Box, directory: Path) -> None:
    """Use all commands of the launcher, in the order of a submission; check the answers."""
    box.clean()
    box.store(Role.RUN, PYTHON.program_file, PROGRAM)
    for warm in (False, True, True):
        assert answer(box, directory, f"case {warm}", warm=warm) == (True, f"case {warm}\n")
    box.clean()


def test_no_answer_is_taken_for_that_of_a_later_message(launcher: Path, tmp_path: Path) -> None:
    """Whichever wait is interrupted, also twice in a row: the next submission is graded right."""
    undisturbed = Plan(set())
    with box_of(launcher, undisturbed) as box:
        grade(box, tmp_path)

    for number in range(1, undisturbed.waits + 1):
        for times in (1, 2):
            with box_of(launcher, Plan({number, number + times - 1})) as box:
                for _ in range(times):
                    with pytest.raises(InterruptionError):
                        grade(box, tmp_path)
                grade(box, tmp_path)
                assert box.survivors() == []


@pytest.mark.parametrize("warm", [False, True])
def test_an_interrupted_program_ends_at_once(box: Box, tmp_path: Path, *, warm: bool) -> None:
    """With all its children, long before its limits; cleaned, the box is usable."""
    box.store(Role.RUN, PYTHON.program_file, PROGRAM)
    with signalled_when(lambda: len(box.survivors()) >= 4), pytest.raises(InterruptionError):
        answer(box, tmp_path, "endless", warm=warm)

    assert box.survivors() == []
    box.clean()
    box.store(Role.RUN, PYTHON.program_file, PROGRAM)
    assert answer(box, tmp_path, "short", warm=warm) == (True, "short\n")


@contextmanager
def signalled_when(condition: Callable[[], bool]) -> Iterator[None]:
    """Send this process a signal once a condition is true; its handler raises."""
    done = threading.Event()

    def raise_interruption(number: int, frame: object) -> None:
        raise InterruptionError(number, frame)

    def watch() -> None:
        while not done.wait(0.01):
            if condition():
                os.kill(os.getpid(), signal.SIGUSR1)
                return

    before = signal.signal(signal.SIGUSR1, raise_interruption)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        signal.signal(signal.SIGUSR1, before)


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_fork_server_with_an_open_answer_is_not_used_again(tmp_path: Path) -> None:
    """The answer would be taken for that of the next case; no descriptor stays open."""
    spec = replace(spec_of(tmp_path, "", warm=True))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, Path(os.devnull).open() as null:
        server = ForkServer(spec, interrupted(ours, Plan({1})))
        assert server.fits(spec)
        before = open_descriptors()
        with pytest.raises(InterruptionError):
            server.fork([null.fileno()] * 3)
        assert open_descriptors() == before
        assert not server.fits(spec)
        server.close()


def test_a_block_can_be_kept_from_interruption() -> None:
    """A launcher that was installed for one command is removed to the last file."""
    before = signal.getsignal(signal.SIGINT)
    with uninterrupted():
        os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN

    assert signal.getsignal(signal.SIGINT) is before


def test_the_first_signal_ends_a_block_and_others_do_not_disturb_its_cleaning() -> None:
    """An impatient user leaves nothing behind; afterwards the handlers are the former ones."""
    before = signal.getsignal(signal.SIGINT)
    cleaned = []

    def work() -> None:
        with interrupted_once():
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGHUP)
                cleaned.append(True)

    with pytest.raises(KeyboardInterrupt):
        work()

    assert cleaned == [True]
    assert signal.getsignal(signal.SIGINT) is before
