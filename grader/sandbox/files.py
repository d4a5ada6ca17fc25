"""Files of a box: stored for a program, opened for its run, and checked afterwards."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from grader.errors import ObjectNotFoundError, ObjectTooLargeError, SandboxError
from grader.sandbox.cleanup import bytes_below
from grader.sandbox.runs import RunOutcome, RunSpec, StopReason

#: Directories of system programs.
_PROGRAM_DIRECTORIES = (Path("/usr/bin"), Path("/usr/local/bin"))
_PRIVATE_FILE_MODE = 0o600
_STORED_MODE = 0o550
#: With less free space than this, writes of the program may have failed.
_FULL_DISK_BYTES = 1 << 16
#: Unit of `st_blocks`.
_BLOCK_BYTES = 512
#: Space that a file system may reserve for a small file.
_RESERVED_BYTES = 1 << 20


def find_program(argv: tuple[str, ...]) -> tuple[str, ...]:
    """
    Replace the name of a system program by its path; images differ in the directory.

    Raises:
        SandboxError: The program is not installed.
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
        next_step=f"install it in {' or '.join(map(str, _PROGRAM_DIRECTORIES))}",
    )


@contextmanager
def opened(spec: RunSpec) -> Iterator[list[int]]:
    """
    Open stdin, stdout, stderr and the inputs of a run, in this order.

    Raises:
        SandboxError: One of them cannot be opened.
    """
    with ExitStack() as stack:
        descriptors = []

        def hold(path: Path, flags: int) -> None:
            try:
                fd = os.open(path, flags | os.O_CLOEXEC, _PRIVATE_FILE_MODE)
            except OSError as error:
                raise SandboxError(f"cannot be opened: {error.strerror}", where=str(path)) from None
            stack.callback(os.close, fd)
            descriptors.append(fd)

        hold(spec.stdin, os.O_RDONLY)
        for path in (spec.stdout, spec.stderr):
            # Truncated rather than created anew, which takes a file system longer than a short run.
            hold(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW)
        for path in spec.inputs:
            hold(path, os.O_RDONLY)
        yield descriptors


@contextmanager
def copied_into(directory: Path, name: str) -> Iterator[BinaryIO]:
    """
    Create a read-only file; its group is inherited from the directory.

    The file appears complete, since a fork server may be polling for it.

    Raises:
        SandboxError: A file of this name exists, or the disk is full.
    """
    _check_name(name)
    partial = directory / f".{name}"  # names of stored files never begin with a dot
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(partial, flags, _STORED_MODE)
        try:
            with os.fdopen(fd, "wb") as file:
                os.fchmod(fd, _STORED_MODE)  # whatever the umask
                yield file
            (directory / name).hardlink_to(partial)
        finally:
            partial.unlink()
    except OSError as error:
        raise SandboxError(f"cannot be stored: {error.strerror}", where=name) from None


def open_untrusted(directory: Path, name: str, max_bytes: int) -> BinaryIO:
    """
    Open a file made by an untrusted program, without following links or blocking on a FIFO.

    Raises:
        ObjectNotFoundError: There is no such file, or it is not a regular one with a single link.
        ObjectTooLargeError: It is larger than `max_bytes`.
    """
    _check_name(name)
    try:
        fd = os.open(directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ObjectNotFoundError(f"cannot be read: {error.strerror}", where=name) from None
    status = os.fstat(fd)
    regular = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
    if regular and status.st_size <= max_bytes:
        return os.fdopen(fd, "rb")
    os.close(fd)
    if regular:
        raise ObjectTooLargeError(f"larger than {max_bytes} bytes", where=name)
    raise ObjectNotFoundError("not a regular file", where=name)


def with_output_limit(outcome: RunOutcome, spec: RunSpec, work: Path) -> RunOutcome:
    """
    Correct the reason of an outcome if the program wrote more than allowed.

    Args:
        outcome: Outcome according to the launcher.
        spec: Specification of the run.
        work: Working directory of the program.

    Raises:
        SandboxError: The disk is full, so writes of the program may have failed.
    """
    # A runtime may ignore write errors, so that another limit ends the program.
    if any(_is_too_large(path.stat(), spec) for path in (spec.stdout, spec.stderr)):
        return replace(outcome, reason=StopReason.OUTPUT)
    if outcome.reason is not StopReason.ENDED:
        return outcome
    for directory in (spec.stdout.parent, work):
        if _is_full(directory):
            if bytes_below(work) > spec.limits.output_bytes:  # the program filled it
                return replace(outcome, reason=StopReason.OUTPUT)
            raise SandboxError(
                "the disk is full",
                where=str(directory),
                next_step="raise the ephemeral storage of the task, or lower CACHE_MAX_MB",
            )
    return outcome


def _check_name(name: str) -> None:
    if not name or "/" in name or name.startswith("."):
        raise SandboxError("not a plain file name", where=repr(name))


def _is_too_large(status: os.stat_result, spec: RunSpec) -> bool:
    """Whether size or disk space exceed the limit; a file system may reserve twice the size."""
    most = spec.limits.output_bytes
    return status.st_size > most or status.st_blocks * _BLOCK_BYTES > 2 * most + _RESERVED_BYTES


def _is_full(directory: Path) -> bool:
    disk = os.statvfs(directory)
    has_bounds = disk.f_blocks > 0
    return has_bounds and disk.f_bavail * disk.f_frsize < _FULL_DISK_BYTES
