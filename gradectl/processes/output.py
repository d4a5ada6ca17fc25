"""The end of a program's output, for error messages."""

from __future__ import annotations

_LINES = 20
_CHARACTERS = 2000
_JAVA_FRAMES = ("\tat ", "\t... ")


def tail(output: str) -> str:
    """Return the last 20 lines (2000 characters at most) without the frames of Java traces."""
    lines = [line for line in output.strip().splitlines() if not line.startswith(_JAVA_FRAMES)]
    return "\n".join(lines[-_LINES:])[-_CHARACTERS:]
