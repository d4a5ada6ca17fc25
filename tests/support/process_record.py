"""Records the command lines and environments of all processes of this machine for a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE_SECONDS = 0.03


class ProcessRecord:
    """What was seen of processes, to be searched for secrets that are known only later."""

    def __init__(self) -> None:
        self.command_lines: set[bytes] = set()
        self.environments: set[bytes] = set()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record for the block."""
        end = threading.Event()
        thread = threading.Thread(target=self._record, args=(end,))
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()

    def _record(self, end: threading.Event) -> None:
        while not end.wait(_PAUSE_SECONDS):
            for folder in Path("/proc").iterdir():
                if folder.name.isdecimal():
                    self._look_at(folder)

    def _look_at(self, folder: Path) -> None:
        try:
            self.command_lines.add((folder / "cmdline").read_bytes())
            self.environments.add((folder / "environ").read_bytes())
        except OSError:  # it has ended
            return
