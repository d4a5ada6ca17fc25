"""Shows Terraform's progress: updated in place on a terminal, one line per event elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradectl.adapters.terraform.events import (
    ChangeSummary,
    Diagnostic,
    Event,
    Note,
    ResourceProgress,
)
from gradectl.ui import Ui

_DOING = {"create": "creating", "update": "changing", "delete": "deleting", "read": "reading"}
_DONE = {"create": "created", "update": "changed", "delete": "deleted", "read": "read"}
#: Kinds of notes that the final tables show better.
_QUIET = frozenset(
    {"version", "planned_change", "resource_drift", "outputs", "refresh_start", "output_change"}
)
_EVERY = 25  # one log line for so many refreshed resources
_SHOWN = 12  # lines on a terminal


class TerraformProgress:
    """
    Prints events.

    Args:
        ui: The terminal.
        show: Replaces the displayed lines; from `Ui.live`.
    """

    def __init__(self, ui: Ui, show: Callable[[Sequence[str]], None]) -> None:
        self._ui = ui
        self._show = show
        self._running: dict[str, str] = {}
        self._latest = ""
        self._refreshed = 0

    def __call__(self, event: Event) -> None:
        """Print one event."""
        if isinstance(event, ResourceProgress):
            self._resource(event)
        elif isinstance(event, Diagnostic):
            location = f" ({event.location})" if event.location else ""
            self._ui.warn(f"{event.summary}{location}")
        elif isinstance(event, Note):
            self._note(event)
        elif isinstance(event, ChangeSummary):
            self._latest = ""
        self._refresh()

    def _resource(self, event: ResourceProgress) -> None:
        """Track running operations and print finished ones."""
        if event.phase in ("start", "progress"):
            doing = _DOING.get(event.action, event.action)
            line = f"  {doing} {event.address}"
            if event.phase == "progress":
                line += f" ({event.elapsed_seconds:.0f} s)"
            self._running[event.address] = line
            if not self._ui.animated:
                self._ui.say(line)
            return
        self._running.pop(event.address, None)
        seconds = f"({event.elapsed_seconds:.0f} s)"
        if event.phase == "errored":
            self._ui.say(f"  failed {event.address} {seconds}", "red")
        else:
            self._ui.say(f"  {_DONE.get(event.action, event.action)} {event.address} {seconds}")

    def _note(self, note: Note) -> None:
        """Print important notes; show the others only in the live display."""
        if not note.message.strip() or note.kind in _QUIET:
            return
        if note.kind == "init":
            # Only downloads take time; the other notes of init are noise.
            if note.message.startswith("Installing"):
                self._ui.say(f"  {note.message}")
            return
        if note.kind == "refresh_complete":
            self._refreshed += 1
            self._latest = f"  refreshed {self._refreshed} resources"
            if not self._ui.animated and self._refreshed % _EVERY == 0:
                self._ui.say(self._latest)
        else:
            self._ui.say(f"  {note.message.strip()}")

    def _refresh(self) -> None:
        """Show the running operations, oldest first."""
        lines = list(self._running.values())
        hidden = len(lines) - _SHOWN
        more = [f"  and {hidden} more"] if hidden > 0 else []
        latest = [self._latest] if self._latest and not lines else []
        self._show([*lines[:_SHOWN], *more, *latest])
