"""
Programs that this process starts, and that never outlive it.

Each runs in a session of its own, so a Ctrl-C on our terminal does not reach it, with a log file,
and behind `guard.py`, so the kernel kills it when the thread that started it ends, whatever ends
that thread. A child must therefore be started by a thread that lives as long as the child should.
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

_GUARD = Path(__file__).with_name("guard.py")
_LOG_LINES = 12
_JAVA_FRAMES = ("\tat ", "\t... ")
_PROBE_INTERVAL_SECONDS = 0.02


@dataclass(frozen=True)
class Program:
    """What to run: nothing of our own environment is passed on unless it stands here."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    log_file: Path


def guarded(command: Sequence[str]) -> list[str]:
    """Give the command that is the same program, killed when the thread that starts it ends."""
    return [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid()), *command]


class Child:
    """One running program."""

    def __init__(self, program: Program) -> None:
        """Start it, appending what it prints to its log file."""
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
        """Its process id, which is its process group's too."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        return self._process.returncode

    def wait(self, timeout_seconds: float | None = None, *, interrupt: int | None = None) -> bool:
        """
        Wait for its end and sweep up what it left behind.

        Args:
            timeout_seconds: How long to wait; without end when absent.
            interrupt: A descriptor; the wait is over when it becomes readable.

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
        """Ask it to end, and kill it with its whole group when it does not in time."""
        if self.exit_status is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)
        if not self.wait(grace_seconds):
            self._sweep()

    def last_lines(self) -> str:
        """Give the end of its log, for an error message, without the frames of Java's traces."""
        text = self.program.log_file.read_text(errors="replace")
        lines = [line for line in text.splitlines() if not line.startswith(_JAVA_FRAMES)]
        return "\n".join(lines[-_LOG_LINES:])

    def _sweep(self) -> None:
        """Kill what is left of the group, and only then let the kernel reuse its number."""
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
        child: The program that gives the service.
        answers: Tells whether the service answers.
        timeout_seconds: How long it may take.
        interrupt: A descriptor; the wait is over when it becomes readable.

    Returns:
        False when it was interrupted.

    Raises:
        GradectlError: The program ended.
        UnreachableError: It runs and does not answer in time.
    """
    name, deadline = child.program.name, time.monotonic() + timeout_seconds
    while not answers():
        if child.wait(_PROBE_INTERVAL_SECONDS, interrupt=interrupt):
            raise GradectlError(
                f"{name} ended with {child.exit_status} while starting:\n{child.last_lines()}",
                where=str(child.program.log_file),
            )
        if interrupt is not None and is_readable(interrupt, 0):
            return False
        if time.monotonic() > deadline:
            raise UnreachableError(
                f"{name} does not answer after {timeout_seconds:.0f} s:\n{child.last_lines()}",
                where=str(child.program.log_file),
            )
    return True


def is_readable(descriptor: int, timeout_seconds: float) -> bool:
    """Wait until a descriptor can be read; False when it cannot in time."""
    watched = select.poll()
    watched.register(descriptor, select.POLLIN)
    return bool(watched.poll(timeout_seconds * 1000))
