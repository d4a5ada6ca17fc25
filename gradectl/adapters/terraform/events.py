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
        return _diagnostic(fields.get("diagnostic") or {})
    if kind.startswith("apply_") and isinstance(fields.get("hook"), dict):
        return _progress(kind.removeprefix("apply_"), fields["hook"])
    if kind == "change_summary" and isinstance(fields.get("changes"), dict):
        changes = fields["changes"]
        return ChangeSummary(
            operation=str(changes.get("operation", "")),
            added=int(changes.get("add", 0)),
            changed=int(changes.get("change", 0)),
            removed=int(changes.get("remove", 0)),
        )
    return Note(str(fields.get("@message", "")), kind)


def _diagnostic(fields: dict[str, Any]) -> Diagnostic:
    """Read an error or a warning."""
    span = fields.get("range") or {}
    start = span.get("start") or {}
    place = f"{span['filename']}:{start.get('line', 1)}" if span.get("filename") else ""
    return Diagnostic(
        severity=str(fields.get("severity", "error")),
        summary=str(fields.get("summary", "")),
        detail=str(fields.get("detail", "")),
        place=place or str(fields.get("address", "")),
    )


def _progress(phase: str, hook: dict[str, Any]) -> ResourceProgress:
    """Read what happens to one resource."""
    resource = hook.get("resource") or {}
    return ResourceProgress(
        phase=phase,
        address=str(resource.get("addr", "")),
        action=str(hook.get("action", "")),
        elapsed_seconds=float(hook.get("elapsed_seconds", 0)),
    )
