"""What the users of a box left: their processes with their memory, and the size of their files."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path


def processes_of(users: range) -> list[int]:
    """Process ids of the users, including zombies."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text(errors="replace")  # a program chooses its name
            owner = re.search(r"^Uid:\s+(\d+)", text, re.MULTILINE)
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if owner and int(owner[1]) in users:
            found.append(int(status.parent.name))
    return found


def resident_kb(pid: int) -> int:
    """Resident memory of a process in kB; 0 if it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"^VmRSS:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0


def bytes_below(directory: Path) -> int:
    """Disk usage in bytes of the readable part of a directory tree."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(folder, name).lstat().st_blocks * 512
    return total
