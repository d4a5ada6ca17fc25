"""The files of a slot: given to a program, opened for its run, and looked at after it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from grader.errors import ObjectNotFoundError, ObjectTooLargeError, SandboxError
from grader.sandbox.cleanup import bytes_below
from grader.sandbox.runs import RunOutcome, RunSpec, StopReason

#: Where system programs are.
_PROGRAM_DIRECTORIES = (Path("/usr/bin"), Path("/usr/local/bin"))
_PRIVATE_FILE_MODE = 0o600
_GIVEN_MODE = 0o550
#: With less than this a program may have been refused what it wanted to write.
_FULL_DISK_BYTES = 1 << 16


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
            # Emptied and not made anew: file systems take longer for that than for a short run.
            hold(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW)
        for path in spec.inputs:
            hold(path, os.O_RDONLY)
        yield descriptors


@contextmanager
def copied_into(directory: Path, name: str) -> Iterator[BinaryIO]:
    """
    Make a file that nobody writes again; its group, by the directory's, is that of the role's user.

    It appears whole: a fork server may be looking for it meanwhile.

    Raises:
        SandboxError: It is there already, or the disk is full.
    """
    _check_name(name)
    partial = directory / f".{name}"  # no name of a stored file begins so
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(partial, flags, _GIVEN_MODE)
        try:
            with os.fdopen(fd, "wb") as file:
                os.fchmod(fd, _GIVEN_MODE)  # whatever the umask
                yield file
            (directory / name).hardlink_to(partial)
        finally:
            partial.unlink()
    except OSError as error:
        raise SandboxError(f"cannot be stored: {error.strerror}", where=name) from None


def open_untrusted(directory: Path, name: str, max_bytes: int) -> BinaryIO:
    """
    Open what a program made, and believe nothing: no link is followed, no FIFO waited for.

    Raises:
        ObjectNotFoundError: There is no such file, or it is not a plain one.
        ObjectTooLargeError: It is larger than `max_bytes`.
    """
    _check_name(name)
    try:
        fd = os.open(directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ObjectNotFoundError(f"cannot be read: {error.strerror}", where=name) from None
    status = os.fstat(fd)
    plain = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
    if plain and status.st_size <= max_bytes:
        return os.fdopen(fd, "rb")
    os.close(fd)
    if plain:
        raise ObjectTooLargeError(f"larger than {max_bytes} bytes", where=name)
    raise ObjectNotFoundError("not a plain file", where=name)


def judged(outcome: RunOutcome, spec: RunSpec, work: Path) -> RunOutcome:
    """
    Add what its files say of a run.

    Args:
        outcome: What the launcher saw.
        spec: What was asked for.
        work: Where the program could make files, if it could.

    Raises:
        SandboxError: The disk was full, so that the program could not write what it wanted.
    """
    written = max(spec.stdout.stat().st_size, spec.stderr.stat().st_size)
    # Where a runtime does not look whether it can still write, another limit ends the program.
    if written > spec.limits.output_bytes:
        return replace(outcome, reason=StopReason.OUTPUT)
    if outcome.reason is not StopReason.ENDED:
        return outcome
    for directory in (spec.stdout.parent, work):
        if _is_full(directory):
            if bytes_below(work) > spec.limits.output_bytes:  # that is why
                return replace(outcome, reason=StopReason.OUTPUT)
            raise SandboxError(
                "the disk is full",
                where=str(directory),
                next_step="give the task more ephemeral storage, or the cache less",
            )
    return outcome


def _check_name(name: str) -> None:
    if not name or "/" in name or name.startswith("."):
        raise SandboxError("not a plain name", where=repr(name))


def _is_full(directory: Path) -> bool:
    disk = os.statvfs(directory)
    has_bounds = disk.f_blocks > 0
    return has_bounds and disk.f_bavail * disk.f_frsize < _FULL_DISK_BYTES


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
