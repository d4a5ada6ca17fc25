"""
The launcher as Python objects: what is installed, and the process that serves one slot.

A message and its reply are the structs of launcher.c; descriptors go beside a message.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from grader.errors import SandboxError, SettingsError
from grader.sandbox.runs import Role, RunLimits, RunOutcome, StopReason

#: What an allocator needs above the limit before the launcher can see the limit crossed.
_DATA_HEADROOM_MB = 32
_SPACE_HEADROOM_MB = 64
#: For runtimes that reserve gigabytes and use little.  The tables of what is mapped are memory too,
#: which no limit counts: a five-hundredth of this, should a program read all of it.
_MOST_SPACE_MB = 32 << 10
_KB_PER_MB = 1024

_HEAD = struct.Struct("=4I8q")
_REPLY = struct.Struct("=3i4x3q512s")
_WORD_BYTES = 4096
_MOST_WORDS = 48
_ROLES = tuple(Role)
#: One for each role, and one with which the launcher sends signals.
_USERS_PER_SLOT = len(_ROLES) + 1
#: Index: the launcher's number, from 1.
_REASONS = (StopReason.ENDED, StopReason.ENDED, StopReason.CPU, StopReason.WALL, StopReason.MEMORY)
#: How much longer than its wall time a run may take until its slot is swept.
_PATIENCE_SECONDS = 30.0


class Command(IntEnum):
    """What the launcher is asked to do."""

    COLD = 0
    SERVER = 1
    WARM = 2
    SWEEP = 3


@dataclass(frozen=True)
class Message:
    """
    One command.

    Args:
        command: What is to be done.
        role: Whose program it is.
        policy: Number of its system call policy.
        limits: Its bounds.
        argv: The program and its arguments.
        pid: The process that waits to be started, for a warm run.
    """

    command: Command
    role: Role
    policy: int
    limits: RunLimits
    argv: tuple[str, ...] = ()
    pid: int = 0

    def to_bytes(self) -> bytes:
        """Encode it; raises `SandboxError` where the launcher has no room for its words."""
        words = [word.encode(errors="surrogateescape") for word in self.argv]
        if len(words) > _MOST_WORDS or any(len(word) >= _WORD_BYTES for word in words):
            raise SandboxError("the command line is too long", where=self.argv[0])
        head = _HEAD.pack(
            self.command, _ROLES.index(self.role), self.policy, len(words), *self._numbers()
        )
        return head + b"".join(word.ljust(_WORD_BYTES, b"\0") for word in words)

    def _numbers(self) -> tuple[int, ...]:
        limits = self.limits
        space = limits.memory_mb + limits.runtime_memory_mb + _SPACE_HEADROOM_MB
        if not limits.bound_address_space:
            space = _MOST_SPACE_MB
        return (
            limits.cpu_ms,
            limits.wall_ms,
            limits.memory_mb * _KB_PER_MB,
            (limits.memory_mb + limits.runtime_memory_mb + _DATA_HEADROOM_MB) * _KB_PER_MB,
            space * _KB_PER_MB,
            # One byte more than allowed, so that a full allowance is not yet an offence.
            limits.output_bytes + 1,
            limits.processes,
            self.pid,
        )


@dataclass(frozen=True)
class Launcher:
    """
    An installed launcher, and what it says was compiled into it.

    Args:
        path: Where it is installed.
        box_root: Directory of the slots.
        uid_base: First user id; each slot has four that follow each other.
        slots: How many slots there are.
    """

    path: Path
    box_root: Path
    uid_base: int
    slots: int

    @classmethod
    def open(cls, path: Path) -> Launcher:
        """Ask an installed launcher what it is; raises `SettingsError` when it cannot be run."""
        try:
            done = subprocess.run([path, "config"], capture_output=True, check=False, text=True)
        except OSError as error:
            raise _unusable(path, str(error)) from None
        if done.returncode:
            raise _unusable(path, done.stderr.strip())
        said = json.loads(done.stdout)
        return cls(path, Path(said["box_root"]), said["uid_base"], said["slots"])

    def users(self, slot: int) -> range:
        """User ids of a slot that programs run as, in the order of `Role`."""
        first = self.uid_base + slot * _USERS_PER_SLOT
        return range(first, first + len(_ROLES))

    def serve(self, slot: int, lock: socket.socket) -> LauncherService:
        """
        Start the process that serves a slot; what it cannot do it says to the first message.

        Args:
            slot: Which.
            lock: Of the slot; the launcher has it too, until it has swept the slot.

        Raises:
            SandboxError: The launcher is gone.
        """
        path = str(self.path)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                process = subprocess.Popen(
                    [path, "serve", str(slot)],
                    stdin=theirs.fileno(),
                    stdout=lock.fileno(),
                    env={},
                    start_new_session=True,  # Ctrl-C on a terminal is the worker's to handle
                )
            except OSError as error:
                ours.close()
                raise SandboxError(f"cannot be started: {error.strerror}", where=path) from None
        return LauncherService(process, ours)


@dataclass(frozen=True)
class Answer:
    """
    What the launcher says to a message.

    Args:
        outcome: Of a run; None for the other commands.
        server_alive: Whether the fork server of the slot lives on.
    """

    outcome: RunOutcome | None
    server_alive: bool


class LauncherService:
    """
    A launcher that serves one slot, for one thread.

    Args:
        process: The launcher.
        connection: Our end of its socket.
    """

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket) -> None:
        """Take over both."""
        self._process = process
        self._connection = connection

    def call(
        self, message: Message, descriptors: Sequence[int] = (), *, given_away: Sequence[int] = ()
    ) -> Answer:
        """
        Have something done, and wait for it.

        Args:
            message: What.
            descriptors: Sent beside it.
            given_away: Sent after those, and closed here before the answer is waited for.

        Raises:
            SandboxError: The launcher failed, in its words, and has ended.
        """
        self._connection.settimeout(message.limits.wall_ms / 1000 + _PATIENCE_SECONDS)
        try:
            body = message.to_bytes()
            with suppress(ConnectionError):  # it has ended; its last reply may say why
                socket.send_fds(self._connection, [body], [*descriptors, *given_away])
        finally:
            for fd in given_away:
                os.close(fd)
        try:
            said = self._connection.recv(_REPLY.size)
        except ConnectionError:  # it has ended with what was sent unread
            said = b""
        except OSError as error:
            raise SandboxError(f"the launcher does not answer: {error}") from None
        if len(said) != _REPLY.size:
            raise SandboxError("the launcher has ended", where=f"launcher {self._process.pid}")
        return _answer(said)

    def close(self) -> None:
        """Let the launcher end: it sweeps its slot first; one that hangs is killed."""
        self._connection.close()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _answer(said: bytes) -> Answer:
    reason, status, alive, cpu_us, wall_us, peak_kb, error = _REPLY.unpack(said)
    if words := error.split(b"\0", 1)[0]:
        raise SandboxError(words.decode(errors="replace"), where="launcher")
    if reason >= len(_REASONS):  # nothing was run
        return Answer(None, bool(alive))
    code = os.waitstatus_to_exitcode(status)
    outcome = RunOutcome(_REASONS[reason], max(code, 0), max(-code, 0), cpu_us, wall_us, peak_kb)
    return Answer(outcome, bool(alive))


def _unusable(path: Path, why: str) -> SettingsError:
    return SettingsError(
        f"the sandbox launcher does not work: {why}",
        where=str(path),
        next_step="python -m grader.sandbox.build installs it; its group may execute it",
    )
