"""The time of day of workers and broker, which a fault can set."""

from __future__ import annotations

import mmap
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")
_BYTES = 8


class Clock:
    """
    Shifts the time of day of all processes that are started with `environment`.

    Args:
        directory: Receives the compiled library and the file with the shift.
    """

    def __init__(self, directory: Path) -> None:
        library, file = directory / "clock.so", directory / "clock"
        file.write_bytes(bytes(_BYTES))
        subprocess.run(
            ["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, _SOURCE],
            check=True,
        )
        with file.open("r+b") as opened:
            self._shift = mmap.mmap(opened.fileno(), _BYTES)
        self.environment = {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(file)}

    def set(self, seconds: int) -> None:
        """Let the processes read a time of day that is off by this much."""
        self._shift[:] = seconds.to_bytes(_BYTES, "little", signed=True)
