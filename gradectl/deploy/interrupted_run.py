"""
What an interrupted run of Terraform leaves behind.

A state lock; a state that could not be stored; and, because Terraform stores the state of a running
apply every 20 seconds only, resources that are in no state.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_PROC = Path("/proc")
_UNSAVED = "errored-*.tfstate"
_JOURNAL = "created.jsonl"


@dataclass(frozen=True)
class StateLock:
    """
    The lock of a state, as Terraform stores it.

    Attributes:
        id: Its id.
        who: user@host.
        operation: Terraform's name of the operation.
        created: When it was taken, ISO 8601 in UTC.
    """

    id: str
    who: str = ""
    operation: str = ""
    created: str = ""

    @classmethod
    def parse(cls, body: bytes) -> StateLock | None:
        """Read a lock; None when it is not one."""
        try:
            found = json.loads(body)
        except ValueError:
            return None
        if not isinstance(found, dict) or not found.get("ID"):
            return None
        names = ("ID", "Who", "Operation", "Created")
        return cls(*(str(found.get(name, "")) for name in names))

    @property
    def is_of_this_machine(self) -> bool:
        """Whether a process of this machine took it."""
        return self.who.rpartition("@")[2] == socket.gethostname()

    def is_since(self, start: datetime) -> bool:
        """Whether it was taken on this machine after a moment, so probably by that run."""
        try:
            created = datetime.fromisoformat(self.created)
        except ValueError:
            return False
        return self.is_of_this_machine and created.astimezone(UTC) >= start

    def __str__(self) -> str:
        """Id and holder."""
        return f"{self.id}, of {self.who} since {self.created} ({self.operation})"


def keep_unsaved(written: Path, folder: Path, now: datetime) -> Path | None:
    """
    Move a state that Terraform could not store to the folder of its environment.

    Terraform writes it to the root, where the next failure of any environment replaces it.

    Args:
        written: Where Terraform writes it.
        folder: The folder of the environment.
        now: The time, for the name.

    Returns:
        The new path, readable by its owner only; None when there is no such state.
    """
    if not written.is_file():
        return None
    kept = folder / _UNSAVED.replace("*", f"{now:%Y%m%dT%H%M%S%f}")
    written.chmod(0o600)
    shutil.move(written, kept)
    return kept


def unsaved(written: Path, folder: Path) -> list[Path]:
    """The states that were not stored, oldest first; the last can be of another environment."""
    return [*sorted(folder.glob(_UNSAVED)), *([written] if written.is_file() else [])]


class Journal:
    """
    The resources that the current apply created; empty between two applies.

    Args:
        folder: The folder of the environment.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _JOURNAL

    def add(self, address: str, resource_id: str) -> None:
        """Add a resource."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([address, resource_id]) + "\n")

    def clear(self) -> None:
        """Forget them, because the state has them."""
        self._path.unlink(missing_ok=True)

    def read(self) -> list[tuple[str, str]]:
        """Address and id of each resource; a line that was cut off is left out."""
        found = []
        if self._path.is_file():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                try:
                    address, resource_id = json.loads(line)
                except ValueError:
                    continue
                found.append((str(address), str(resource_id)))
        return found


def running_terraform(data_dir: Path, processes: Iterable[Path] | None = None) -> int | None:
    """
    Find a Terraform of this project that still runs, for example after gradectl was killed.

    Args:
        data_dir: Its data directory.
        processes: Folders of processes; default: those of /proc.

    Returns:
        Its process id; None when there is none, or another user started it.
    """
    wanted = f"TF_DATA_DIR={data_dir}".encode()
    if processes is None:
        processes = _PROC.iterdir() if _PROC.is_dir() else ()
    for folder in processes:
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            found = wanted in (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended, or belongs to somebody else
            continue
        if found:
            return int(folder.name)
    return None
