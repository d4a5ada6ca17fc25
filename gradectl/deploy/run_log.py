"""Writes what Terraform reported in one run to a file that only its owner can read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from gradectl.adapters.terraform.events import ChangeSummary, Diagnostic, Event, Note
from gradectl.planning.masking import MASK

_KEPT = 20  # files of earlier runs
_SHORTEST = 8  # shorter values are words, and no generated password is that short
_PREFIX = "TF_VAR_"


class RunLog:
    """
    The log of one run; secrets that gradectl passes to Terraform are masked.

    Args:
        directory: The folder of the logs; the oldest ones are deleted.
        environ: Environment of Terraform, with the secrets in TF_VAR_*.
        now: Returns the time.
    """

    def __init__(
        self,
        directory: Path,
        environ: Mapping[str, str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._now = now
        self._secrets = sorted(set(_secrets(environ)), key=len, reverse=True)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = directory / f"{now():%Y%m%dT%H%M%S%f}.log"
        for old in sorted(directory.glob("*.log"))[: -_KEPT + 1]:
            old.unlink(missing_ok=True)

    def event(self, event: Event) -> None:
        """Add an event of Terraform."""
        if isinstance(event, Note):
            self.write(event.message)
        elif isinstance(event, Diagnostic):
            self.write(f"{event.severity}: {event.summary}: {event.detail} ({event.location})")
        elif isinstance(event, ChangeSummary):
            counts = f"{event.added} added, {event.changed} changed, {event.removed} removed"
            self.write(f"{event.operation}: {counts}")
        else:
            seconds = f"{event.elapsed_seconds:.0f} s"
            self.write(f"{event.phase} {event.action} {event.address} ({seconds})")

    def write(self, text: str) -> None:
        """Add a line with the time."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(f"{self._now():%Y-%m-%dT%H:%M:%SZ} {text.strip()}\n")


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """The values of variables, and the texts within those that are JSON."""
    for name, value in environ.items():
        if name.startswith(_PREFIX) and "password" in name:
            yield from (text for text in _texts(value) if len(text) >= _SHORTEST)


def _texts(value: str) -> Iterator[str]:
    """A value as it is, and the texts of a JSON object."""
    yield value
    try:
        found = json.loads(value)
    except ValueError:
        return
    if isinstance(found, dict):
        yield from (item for item in found.values() if isinstance(item, str))
