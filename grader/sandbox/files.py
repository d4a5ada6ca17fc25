"""The files of a run: opened for it before, looked at after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from grader.contract.runs import RunOutcome, RunSpec, StopReason
from grader.errors import SandboxError

#: Where system programs are.
_PROGRAM_DIRECTORIES = (Path("/usr/bin"), Path("/usr/local/bin"))
_PRIVATE_FILE_MODE = 0o600


def find_program(argv: tuple[str, ...]) -> tuple[str, ...]:
    """
    Say where a system program is, for an image may have it in either place.

    Raises:
        SandboxError: It is not installed.
    """
    name, *arguments = argv
    if "/" in name:
        return argv
    for directory in _PROGRAM_DIRECTORIES:
        path = directory / name
        if path.exists():
            return (str(path), *arguments)
    raise SandboxError(
        "not installed",
        where=name,
        next_step=f"install it below {' or '.join(map(str, _PROGRAM_DIRECTORIES))}",
    )


@contextmanager
def opened(spec: RunSpec) -> Iterator[list[int]]:
    """Open stdin, stdout, stderr and the inputs of a run, in this order."""
    with ExitStack() as stack:
        descriptors = []

        def hold(path: Path, flags: int) -> None:
            fd = os.open(path, flags | os.O_CLOEXEC, _PRIVATE_FILE_MODE)
            stack.callback(os.close, fd)
            descriptors.append(fd)

        hold(spec.stdin, os.O_RDONLY)
        for path in (spec.stdout, spec.stderr):
            hold(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW)
        for path in spec.inputs:
            hold(path, os.O_RDONLY)
        yield descriptors


def judged(outcome: RunOutcome, spec: RunSpec) -> RunOutcome:
    """
    Add what its files say of a run.

    Raises:
        SandboxError: The disk was full, so that the program could not write what it wanted.
    """
    written = max(spec.stdout.stat().st_size, spec.stderr.stat().st_size)
    # Where a runtime does not look whether it can still write, another limit ends the program.
    if written > spec.limits.output_bytes:
        return replace(outcome, reason=StopReason.OUTPUT)
    if outcome.reason is not StopReason.ENDED:
        return outcome
    disk = os.statvfs(spec.stdout.parent)
    if disk.f_bavail == 0:
        raise SandboxError(
            "the disk is full",
            where=str(spec.stdout.parent),
            next_step="give the task more ephemeral storage, or the cache less",
        )
    return outcome


def unlink_files(directory: Path) -> None:
    """
    Remove what is no directory from one that a slot's user, of whom nothing runs, could write.

    Only names are removed: no link is followed, nothing is opened.
    """
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with os.scandir(fd) as entries:
            for entry in entries:
                with suppress(IsADirectoryError, PermissionError):  # these, its user removes
                    os.unlink(entry.name, dir_fd=fd)
    finally:
        os.close(fd)
