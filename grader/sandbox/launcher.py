"""
The installed launcher, and the process that serves one box.

A message and its reply are the structs of privileged/launcher.h; descriptors are ancillary data.
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

#: Mappable above the memory limit. Only what is used counts, which the launcher watches; this ends
#: programs that allocate endlessly without using it. Enough for any static array, and for a thread
#: with a stack of a gigabyte.
_HEADROOM_MB = 3 << 10
#: Address space of runtimes that reserve gigabytes. Page tables take at most a five-hundredth.
_MAX_SPACE_MB = 32 << 10
_KB_PER_MB = 1024

_HEAD = struct.Struct("=4I8q")
_REPLY = struct.Struct("=3i4x3q512s")
_WORD_BYTES = 4096
_MAX_WORDS = 48
_ROLES = tuple(Role)
#: One per role, and one with which the launcher sends signals.
_USERS_PER_BOX = len(_ROLES) + 1
#: By the number in a reply; 0 does not occur.
_REASONS = (
    StopReason.ENDED,
    StopReason.ENDED,
    StopReason.CPU,
    StopReason.WALL,
    StopReason.MEMORY,
    StopReason.OUTPUT,
)
#: Time for sweeping a box, above the wall time of a run.
_SWEEP_SECONDS = 30.0


class Command(IntEnum):
    """Commands of the launcher."""

    START = 0  # start a program and watch it
    SERVER = 1  # start a fork server
    WATCH = 2  # watch a process that the fork server made
    SWEEP = 3  # end all processes of the box
    CLEAN = 4  # the same, and replace all directories that were used


@dataclass(frozen=True)
class Message:
    """
    One command.

    Args:
        command: The command.
        role: Role of the program.
        policy: Number of its system call policy.
        limits: Its limits.
        argv: The program and its arguments.
        pid: The forked process, for `WATCH`.
    """

    command: Command
    role: Role
    policy: int
    limits: RunLimits
    argv: tuple[str, ...] = ()
    pid: int = 0

    def to_bytes(self) -> bytes:
        """Encode it; raises `SandboxError` if the command line is too long for the launcher."""
        words = [word.encode(errors="surrogateescape") for word in self.argv]
        if len(words) > _MAX_WORDS or any(len(word) >= _WORD_BYTES for word in words):
            raise SandboxError("the command line is too long", where=self.argv[0])
        head = _HEAD.pack(
            self.command, _ROLES.index(self.role), self.policy, len(words), *self._numbers()
        )
        return head + b"".join(word.ljust(_WORD_BYTES, b"\0") for word in words)

    def _numbers(self) -> tuple[int, ...]:
        limits = self.limits
        mappable_mb = limits.memory_mb + _HEADROOM_MB
        space_mb = mappable_mb if limits.bound_address_space else _MAX_SPACE_MB
        return (
            limits.cpu_ms,
            limits.wall_ms,
            limits.memory_mb * _KB_PER_MB,
            mappable_mb * _KB_PER_MB,
            space_mb * _KB_PER_MB,
            # One byte above the limit, so that output of exactly the limit is allowed.
            limits.output_bytes + 1,
            limits.processes,
            self.pid,
        )


@dataclass(frozen=True)
class Launcher:
    """
    An installed launcher and its compiled-in settings.

    Args:
        path: Path of the program.
        box_root: Directory of the boxes.
        uid_base: First user id; each box has four consecutive ones.
        boxes: Number of boxes.
    """

    path: Path
    box_root: Path
    uid_base: int
    boxes: int

    @classmethod
    def open(cls, path: Path) -> Launcher:
        """Read the settings of a launcher; raises `SettingsError` if it cannot be executed."""
        try:
            done = subprocess.run([path, "config"], capture_output=True, check=False, text=True)
        except OSError as error:
            raise _unusable(path, str(error)) from None
        if done.returncode:
            raise _unusable(path, done.stderr.strip())
        settings = json.loads(done.stdout)
        return cls(path, Path(settings["box_root"]), settings["uid_base"], settings["slots"])

    def users(self, box: int) -> range:
        """User ids for the programs of a box, in the order of `Role`."""
        first = self.uid_base + box * _USERS_PER_BOX
        return range(first, first + len(_ROLES))

    def serve(self, box: int, lock: socket.socket) -> LauncherProcess:
        """
        Start the process that serves a box; it reports errors in its reply to the first message.

        Args:
            box: Number of the box.
            lock: Lock of the box; the launcher keeps it open until it has swept the box.

        Raises:
            SandboxError: The launcher cannot be executed.
        """
        path = str(self.path)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                process = subprocess.Popen(
                    [path, "serve", str(box)],
                    stdin=theirs.fileno(),
                    stdout=lock.fileno(),
                    env={},
                    start_new_session=True,  # only the worker handles Ctrl-C
                )
            except OSError as error:
                ours.close()
                raise SandboxError(f"cannot be started: {error.strerror}", where=path) from None
        return LauncherProcess(process, ours)


@dataclass(frozen=True)
class Reply:
    """
    Reply of the launcher to a message.

    Args:
        outcome: Outcome of a run; None for other commands.
        server_alive: Whether the fork server of the box is running.
    """

    outcome: RunOutcome | None
    server_alive: bool


class LauncherProcess:
    """
    A launcher that serves one box; used by one thread.

    Args:
        process: The process of the launcher.
        connection: The worker's end of its socket.
    """

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket) -> None:
        self._process = process
        self._connection = connection
        #: Whether a call has begun and not returned: it failed, or a signal interrupted it.
        self.is_waiting = False
        self.pid = process.pid

    def call(
        self, message: Message, descriptors: Sequence[int] = (), *, given_away: Sequence[int] = ()
    ) -> Reply:
        """
        Send a message and wait for the reply.

        Args:
            message: The message.
            descriptors: Sent with it.
            given_away: Sent after these, and closed here before waiting for the reply.

        Raises:
            SandboxError: The launcher failed and has exited; has the error of its last reply.
        """
        self.is_waiting = True
        self._connection.settimeout(message.limits.wall_ms / 1000 + _SWEEP_SECONDS)
        try:
            body = message.to_bytes()
            with suppress(ConnectionError):  # it has exited; its last reply may have the reason
                socket.send_fds(self._connection, [body], [*descriptors, *given_away])
        finally:
            for fd in given_away:
                os.close(fd)
        try:
            reply = self._last_reply()
        except OSError as error:
            raise SandboxError(f"the launcher does not answer: {error}") from None
        if len(reply) != _REPLY.size:
            raise SandboxError("the launcher has ended", where=f"launcher {self._process.pid}")
        decoded = _decode(reply)
        self.is_waiting = False
        return decoded

    def _last_reply(self) -> bytes:
        """Receive a reply; empty if the launcher has exited without one."""
        for _ in range(2):  # if it exited without reading the message, the first has that error
            with suppress(ConnectionError):
                return self._connection.recv(_REPLY.size)
        return b""

    def close(self) -> None:
        """Let the launcher sweep its box and exit; kill it if it hangs."""
        self._connection.close()
        try:
            self._process.wait(_SWEEP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _decode(reply: bytes) -> Reply:
    reason, status, alive, cpu_us, wall_us, peak_kb, error = _REPLY.unpack(reply)
    if text := error.split(b"\0", 1)[0]:
        raise SandboxError(text.decode(errors="replace"), where="launcher")
    if reason >= len(_REASONS):  # not a run
        return Reply(None, bool(alive))
    code = os.waitstatus_to_exitcode(status)
    outcome = RunOutcome(_REASONS[reason], max(code, 0), max(-code, 0), cpu_us, wall_us, peak_kb)
    return Reply(outcome, bool(alive))


def _unusable(path: Path, why: str) -> SettingsError:
    return SettingsError(
        f"the sandbox launcher does not work: {why}",
        where=str(path),
        next_step="install it with python -m grader.sandbox.build; only its group can execute it",
    )
