"""
The file of a rejudging: what was selected, and what was accepted.

What was graded is in the database, so a lost file costs little: the same command with the same name
selects again, derives the same request ids, and finds their results.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from gradectl.errors import ConfigurationError, GradectlError, TryAgainError
from gradectl.files import replacing
from gradectl.queues.durable import write_all, writing
from gradectl.rejudging.comparison import Outcome
from grader.ports.finished import FinishedJob

_SUFFIX = ".ndjson"
_FAILURE = "the file of the rejudging cannot be written"


class StateFile:
    """
    An open file of a rejudging, one JSON document a line; locked against a second command.

    Args:
        path: The file.
        descriptor: The open file; its owner closes it.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.header: dict[str, Any] = {}
        self.selected_count = 0
        self.held_back: dict[str, str] = {}
        self.accepted: dict[str, Outcome] = {}
        self.kept: dict[str, str] = {}
        self.state = "grading"
        for document in self._lines():
            self._apply(document)
        if not self.header:
            raise _damaged(path)

    @property
    def name(self) -> str:
        """Name of the rejudging."""
        return str(self.header["name"])

    def selected(self) -> Iterator[FinishedJob]:
        """Read the selected jobs, one by one."""
        for document in self._lines():
            if document["event"] == "selected":
                job = document["job"]
                yield FinishedJob(
                    **{**job, "updated_at": datetime.fromisoformat(job["updated_at"])}
                )

    def hold_back(self, request_id: str, why: str) -> None:
        """Record why a submission was not sent."""
        if self.held_back.get(request_id) != why:
            self._append({"event": "held_back", "request_id": request_id, "why": why})

    def accept(self, request_id: str, outcome: Outcome) -> None:
        """Record that a result was replaced."""
        self._append({"event": "accepted", "request_id": request_id, "outcome": asdict(outcome)})

    def keep(self, request_id: str, why: str) -> None:
        """Record why a result was not replaced."""
        if request_id not in self.kept:
            self._append({"event": "kept", "request_id": request_id, "why": why})

    def set_state(self, state: str) -> None:
        """Record the state: `grading`, `graded`, `accepting`, `accepted` or `discarded`."""
        if self.state != state:
            self._append({"event": "state", "state": state})

    def _append(self, document: dict[str, Any]) -> None:
        """Write one line to the disk."""
        with writing(self.path, _FAILURE):
            os.lseek(self._descriptor, 0, os.SEEK_END)
            write_all(self._descriptor, _line(document))
            os.fsync(self._descriptor)
        self._apply(document)

    def _apply(self, document: Mapping[str, Any]) -> None:
        match document["event"]:
            case "rejudging":
                self.header = dict(document)
            case "selected":
                self.selected_count += 1
            case "held_back":
                self.held_back[document["request_id"]] = document["why"]
            case "accepted":
                self.accepted[document["request_id"]] = Outcome(**document["outcome"])
            case "kept":
                self.kept[document["request_id"]] = document["why"]
            case "state":
                self.state = document["state"]

    def _lines(self) -> Iterator[dict[str, Any]]:
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                if not line.endswith("\n"):
                    return  # a crash, or another command, is in the middle of it
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise _damaged(self.path) from error


def state_folder(project_root: Path, environment: str) -> Path:
    """Folder of the files of an environment."""
    return project_root / ".gradectl" / "rejudgings" / environment


def state_path(folder: Path, name: str) -> Path:
    """File of a rejudging."""
    return folder / f"{name}{_SUFFIX}"


def rejudging_names(folder: Path) -> list[str]:
    """Names of the rejudgings that have a file, the newest last."""
    found = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime)
    return [path.name.removesuffix(_SUFFIX) for path in found]


@contextmanager
def open_state(folder: Path, name: str, *, changing: bool = False) -> Iterator[StateFile]:
    """
    Open the file of a rejudging for the block.

    Args:
        folder: From `state_folder`.
        name: The rejudging.
        changing: To append; otherwise nothing is written, and others may append meanwhile.

    Raises:
        GradectlError: There is no such file.
        TryAgainError: Another command works on this rejudging.
        ConfigurationError: The file is damaged.
    """
    path = state_path(folder, name)
    try:
        descriptor = os.open(path, (os.O_RDWR if changing else os.O_RDONLY) | os.O_NOFOLLOW)
    except FileNotFoundError as error:
        raise GradectlError(
            f"rejudging {name!r} not found on this machine",
            where=str(path),
            next_step=f"gradectl rejudge list; gradectl rejudge start --name {name} with the"
            " conditions it had makes the file again and grades nothing twice",
        ) from error
    try:
        if changing:
            _lock(descriptor, path)
            _drop_torn_line(descriptor)
        yield StateFile(path, descriptor)
    finally:
        os.close(descriptor)


def create_state(folder: Path, header: Mapping[str, Any], jobs: Iterable[FinishedJob]) -> None:
    """
    Write a new file, complete or not at all.

    Args:
        folder: From `state_folder`; created if needed.
        header: Name and conditions.
        jobs: The selected jobs, written as they are read.
    """
    path = state_path(folder, str(header["name"]))
    with writing(path, _FAILURE):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(path) as file:
            file.write(_line({"event": "rejudging", **header}))
            for job in jobs:
                values = {**asdict(job), "updated_at": job.updated_at.isoformat()}
                file.write(_line({"event": "selected", "job": values}))


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode() + b"\n"


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        text = "another command works on this rejudging"
        raise TryAgainError(text, where=str(path), next_step="wait until it has ended") from error


def _drop_torn_line(descriptor: int) -> None:
    """Remove what a crash left of a line."""
    size = os.fstat(descriptor).st_size
    end = size
    while end and os.pread(descriptor, 1, end - 1) != b"\n":
        end -= 1
    if end < size:
        os.ftruncate(descriptor, end)


def _damaged(path: Path) -> ConfigurationError:
    return ConfigurationError(
        "the file of the rejudging is damaged",
        where=str(path),
        next_step="move it away, and run gradectl rejudge start again with this --name and its"
        " conditions; nothing is graded twice",
    )
