"""
Long-running programs that this process starts and that never outlive it.

Each child runs in its own session, so Ctrl-C on our terminal does not reach it, and writes to a log
file. It is started through `guard.py`: the kernel kills it when the thread that started it ends,
for whatever reason. So start a child from a thread that runs at least as long as the child.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gradectl.errors import GradectlError, UnreachableError
from gradectl.processes.output import tail

_GUARD = Path(__file__).with_name("guard.py")
_PROBE_INTERVAL_SECONDS = 0.02
_NEXT = "see the whole log file for the cause"


@dataclass(frozen=True)
class ProgramSpec:
    """
    How to start a program.

    Attributes:
        name: Its name in messages.
        command: Path and arguments.
        environment: Its whole environment; ours is not inherited.
        directory: Its working directory.
        log_file: The file that its output is appended to.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    log_file: Path


def guarded(command: Sequence[str]) -> list[str]:
    """Wrap a command so that the kernel kills it when the thread that starts it ends."""
    return [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid()), *command]


class Child:
    """
    A running program; making one starts it.

    Args:
        program: How to start it.
    """

    def __init__(self, program: ProgramSpec) -> None:
        self.program = program
        with program.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                guarded(program.command),
                env=dict(program.environment),
                cwd=program.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._pidfd = os.pidfd_open(self._process.pid)

    @property
    def pid(self) -> int:
        """Its process id, which is also its process group id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.returncode

    def wait(self, timeout_seconds: float | None = None, *, interrupt: int | None = None) -> bool:
        """
        Wait until it ends, then kill the rest of its process group.

        Args:
            timeout_seconds: How long to wait; None waits without a limit.
            interrupt: File descriptor that ends the wait when it becomes readable.

        Returns:
            True when the program has ended.
        """
        if self.exit_status is not None:
            return True
        watched = select.poll()
        watched.register(self._pidfd, select.POLLIN)
        if interrupt is not None:
            watched.register(interrupt, select.POLLIN)
        timeout_ms = None if timeout_seconds is None else max(0, timeout_seconds) * 1000
        if self._pidfd not in dict(watched.poll(timeout_ms)):
            return False
        self._sweep()
        return True

    def stop(self, grace_seconds: float) -> None:
        """Send SIGTERM, and kill its process group when it has not ended after the grace period."""
        if self.exit_status is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)
        if not self.wait(grace_seconds):
            self._sweep()

    def last_lines(self) -> str:
        """Return the end of its log, for an error message."""
        return tail(self.program.log_file.read_text(errors="replace"))

    def _sweep(self) -> None:
        """Kill the process group, then reap the child, which frees its process id for reuse."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1


def wait_until_ready(
    child: Child,
    answers: Callable[[], bool],
    timeout_seconds: float,
    *,
    interrupt: int | None = None,
) -> bool:
    """
    Wait until a service answers.

    Args:
        child: The program that provides the service.
        answers: Returns whether the service answers.
        timeout_seconds: How long it may take.
        interrupt: File descriptor that ends the wait when it becomes readable.

    Returns:
        False when the wait was interrupted.

    Raises:
        GradectlError: The program ended.
        UnreachableError: The program runs but did not answer in time.
    """
    name, deadline = child.program.name, time.monotonic() + timeout_seconds
    while not answers():
        if child.wait(_PROBE_INTERVAL_SECONDS, interrupt=interrupt):
            raise GradectlError(
                f"{name} exited with {child.exit_status} during its start:\n{child.last_lines()}",
                where=str(child.program.log_file),
                next_step=_NEXT,
            )
        if interrupt is not None and is_readable(interrupt, 0):
            return False
        if time.monotonic() > deadline:
            raise UnreachableError(
                f"{name} did not answer within {timeout_seconds:.0f} s:\n{child.last_lines()}",
                where=str(child.program.log_file),
                next_step=_NEXT,
            )
    return True


def is_readable(descriptor: int, timeout_seconds: float) -> bool:
    """Wait until a file descriptor is readable; False on timeout."""
    watched = select.poll()
    watched.register(descriptor, select.POLLIN)
    return bool(watched.poll(timeout_seconds * 1000))
