"""Terraform's JSON output lines as typed events."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_LOCK_SUMMARY = "Error acquiring the state lock"
_LOCK_ID = re.compile(r"^\s*ID:\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Note:
    """An informational message; `kind` is Terraform's type of it, "" when it has none."""

    message: str
    kind: str = ""


@dataclass(frozen=True)
class Diagnostic:
    """An error or a warning, with its location where Terraform gives one."""

    severity: str
    summary: str
    detail: str
    location: str  # file:line, the address of a resource, or ""

    @property
    def in_file(self) -> bool:
        """Whether the location is a file and a line."""
        return bool(re.search(r"\.\w+:\d+$", self.location))

    @property
    def lock_id(self) -> str:
        """Id of the state lock that another run holds; "" for other diagnostics."""
        found = _LOCK_ID.search(self.detail)
        return found.group(1) if self.summary == _LOCK_SUMMARY and found else ""

    @property
    def is_lock_conflict(self) -> bool:
        """Whether another run holds the state lock."""
        return self.summary == _LOCK_SUMMARY


@dataclass(frozen=True)
class ResourceProgress:
    """Progress of one resource that is created, updated, deleted or read."""

    phase: str  # start | progress | complete | errored
    address: str
    action: str  # create | update | delete | read
    elapsed_seconds: float
    id: str = ""  # of a resource that was created, where Terraform gives it

    @property
    def created(self) -> bool:
        """Whether a resource was just created, and can be imported by its id."""
        return self.phase == "complete" and self.action == "create" and bool(self.id)


@dataclass(frozen=True)
class ChangeSummary:
    """Number of resources planned or changed."""

    operation: str  # plan | apply | destroy
    added: int
    changed: int
    removed: int


Event = Note | Diagnostic | ResourceProgress | ChangeSummary


def parse(line: str) -> Event:
    """
    Parse one line of `terraform ... -json`.

    Lines that are not JSON (a crash, for example) and unknown types become notes.
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
    """Parse an error or a warning."""
    span = _mapping(fields.get("range"))
    start = _mapping(span.get("start"))
    location = f"{span['filename']}:{start.get('line', 1)}" if span.get("filename") else ""
    return Diagnostic(
        severity=str(fields.get("severity", "error")),
        summary=str(fields.get("summary", "")),
        detail=str(fields.get("detail", "")),
        location=location or str(fields.get("address", "")),
    )


def _progress(phase: str, hook: dict[str, Any]) -> ResourceProgress:
    """Parse the progress of one resource."""
    resource = _mapping(hook.get("resource"))
    return ResourceProgress(
        phase=phase,
        address=str(resource.get("addr", "")),
        action=str(hook.get("action", "")),
        elapsed_seconds=_number(hook.get("elapsed_seconds")),
        id=str(hook.get("id_value", "")),
    )


def _summary(changes: dict[str, Any]) -> ChangeSummary:
    """Parse the number of planned or changed resources."""
    return ChangeSummary(
        operation=str(changes.get("operation", "")),
        added=int(_number(changes.get("add"))),
        changed=int(_number(changes.get("change"))),
        removed=int(_number(changes.get("remove"))),
    )


def _mapping(value: object) -> dict[str, Any]:
    """Return a mapping; an empty one for anything else, which a later Terraform may write."""
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float:
    """Return a number; 0 for anything else, which a later Terraform may write."""
    return float(value) if isinstance(value, int | float) else 0.0
