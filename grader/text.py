"""Makes untrusted text safe to print on a terminal, and reads the end of a program's output."""

from __future__ import annotations

from pathlib import Path


def printable(text: str) -> str:
    """Replace control characters; keeps line ends and tabs."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def printable_name(name: str) -> str:
    """Replace control characters and line ends, so that a name stays on one line."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)


def read_tail(path: Path, size_bytes: int) -> bytes:
    """Read the last `size_bytes` of a file; nothing if the file does not exist."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size_bytes))
            return file.read()
    except FileNotFoundError:
        return b""
