"""Specification and outcome of one run in the sandbox; pure data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Role(StrEnum):
    """Purpose of a run; a box has a separate user for each role."""

    COMPILE = "compile"
    RUN = "run"
    CHECKER = "checker"


class StopReason(StrEnum):
    """Why a program ended."""

    ENDED = "ended"  # it exited, or a signal killed it
    CPU = "cpu"
    WALL = "wall"
    MEMORY = "memory"
    OUTPUT = "output"


@dataclass(frozen=True)
class RunLimits:
    """
    Limits of one run.

    Args:
        cpu_ms: CPU milliseconds of all its processes together.
        wall_ms: Wall time in milliseconds; stops programs that sleep.
        memory_mb: Memory that all its processes use together, in MB; they may map more.
        output_bytes: Size of any single file it writes, including stdout and stderr.
        processes: Processes and threads at the same time.
        bound_address_space: Whether to limit the address space more tightly; not possible for
            runtimes that reserve gigabytes.
    """

    cpu_ms: int
    wall_ms: int
    memory_mb: int
    output_bytes: int
    processes: int
    bound_address_space: bool


@dataclass(frozen=True)
class RunSpec:
    """
    One program to run.

    Args:
        role: Selects the user it runs as.
        policy: Name of its system call policy.
        argv: Name of a system program, or ``./name`` of a stored file, and its arguments.
        limits: Its limits.
        stdin: File for its stdin.
        stdout: File to create or truncate, in a directory that users of a box cannot write.
        stderr: The same for its stderr.
        inputs: More files to read, as ``/dev/fd/3`` and so on; world-readable, in a directory that
            only the worker can enter.
        writable: Whether it may create files in its working directory.
        server_argv: Command of the fork server that starts it; empty for a cold start.
        server_limits: Limits that the fork server is started with, none below that of a run; None:
            those of the run. So a server can be started before it is known what it will run.
    """

    role: Role
    policy: str
    argv: tuple[str, ...]
    limits: RunLimits
    stdin: Path
    stdout: Path
    stderr: Path
    inputs: tuple[Path, ...] = ()
    writable: bool = False
    server_argv: tuple[str, ...] = ()
    server_limits: RunLimits | None = None


@dataclass(frozen=True)
class RunOutcome:
    """
    Outcome of a run.

    Args:
        reason: Why it ended.
        exit_code: Its exit code; 0 if a signal killed it.
        signal: The signal that killed it; 0 if none did.
        cpu_us: CPU time of all its processes, in microseconds.
        wall_us: Wall time in microseconds.
        peak_kb: Peak resident memory in kB.
    """

    reason: StopReason
    exit_code: int
    signal: int
    cpu_us: int
    wall_us: int
    peak_kb: int

    @property
    def cpu_ms(self) -> int:
        """CPU milliseconds, rounded up, so that a run over its limit also shows a time over it."""
        return -(-self.cpu_us // 1000)

    @property
    def peak_mb(self) -> int:
        """Peak resident memory in MB, rounded up."""
        return -(-self.peak_kb // 1024)

    @property
    def succeeded(self) -> bool:
        """Whether the program exited with 0."""
        return self.reason is StopReason.ENDED and not self.exit_code and not self.signal
