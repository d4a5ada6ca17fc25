"""What Terraform does, while it does it: in place on a terminal, a line an event elsewhere."""

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
#: Kinds of notes that the tables at the end say better.
_QUIET = frozenset(
    {"version", "planned_change", "resource_drift", "outputs", "refresh_start", "output_change"}
)
_EVERY = 25  # resources looked at: one line in a log
_SHOWN = 12  # lines at a time


class Progress:
    """
    Turns events into talk.

    Args:
        ui: The streams.
        show: Shows lines in place; from `Ui.live`.
    """

    def __init__(self, ui: Ui, show: Callable[[Sequence[str]], None]) -> None:
        """Start with nothing under way."""
        self._ui = ui
        self._show = show
        self._under_way: dict[str, str] = {}
        self._latest = ""
        self._looked_at = 0

    def __call__(self, event: Event) -> None:
        """Tell one event."""
        if isinstance(event, ResourceProgress):
            self._resource(event)
        elif isinstance(event, Diagnostic):
            place = f" ({event.location})" if event.location else ""
            self._ui.warn(f"{event.summary}{place}")
        elif isinstance(event, Note):
            self._note(event)
        elif isinstance(event, ChangeSummary):
            self._latest = ""
        self._refresh()

    def _resource(self, event: ResourceProgress) -> None:
        """Keep what is under way, and say what is over."""
        if event.phase in ("start", "progress"):
            doing = _DOING.get(event.action, event.action)
            line = f"  {doing} {event.address}"
            if event.phase == "progress":
                line += f" ({event.elapsed_seconds:.0f} s)"
            self._under_way[event.address] = line
            if not self._ui.animated:
                self._ui.say(line)
            return
        self._under_way.pop(event.address, None)
        seconds = f"({event.elapsed_seconds:.0f} s)"
        if event.phase == "errored":
            self._ui.say(f"  failed {event.address} {seconds}", "red")
        else:
            self._ui.say(f"  {_DONE.get(event.action, event.action)} {event.address} {seconds}")

    def _note(self, note: Note) -> None:
        """Say what a person must know, and show the rest only while it is so."""
        if not note.message.strip() or note.kind in _QUIET:
            return
        if note.kind == "init":
            # Only a download takes time; the rest of it says nothing that a person needs.
            if note.message.startswith("Installing"):
                self._ui.say(f"  {note.message}")
            return
        if note.kind == "refresh_complete":
            self._looked_at += 1
            self._latest = f"  looked at {self._looked_at} resources"
            if not self._ui.animated and self._looked_at % _EVERY == 0:
                self._ui.say(self._latest)
        else:
            self._ui.say(f"  {note.message.strip()}")

    def _refresh(self) -> None:
        """Show the oldest of what is under way."""
        lines = list(self._under_way.values())
        hidden = len(lines) - _SHOWN
        more = [f"  and {hidden} more"] if hidden > 0 else []
        latest = [self._latest] if self._latest and not lines else []
        self._show([*lines[:_SHOWN], *more, *latest])
