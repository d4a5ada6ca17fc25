"""The launcher as a Python object: its commands, and its failures as `SandboxError`."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from grader.contract.runs import Role, RunLimits, RunOutcome, RunSpec, StopReason
from grader.errors import SandboxError, SettingsError
from grader.sandbox.toolchain import require

#: What an allocator needs above the limit before the launcher can see the limit crossed.
_DATA_HEADROOM_MB = 32
_SPACE_HEADROOM_MB = 64
_KB_PER_MB = 1024
_REPORT_MAX_BYTES = 4096
_PRIVATE_FILE_MODE = 0o600


@dataclass(frozen=True)
class Launcher:
    """
    An installed launcher, and what it says was compiled into it.

    Args:
        path: Where it is installed.
        box_root: Directory of the slots.
        uid_base: First user id; three a slot follow each other.
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
        """User ids of a slot, in the order of `Role`."""
        first = self.uid_base + slot * len(Role)
        return range(first, first + len(Role))

    def prepare(self, slot: int) -> None:
        """Make the slot's directories, where they are missing."""
        self._command("prepare", str(slot))

    def clean(self, slot: int) -> None:
        """End every process of the slot's users and remove what was stored for them."""
        self._command("clean", str(slot))

    def store(self, slot: int, role: Role, name: str, content: BinaryIO) -> None:
        """Give `role` a read-only, executable file; `content` is a real file."""
        self._command("store", str(slot), role, name, stdin=content)

    def run(self, slot: int, spec: RunSpec) -> RunOutcome:
        """Run one program to its end; raises `SandboxError` when the sandbox failed."""
        command = [str(self.path), "run", str(slot), spec.role, spec.policy]
        program = [_find(spec.argv[0]), *spec.argv[1:]]
        with ExitStack() as stack:
            stdin = stack.enter_context(spec.stdin.open("rb"))
            stdout = stack.enter_context(_new_file(spec.stdout))
            stderr = stack.enter_context(_new_file(spec.stderr))
            report_end, write_end = os.pipe()
            report = stack.enter_context(os.fdopen(report_end, "rb"))
            with os.fdopen(write_end, "wb"):
                process = subprocess.Popen(
                    [*command, *_numbers(spec.limits, write_end), *program],
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    pass_fds=[write_end],
                    env={},
                    start_new_session=True,  # Ctrl-C on a terminal is the worker's to handle
                )
            said = report.read(_REPORT_MAX_BYTES)
            process.wait()
        return _outcome(said, spec)

    def _command(self, *arguments: str, stdin: BinaryIO | int = subprocess.DEVNULL) -> None:
        done = subprocess.run(
            [self.path, *arguments], stdin=stdin, capture_output=True, check=False, env={}
        )
        if done.returncode:
            raise SandboxError(
                done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}",
                where=f"launcher {' '.join(arguments)}",
            )


def _unusable(path: Path, why: str) -> SettingsError:
    return SettingsError(
        f"the sandbox launcher does not work: {why}",
        where=str(path),
        next_step="python -m grader.sandbox.build installs it; its group may execute it",
    )


def _new_file(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, _PRIVATE_FILE_MODE), "wb")


def _find(program: str) -> str:
    """Where a system program is; a stored one is where it is said to be."""
    return program if "/" in program else str(require(program))


def _numbers(limits: RunLimits, report: int) -> list[str]:
    bound = limits.bound_address_space
    granted_mb = limits.memory_mb + limits.runtime_memory_mb
    numbers = (
        report,
        limits.cpu_ms,
        limits.wall_ms,
        limits.memory_mb * _KB_PER_MB,
        (granted_mb + _DATA_HEADROOM_MB) * _KB_PER_MB,
        (granted_mb + _SPACE_HEADROOM_MB) * _KB_PER_MB if bound else 0,
        # One byte more than allowed, so that a full allowance is not yet an offence.
        limits.output_bytes + 1,
        limits.processes,
    )
    return [str(number) for number in numbers]


def _outcome(said: bytes, spec: RunSpec) -> RunOutcome:
    try:
        fields = json.loads(said)
        reason = StopReason(fields.pop("reason"))
    except ValueError:
        # Where the program never started, these are the launcher's own words.
        words = spec.stderr.read_bytes()[-_REPORT_MAX_BYTES:].decode(errors="replace").strip()
        raise SandboxError(words or "the run was broken off", where=spec.argv[0]) from None
    written = max(spec.stdout.stat().st_size, spec.stderr.stat().st_size)
    if reason is StopReason.ENDED and written > spec.limits.output_bytes:
        reason = StopReason.OUTPUT
    return RunOutcome(reason=reason, **fields)
