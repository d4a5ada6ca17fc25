"""Where the local stack of a project lives, and how others find what runs there."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gradectl.context import process_environment
from gradectl.errors import RefusedError, TryAgainError

DIRECTORY_VARIABLE = "GRADECTL_LOCAL_DIR"
_FILE = "stack.json"
_LOCK = "supervisor.lock"


@dataclass(frozen=True)
class Stack:
    """A running local stack: everything that a client needs to reach it."""

    directory: Path
    endpoint_url: str
    region: str
    account_id: str
    ca_file: Path
    broker_endpoint: str  # stomp+ssl://localhost:PORT
    db_endpoint: str  # 127.0.0.1:PORT
    supervisor_pid: int

    @classmethod
    def load(cls, project_root: Path) -> Self | None:
        """Find the running stack of a project; None when none runs."""
        return cls.read(stack_directory(project_root, process_environment()))

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """
        Read what runs in a directory; what a killed supervisor left behind does not count.

        Raises:
            RefusedError: The directory is somebody else's.
        """
        try:
            check_ours(directory)
            document = json.loads((directory / _FILE).read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not is_locked(directory):
            return None
        paths = {"directory": directory, "ca_file": Path(document["ca_file"])}
        return cls(**{**document, **paths})

    def write(self) -> None:
        """Let others find this stack; they see all of it or nothing."""
        document = json.dumps(dataclasses.asdict(self), default=str, indent=2)
        unfinished = self.directory / f"{_FILE}.new"
        unfinished.write_text(document + "\n")
        unfinished.replace(self.directory / _FILE)

    def withdraw(self) -> None:
        """Let nobody find this stack any more."""
        (self.directory / _FILE).unlink(missing_ok=True)


def stack_directory(project_root: Path, environ: Mapping[str, str]) -> Path:
    """
    Choose the one directory of a project's local stack.

    Args:
        project_root: The folder that holds environments/.
        environ: The process environment; GRADECTL_LOCAL_DIR overrides the default.
    """
    if chosen := environ.get(DIRECTORY_VARIABLE):
        return Path(chosen).absolute()
    digest = hashlib.sha256(str(project_root.resolve()).encode()).hexdigest()
    return Path(tempfile.gettempdir()) / f"gradectl-{digest[:8]}"


def make_directory(directory: Path) -> None:
    """
    Make the stack's directory, through which slot users can pass and into which nobody can look.

    Raises:
        RefusedError: It exists and is somebody else's.
    """
    with suppress(FileExistsError):
        directory.mkdir(parents=True)
    check_ours(directory)
    directory.chmod(0o711)


def check_ours(directory: Path, *, uid: int | None = None) -> None:
    """
    Make sure that a directory is one, and ours: the default one has a name that others can guess.

    Args:
        directory: What is looked at; a link is not followed.
        uid: Whose it must be; this process's when absent.

    Raises:
        FileNotFoundError: There is none.
        RefusedError: It is a link, a file, or somebody else's.
    """
    found, owner = directory.lstat(), os.getuid() if uid is None else uid
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        raise RefusedError(
            "the directory of the local stack is not a directory of yours",
            where=str(directory),
            next_step=f"set {DIRECTORY_VARIABLE} to another one",
        )


def take_lock(directory: Path) -> int:
    """
    Become the one supervisor of a directory, until this process ends.

    Returns:
        A descriptor that has to stay open.

    Raises:
        TryAgainError: Another one runs there.
    """
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise TryAgainError(
            "another local stack starts or runs here",
            where=str(directory),
            next_step="gradectl local status",
        ) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def supervisor_of(directory: Path) -> int:
    """Give the process id of whoever took the lock last; raises `ValueError` when nobody did."""
    return int((directory / _LOCK).read_text())


def is_locked(directory: Path) -> bool:
    """Tell whether a supervisor of this directory is alive; the kernel frees a dead one's lock."""
    try:
        descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
