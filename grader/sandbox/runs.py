"""What the sandbox is asked to run, and what it says became of it; pure data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Role(StrEnum):
    """Each slot has one user for each of these, so that they cannot touch each other."""

    COMPILE = "compile"
    RUN = "run"
    CHECKER = "checker"


class StopReason(StrEnum):
    """Who ended a program."""

    ENDED = "ended"  # the program itself, or the kernel by a signal
    CPU = "cpu"
    WALL = "wall"
    MEMORY = "memory"
    OUTPUT = "output"


@dataclass(frozen=True)
class RunLimits:
    """
    Bounds of one run.

    Args:
        cpu_ms: CPU time of all its processes together.
        wall_ms: Time on the clock; a guard against programs that sleep.
        memory_mb: Resident memory of all its processes together.
        output_bytes: Size of any one file it writes, stdout and stderr included.
        processes: Processes and threads at once.
        bound_address_space: Also refuse address space well above `memory_mb`; runtimes that
            reserve much and use little cannot live with it.
        runtime_memory_mb: What the kernel grants above `memory_mb`, for runtimes that map much
            and use little; what is used still counts in full.
    """

    cpu_ms: int
    wall_ms: int
    memory_mb: int
    output_bytes: int
    processes: int
    bound_address_space: bool
    runtime_memory_mb: int = 0


@dataclass(frozen=True)
class RunSpec:
    """
    One program to run.

    Args:
        role: The user it runs as.
        policy: Name of its system call policy.
        argv: Name of a system program, or ``./name`` of a stored file, and its arguments.
        limits: When to end it.
        stdin: File it reads.
        stdout: File to be made or emptied, in a directory that no slot user can write.
        stderr: The same for its messages.
        inputs: Further files for it to read, as ``/dev/fd/3`` and so on; the worker makes them
            readable by all, in a directory that nobody else can enter.
        writable: Whether its working directory is one where it may make files.
        server_argv: The fork server to take it from, warm; empty: it is started cold.
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


@dataclass(frozen=True)
class RunOutcome:
    """
    What became of a run.

    Args:
        reason: Who ended it.
        exit_code: Its exit code; 0 when a signal ended it.
        signal: The signal that ended it; 0 when none did.
        cpu_us: CPU microseconds of all its processes.
        wall_us: Microseconds on the clock.
        peak_kb: Highest resident memory.
    """

    reason: StopReason
    exit_code: int
    signal: int
    cpu_us: int
    wall_us: int
    peak_kb: int

    @property
    def cpu_ms(self) -> int:
        """CPU milliseconds, rounded up, so that what is over the limit also reads as over it."""
        return -(-self.cpu_us // 1000)

    @property
    def peak_mb(self) -> int:
        """Highest resident memory in MB, rounded up."""
        return -(-self.peak_kb // 1024)

    @property
    def succeeded(self) -> bool:
        """Whether the program ended by itself and said that all is well."""
        return self.reason is StopReason.ENDED and not self.exit_code and not self.signal
