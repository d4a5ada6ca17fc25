"""The directory of a local stack, its lock, and `stack.json`, by which clients find the stack."""

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
#: Pages of the control plane: the services, and whether all of them run.
STATUS_PATH = "/_gradectl/status"
SETTLED_PATH = "/_gradectl/settled"
_FILE = "stack.json"
_LOCK = "supervisor.lock"


@dataclass(frozen=True)
class StackLocation:
    """
    The directory of a stack, and the account and region it emulates.

    Attributes:
        directory: Its directory.
        region: The region.
        account_id: The account.
        environment: The environment that it is started for; empty for none.
        has_broker: Whether that environment has a broker, so that one must be installed.
        has_cache: The same for Redis.
    """

    directory: Path
    region: str
    account_id: str
    environment: str = ""
    has_broker: bool = True
    has_cache: bool = False


@dataclass(frozen=True)
class Stack:
    """A running local stack, with everything that a client needs to reach it."""

    directory: Path
    endpoint_url: str
    region: str
    account_id: str
    ca_file: Path
    broker_endpoint: str  # stomp+ssl://localhost:PORT
    db_endpoint: str  # 127.0.0.1:PORT
    supervisor_pid: int
    environment: str = ""  # the one that it was started for
    redis_endpoint: str = ""  # rediss://localhost:PORT
    api_url: str = ""  # http://localhost:PORT, of the load balancer

    @classmethod
    def load(cls, project_root: Path) -> Self | None:
        """Return the running stack of a project; None if none is running."""
        return cls.read(stack_directory(project_root, process_environment()))

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """
        Read the stack that runs in a directory; the file of a killed supervisor does not count.

        Raises:
            RefusedError: The directory belongs to another user.
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
        """Publish this stack; the file is replaced atomically."""
        document = json.dumps(dataclasses.asdict(self), default=str, indent=2)
        unfinished = self.directory / f"{_FILE}.new"
        unfinished.write_text(document + "\n")
        unfinished.replace(self.directory / _FILE)

    def withdraw(self) -> None:
        """Remove `stack.json`, so that clients no longer find this stack."""
        (self.directory / _FILE).unlink(missing_ok=True)


def stack_directory(project_root: Path, environ: Mapping[str, str]) -> Path:
    """
    Return the directory of a project's local stack.

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
    Create the directory of a stack with mode 711: box users can traverse it, but not list it.

    Raises:
        RefusedError: It exists and belongs to another user.
    """
    with suppress(FileExistsError):
        directory.mkdir(parents=True)
    check_ours(directory)
    directory.chmod(0o711)


def check_ours(directory: Path, *, uid: int | None = None) -> None:
    """
    Check that a path is a directory owned by this user, because the default name can be guessed.

    Args:
        directory: The path; a symbolic link is not followed.
        uid: The required owner; this process's user when absent.

    Raises:
        FileNotFoundError: The directory does not exist.
        RefusedError: It is a link or a file, or belongs to another user.
    """
    found, owner = directory.lstat(), os.getuid() if uid is None else uid
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        raise RefusedError(
            "the directory of the local stack is not a directory that you own",
            where=str(directory),
            next_step=f"set {DIRECTORY_VARIABLE} to another directory",
        )


def take_lock(directory: Path) -> int:
    """
    Take the supervisor lock of a directory; the kernel releases it when this process ends.

    Returns:
        The file descriptor of the lock, which must stay open.

    Raises:
        TryAgainError: Another supervisor holds the lock.
    """
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise TryAgainError(
            "another local stack is starting or running in this directory",
            where=str(directory),
            next_step="gradectl local status",
        ) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def supervisor_of(directory: Path) -> int:
    """Return the pid of the last holder of the lock; raises `ValueError` if there was none."""
    return int((directory / _LOCK).read_text())


def is_locked(directory: Path) -> bool:
    """Return True while a supervisor of this directory is alive."""
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
