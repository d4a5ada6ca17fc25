"""
Keeps two deployments of one environment apart, from the first step to the last.

Terraform locks the state only while it runs. This lock is an object in the state bucket, created
with S3's conditional write, and names its holder.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from gradectl.errors import TryAgainError, UsageError

LOCK_KEY = "deploy.lock"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_START_TIME_FIELD = 19  # of /proc/PID/stat after the program's name; in clock ticks since boot


@dataclass(frozen=True)
class Holder:
    """
    The process that holds a lock.

    Attributes:
        id: Random; names this lock.
        who: user@host.
        since: When it was taken, ISO 8601 in UTC.
        machine: Identifies the machine since its last start, and its process namespace; "" when
            unknown.
        pid: The process.
        started: Start time of the process, which tells it from a later one with the same pid.
    """

    id: str
    who: str
    since: str
    machine: str = ""
    pid: int = 0
    started: str = ""

    @classmethod
    def this_process(cls) -> Holder:
        """Describe this process."""
        return cls(
            id=secrets.token_hex(8),
            who=f"{getpass.getuser()}@{socket.gethostname()}",
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            machine=_machine(),
            pid=os.getpid(),
            started=_start_time(os.getpid()),
        )

    @property
    def has_ended(self) -> bool:
        """Whether it certainly no longer runs: it ran on this machine, and its process is gone."""
        here = bool(self.machine) and self.machine == _machine()
        return here and _start_time(self.pid) != self.started


class LockStore(Protocol):
    """Where locks are kept: objects of one bucket."""

    def create(self, key: str, body: bytes) -> bool:
        """Write an object unless it exists; returns whether it was written."""

    def read(self, key: str) -> bytes | None:
        """Read an object; None when it does not exist."""

    def remove(self, key: str) -> None:
        """Delete an object, if it exists."""


@contextmanager
def deploy_lock(
    store: LockStore, environment: str, pause: Callable[[], bool], say: Callable[[str], None]
) -> Iterator[None]:
    """
    Hold the lock of an environment for the block.

    Args:
        store: The state bucket.
        environment: Name of the environment.
        pause: Pauses between two attempts; False when the time to wait is over.
        say: Prints a message.

    Raises:
        TryAgainError: Another deployment still holds it; the error names its holder.
    """
    own = Holder.this_process()
    body = json.dumps(asdict(own)).encode()
    announced = False
    while not store.create(LOCK_KEY, body):
        other = _holder(store)
        if other is None:
            continue
        if other.id == own.id:  # the answer was lost, and boto3 sent the request again
            break
        if other.has_ended:
            say(f"taking over the lock of an ended deployment: {other.who} since {other.since}")
            _remove(store, other.id)
            continue
        if not announced:
            say(f"waiting for the deployment of {other.who}, which began at {other.since}")
            announced = True
        if not pause():
            raise _held(environment, other)
    try:
        yield
    finally:
        _remove(store, own.id)


def release(store: LockStore, environment: str, lock_id: str) -> None:
    """
    Remove the lock of a deployment that no longer runs.

    Raises:
        UsageError: There is no lock with this id.
    """
    if not _remove(store, lock_id):
        held = _holder(store)
        text = f"the lock is {held.id}, of {held.who}" if held else f"{environment} is not locked"
        raise UsageError(text, where="--release-lock", next_step=f"gradectl deploy {environment}")


def _held(environment: str, other: Holder) -> TryAgainError:
    return TryAgainError(
        f"{environment} is being deployed by {other.who} (process {other.pid}) since {other.since}",
        where=LOCK_KEY,
        next_step="wait for it, or with a longer --lock-timeout; if it no longer runs: "
        f"gradectl deploy {environment} --release-lock {other.id}",
    )


def _holder(store: LockStore) -> Holder | None:
    """Read the lock; one that cannot be parsed has an unknown holder."""
    found = store.read(LOCK_KEY)
    if found is None:
        return None
    try:
        return Holder(**json.loads(found))
    except (ValueError, TypeError):
        return Holder(id="unreadable", who="an unknown holder", since="an unknown time")


def _remove(store: LockStore, lock_id: str) -> bool:
    """Remove the lock if it is still the one with this id."""
    held = _holder(store)
    if held is None or held.id != lock_id:
        return False
    store.remove(LOCK_KEY)
    return True


def _machine() -> str:
    """Identify this machine and process namespace: containers share the first, not the second."""
    try:
        return f"{_BOOT_ID.read_text().strip()} {_NAMESPACE.readlink()}"
    except OSError:
        return ""


def _start_time(pid: int) -> str:
    """Start time of a process; "" when it does not exist."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[_START_TIME_FIELD]
