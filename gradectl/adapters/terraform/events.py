"""Terraform's machine-readable lines as typed events."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_LOCK_SUMMARY = "Error acquiring the state lock"
_LOCK_ID = re.compile(r"^\s*ID:\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Note:
    """Something said that changes nothing; `kind` is Terraform's type of it, if it has one."""

    message: str
    kind: str = ""


@dataclass(frozen=True)
class Diagnostic:
    """An error or a warning, with its place where Terraform knows one."""

    severity: str
    summary: str
    detail: str
    place: str  # file:line, or the address of a resource, or nothing

    @property
    def in_file(self) -> bool:
        """Whether the place is a file and a line."""
        return bool(re.search(r"\.\w+:\d+$", self.place))

    @property
    def lock_id(self) -> str:
        """The id of the lock that somebody else holds, when that is what this says."""
        found = _LOCK_ID.search(self.detail)
        return found.group(1) if self.summary == _LOCK_SUMMARY and found else ""

    @property
    def is_lock_conflict(self) -> bool:
        """Whether the state is locked by somebody else."""
        return self.summary == _LOCK_SUMMARY


@dataclass(frozen=True)
class ResourceProgress:
    """One resource being created, changed or removed."""

    phase: str  # start | progress | complete | errored
    address: str
    action: str  # create | update | delete | read
    elapsed_seconds: float


@dataclass(frozen=True)
class ChangeSummary:
    """How much was planned or done."""

    operation: str  # plan | apply | destroy
    added: int
    changed: int
    removed: int


Event = Note | Diagnostic | ResourceProgress | ChangeSummary


def parse(line: str) -> Event:
    """
    Read one line of `terraform ... -json`.

    A line that is no JSON, such as a crash, is a note; so is a type that is not known here.
    """
    try:
        fields = json.loads(line)
    except ValueError:
        return Note(line.rstrip("\n"))
    if not isinstance(fields, dict):
        return Note(line.rstrip("\n"))
    kind = str(fields.get("type", ""))
    if kind == "diagnostic":
        return diagnostic(_mapping(fields.get("diagnostic")))
    if kind.startswith("apply_"):
        return _progress(kind.removeprefix("apply_"), _mapping(fields.get("hook")))
    if kind == "change_summary":
        return _summary(_mapping(fields.get("changes")))
    return Note(str(fields.get("@message", "")), kind)


def diagnostic(fields: dict[str, Any]) -> Diagnostic:
    """Read an error or a warning."""
    span = _mapping(fields.get("range"))
    start = _mapping(span.get("start"))
    place = f"{span['filename']}:{start.get('line', 1)}" if span.get("filename") else ""
    return Diagnostic(
        severity=str(fields.get("severity", "error")),
        summary=str(fields.get("summary", "")),
        detail=str(fields.get("detail", "")),
        place=place or str(fields.get("address", "")),
    )


def _progress(phase: str, hook: dict[str, Any]) -> ResourceProgress:
    """Read what happens to one resource."""
    resource = _mapping(hook.get("resource"))
    return ResourceProgress(
        phase=phase,
        address=str(resource.get("addr", "")),
        action=str(hook.get("action", "")),
        elapsed_seconds=_number(hook.get("elapsed_seconds")),
    )


def _summary(changes: dict[str, Any]) -> ChangeSummary:
    """Read how much was planned or done."""
    return ChangeSummary(
        operation=str(changes.get("operation", "")),
        added=int(_number(changes.get("add"))),
        changed=int(_number(changes.get("change"))),
        removed=int(_number(changes.get("remove"))),
    )


def _mapping(value: object) -> dict[str, Any]:
    """Take a mapping, and an empty one for whatever else a later Terraform may write."""
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float:
    """Take a number, and nought for whatever else a later Terraform may write."""
    return float(value) if isinstance(value, int | float) else 0.0
