"""
One claimed slot of the sandbox.

Each slot has users and directories of its own; see launcher.c for what they are.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from grader.errors import SandboxError
from grader.sandbox.cleanup import owners, processes_of, removal, shared_directories
from grader.sandbox.files import (
    copied_into,
    find_program,
    judged,
    open_untrusted,
    opened,
    unlink_files,
)
from grader.sandbox.fork_server import ForkServer, can_be_warm
from grader.sandbox.launcher import Answer, Command, Launcher, LauncherService, Message
from grader.sandbox.lock import take
from grader.sandbox.policy import POLICIES, policy_number
from grader.sandbox.runs import Role, RunLimits, RunOutcome, RunSpec

#: Where the user of each role works; beside it is a directory of the role's name, with what it was
#: given.
WORK_DIRECTORIES = {Role.COMPILE: "build", Role.RUN: "scratch", Role.CHECKER: "feedback"}
#: A case may have ended its server; a second one is worth its price, a third is not.
_SERVER_ATTEMPTS = 2

_SWEEP_LIMITS = RunLimits(0, 60_000, 0, 0, 0, bound_address_space=False)


class Box:
    """
    A slot that this process holds until it lets go; for one thread at a time.

    Args:
        launcher: The installed launcher.
        slot: Number of the slot.
        lock: What keeps others from it; it is free when nobody has this open.
    """

    def __init__(self, launcher: Launcher, slot: int, lock: socket.socket) -> None:
        """Use `Box.claim` instead: it also locks the slot."""
        self._launcher = launcher
        self._lock = lock
        self._service: LauncherService | None = None
        self._warm: ForkServer | None = None
        self._may_have_left_files = set(Role)  # who was before us is not known
        self._only_cold = False
        self.directory = launcher.box_root / f"slot-{slot}"
        self.slot = slot
        self.users = launcher.users(slot)

    @classmethod
    @contextmanager
    def claim(cls, launcher_path: Path) -> Iterator[Box]:
        """
        Take the first free slot, clean, for as long as the context lasts.

        Raises:
            SettingsError: The launcher is not there or may not be executed.
            SandboxError: All slots are taken, or one cannot be made clean.
        """
        launcher = Launcher.open(launcher_path)
        for slot in range(launcher.slots):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
                if not take(lock, launcher.users(slot)):
                    continue
                box = cls(launcher, slot, lock)
                try:
                    box.clean()
                    yield box
                finally:
                    box.close()
                return
        raise SandboxError(
            f"all {launcher.slots} slots are taken",
            where=str(launcher.box_root),
            next_step="build the launcher with more --slots",
        )

    def close(self) -> None:
        """Let the launcher end; it sweeps the slot first, and so does one after one that failed."""
        if self._service is None:
            with suppress(SandboxError):
                self._service = self._launcher.serve(self.slot, self._lock)
        self._end_service()

    def _end_service(self) -> None:
        self._forget_server()
        if self._service is not None:
            self._service.close()
            self._service = None

    def run(self, spec: RunSpec) -> RunOutcome:
        """
        Run one program; afterwards nothing of it is left but a fork server, if it has one.

        Raises:
            SandboxError: The platform failed: a program that is not installed, a full disk.
        """
        number = policy_number(spec.policy, writable=spec.writable)
        if spec.writable:
            if self._warm is not None:  # started before that was known; it could be written to
                self._sweep()
            self.empty(spec.role)
        if POLICIES[number].files:
            self._may_have_left_files.add(spec.role)
        command = Message(Command.COLD, spec.role, number, spec.limits, find_program(spec.argv))
        with opened(spec) as descriptors:
            outcome = self._run_warm(spec, descriptors) if can_be_warm(spec) else None
            outcome = outcome or self._call(command, descriptors).outcome
        assert outcome is not None  # noqa: S101 - a run that ends has one
        return judged(outcome, spec, self.directory / WORK_DIRECTORIES[spec.role])

    def warm_up(self, spec: RunSpec) -> None:
        """Start the fork server of a program ahead of its first run, if it has one."""
        if not can_be_warm(spec) or (self._warm is not None and self._warm.fits(spec)):
            return
        if self._warm is not None:
            self._sweep()
        number = policy_number(spec.policy, writable=spec.writable)
        self._warm, theirs = ForkServer.pair(spec)
        with theirs, Path(os.devnull).open("r+b") as nothing:
            descriptors = [nothing.fileno()] * 3 + [theirs.fileno()]
            argv = find_program(spec.server_argv)
            limits = self._warm.limits
            self._call(Message(Command.SERVER, spec.role, number, limits, argv), descriptors)

    def store(self, role: Role, name: str, content: bytes) -> None:
        """Give the user of `role` a read-only, executable file in the directory it is given."""
        with copied_into(self.directory / role, name) as file:
            file.write(content)

    def store_file(self, role: Role, name: str, source: Path) -> None:
        """Give the user of `role` a copy of a file, as `store` does."""
        with source.open("rb") as content, copied_into(self.directory / role, name) as file:
            shutil.copyfileobj(content, file)

    def adopt(self, name: str, *, max_bytes: int) -> None:
        """
        Move what the compiler built to where the run user can execute, but not change, it.

        Raises:
            ObjectNotFoundError: There is no such file, or it is not a plain one.
            ObjectTooLargeError: It is larger than `max_bytes`.
        """
        build = self.directory / WORK_DIRECTORIES[Role.COMPILE]
        with (
            open_untrusted(build, name, max_bytes) as built,
            copied_into(self.directory / Role.RUN, name) as file,
        ):
            shutil.copyfileobj(built, file)

    def collect(self, role: Role, name: str, *, max_bytes: int) -> bytes:
        """Read a file that the user of `role` made where it works; raises as `adopt` does."""
        work = self.directory / WORK_DIRECTORIES[role]
        with open_untrusted(work, name, max_bytes) as file:
            return file.read(os.fstat(file.fileno()).st_size)

    def empty(self, role: Role) -> None:
        """Remove what the user of `role` made where it works, and keep what it was given."""
        user = self.users[list(Role).index(role)]
        unlink_files(self.directory / WORK_DIRECTORIES[role])
        if role in self._may_have_left_files and user in self._owners_of_leftovers():
            self._remove_files(role, user)

    def _call(
        self, message: Message, descriptors: Sequence[int] = (), *, given_away: Sequence[int] = ()
    ) -> Answer:
        """Have the launcher do something; one that failed is replaced at the next call."""
        if self._service is None:
            self._service = self._launcher.serve(self.slot, self._lock)
        try:
            answer = self._service.call(message, descriptors, given_away=given_away)
        except SandboxError:
            self._end_service()
            raise
        if not answer.server_alive:
            self._forget_server()
        return answer

    def _run_warm(self, spec: RunSpec, descriptors: Sequence[int]) -> RunOutcome | None:
        """Take the program from its fork server; None when there is no way to get one."""
        for _ in range(0 if self._only_cold else _SERVER_ATTEMPTS):
            self.warm_up(spec)
            fork = None if self._warm is None else self._warm.fork(descriptors[:3])
            if fork is None:  # an earlier case has killed or stopped it
                self._sweep()
                continue
            number = policy_number(spec.policy, writable=spec.writable)
            message = Message(Command.WARM, spec.role, number, spec.limits, pid=fork.pid)
            return self._call(message, given_away=[fork.gate]).outcome
        self._only_cold = True  # until the next submission
        return None

    def _sweep(self) -> None:
        """End every process of the slot."""
        self._forget_server()
        self._call(Message(Command.SWEEP, Role.RUN, 0, _SWEEP_LIMITS))

    def _forget_server(self) -> None:
        if self._warm is not None:
            self._warm.close()
            self._warm = None

    def survivors(self) -> list[int]:
        """Process ids of the slot's users, living or dead; between runs there must be none."""
        return processes_of(self.users)

    def clean(self) -> None:
        """End the slot's processes and remove all that its users were given or left anywhere."""
        self._sweep()
        for role in Role:
            for given in (self.directory / role).iterdir():
                given.unlink()
        for role, user in zip(Role, self.users, strict=True):
            if role in self._may_have_left_files and user in self._owners_of_leftovers():
                self._remove_files(role, user)
        self._may_have_left_files.clear()
        self._only_cold = False

    def _owners_of_leftovers(self) -> set[int]:
        work = [self.directory / name for name in WORK_DIRECTORIES.values()]
        return owners([*work, *shared_directories()])

    def _remove_files(self, role: Role, user: int) -> None:
        with TemporaryDirectory() as name:
            said = removal(role, user, Path(name))
            self.run(said)
            if user in self._owners_of_leftovers():
                why = said.stderr.read_text(errors="replace").strip()
                raise SandboxError(f"cannot be cleaned: {why}", where=f"slot {self.slot}")
