"""
A claimed box of the sandbox.

Each box has its own users and directories; privileged/main.c describes them.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import Path

from grader.errors import SandboxError
from grader.sandbox.cleanup import processes_of, resident_kb
from grader.sandbox.files import (
    copied_into,
    find_program,
    open_untrusted,
    opened,
    with_output_limit,
)
from grader.sandbox.fork_server import ForkServer, can_be_forked
from grader.sandbox.launcher import Command, Launcher, LauncherProcess, Message, Reply
from grader.sandbox.lock import take
from grader.sandbox.policy import policy_number
from grader.sandbox.runs import Role, RunLimits, RunOutcome, RunSpec

#: Working directory of each role; its input is in a directory with the name of the role.
WORK_DIRECTORIES = {Role.COMPILE: "build", Role.RUN: "scratch", Role.CHECKER: "feedback"}
#: A case can end its server; then a second one is started, but not a third.
_SERVER_ATTEMPTS = 2

_SWEEP_LIMITS = RunLimits(0, 60_000, 0, 0, 0, bound_address_space=False)


class _State(Enum):
    """What is known about the files and processes in a box."""

    UNKNOWN = auto()  # of an earlier holder, or something failed: only `Box.clean` is possible
    CLEAN = auto()
    USED = auto()


class Box:
    """
    A box that this process holds until it is closed; used by one thread at a time.

    Args:
        launcher: The installed launcher.
        number: Number of the box.
        lock: Lock of the box, released when all processes have closed it.
    """

    def __init__(self, launcher: Launcher, number: int, lock: socket.socket) -> None:
        """Use `Box.claim` instead, which also takes the lock."""
        self._launcher = launcher
        self._lock = lock
        self._process: LauncherProcess | None = None
        self._server: ForkServer | None = None
        self._state = _State.UNKNOWN
        self._only_cold = False
        self.directory = launcher.box_root / f"slot-{number}"
        self.number = number
        self.users = launcher.users(number)

    @classmethod
    @contextmanager
    def claim(cls, launcher_path: Path, *, spare: bool = False) -> Iterator[Box]:
        """
        Claim the first free box that can be cleaned, and release it at exit.

        Args:
            launcher_path: The installed launcher.
            spare: Claim only a box of the upper half, so that those who need one find one.

        Raises:
            SettingsError: The launcher is missing or cannot be executed.
            SandboxError: All boxes are taken, or none of the others can be cleaned.
        """
        launcher = Launcher.open(launcher_path)
        failure = SandboxError(
            f"all {launcher.boxes} boxes are taken",
            where=str(launcher.box_root),
            next_step="build the launcher with a larger --slots",
        )
        for number in range(launcher.boxes // 2 if spare else 0, launcher.boxes):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
                if not take(lock, launcher.users(number)):
                    continue
                box = cls(launcher, number, lock)
                try:
                    try:
                        box.clean()
                    except SandboxError as error:
                        failure = error
                        continue
                    yield box
                finally:
                    box.close()
                return
        raise failure

    def close(self) -> None:
        """Let the launcher sweep the box and exit; one that failed is replaced for that."""
        if self._process is None:
            with suppress(SandboxError):
                self._process = self._launcher.serve(self.number, self._lock)
        self._end_launcher()

    def _end_launcher(self) -> None:
        self._forget_server()
        if self._process is not None:
            self._process.close()
            self._process = None

    def run(self, spec: RunSpec) -> RunOutcome:
        """
        Run one program; afterwards no process of it is left except its fork server.

        It starts in a working directory that no other program could change.

        Raises:
            SandboxError: The platform failed: a program is not installed, the disk is full.
        """
        self._use()
        number = policy_number(spec.policy, writable=spec.writable)
        if spec.writable and self._server is not None:  # the program could write its memory
            self._sweep()
        command = Message(Command.START, spec.role, number, spec.limits, find_program(spec.argv))
        with opened(spec) as descriptors:
            outcome = self._run_forked(spec, descriptors) if can_be_forked(spec) else None
            outcome = outcome or self._call(command, descriptors).outcome
        assert outcome is not None  # noqa: S101 - START and WATCH always have one
        return with_output_limit(outcome, spec, self.directory / WORK_DIRECTORIES[spec.role])

    def warm_up(self, spec: RunSpec) -> None:
        """Start the fork server of a run ahead of time, if it can have one."""
        if not can_be_forked(spec) or (self._server is not None and self._server.fits(spec)):
            return
        self._use()
        if self._server is not None:
            self._sweep()
        number = policy_number(spec.policy, writable=spec.writable)
        self._server, theirs = ForkServer.pair(spec)
        with theirs, Path(os.devnull).open("r+b") as null:
            descriptors = [null.fileno()] * 3 + [theirs.fileno()]
            argv = find_program(spec.server_argv)
            limits = self._server.limits
            self._call(Message(Command.SERVER, spec.role, number, limits, argv), descriptors)

    def store(self, role: Role, name: str, content: bytes) -> None:
        """Create a read-only, executable file in the input directory of a role."""
        self._use()
        with copied_into(self.directory / role, name) as file:
            file.write(content)

    def store_file(self, role: Role, name: str, source: Path) -> None:
        """Copy a file to the input directory of a role, like `store`."""
        self._use()
        with source.open("rb") as content, copied_into(self.directory / role, name) as file:
            shutil.copyfileobj(content, file)

    def collect(self, role: Role, name: str, *, max_bytes: int) -> bytes:
        """
        Read a file from the working directory of a role.

        Raises:
            ObjectNotFoundError: There is no such file, or it is not a regular one.
            ObjectTooLargeError: It is larger than `max_bytes`.
        """
        self._use()
        work = self.directory / WORK_DIRECTORIES[role]
        with open_untrusted(work, name, max_bytes) as file:
            return file.read(os.fstat(file.fileno()).st_size)

    def _use(self) -> None:
        """Raise `SandboxError` unless everything in the box is of the current submission."""
        if self._state is _State.UNKNOWN:
            raise SandboxError("not known to be clean", where=f"box {self.number}")
        self._state = _State.USED

    def _call(
        self, message: Message, descriptors: Sequence[int] = (), *, given_away: Sequence[int] = ()
    ) -> Reply:
        """Send a message to the launcher; after a failure the next call starts a new one."""
        if self._process is not None and self._process.is_waiting:
            self._end_launcher()  # a second signal has interrupted this
        if self._process is None:
            self._process = self._launcher.serve(self.number, self._lock)
        with self._ended_on_failure():
            reply = self._process.call(message, descriptors, given_away=given_away)
        if not reply.server_alive:
            self._forget_server()
        return reply

    @contextmanager
    def _ended_on_failure(self) -> Iterator[None]:
        """
        End the launcher, and so all processes, if the block fails.

        Also if a signal interrupts it: the reply would be taken for that of the next message.
        """
        try:
            yield
        except BaseException:
            self._state = _State.UNKNOWN
            self._end_launcher()
            raise

    def _run_forked(self, spec: RunSpec, descriptors: Sequence[int]) -> RunOutcome | None:
        """Run a program from its fork server; None if no server works."""
        for _ in range(0 if self._only_cold else _SERVER_ATTEMPTS):
            self.warm_up(spec)
            with self._ended_on_failure():
                fork = None if self._server is None else self._server.fork(descriptors[:3])
            if fork is None:  # an earlier case has ended or stopped the server
                self._sweep()
                continue
            number = policy_number(spec.policy, writable=spec.writable)
            message = Message(Command.WATCH, spec.role, number, spec.limits, pid=fork.pid)
            return self._call(message, descriptors[:3], given_away=[fork.gate]).outcome
        self._only_cold = True  # until the next submission
        return None

    def _sweep(self) -> None:
        """End all processes of the box."""
        self._forget_server()
        self._call(Message(Command.SWEEP, Role.RUN, 0, _SWEEP_LIMITS))

    def _forget_server(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def survivors(self) -> list[int]:
        """Process ids of the users of the box, including zombies; only a server between runs."""
        return processes_of(self.users)

    def resident_kb(self) -> int:
        """Return the resident memory of its processes and of its launcher, in kB."""
        pids = self.survivors()
        if self._process is not None:
            pids.append(self._process.pid)
        return sum(map(resident_kb, pids))

    def clean(self) -> None:
        """
        End all processes of the box, and replace its directories by new ones.

        The launcher removes the old ones while the box is used again.

        Raises:
            SandboxError: A step failed; the box cannot be used until this succeeds.
        """
        self._state = _State.UNKNOWN
        self._forget_server()
        self._call(Message(Command.CLEAN, Role.RUN, 0, _SWEEP_LIMITS))
        self._state = _State.CLEAN
        self._only_cold = False

    def ensure_clean(self) -> None:
        """Clean the box unless it has not been used since; raises like `clean`."""
        if self._state is not _State.CLEAN:
            self.clean()
