"""The execution log that is stored with a result: plain text, safe to print on a terminal."""

from __future__ import annotations

from grader.text import printable

_MAX_CHARACTERS = 1 << 18
_CUT = "... (cut)"


class ExecutionLog:
    """Collects lines up to 256 KiB of characters; replaces control characters."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._room = _MAX_CHARACTERS

    def add(self, text: str, *, indent: str = "") -> None:
        """Append the lines of `text`; a line beyond the maximum is cut and marked."""
        for line in text.splitlines():
            if self._room <= 0:
                return
            shown = indent + printable(line)
            if len(shown) >= self._room:
                shown = shown[: self._room] + _CUT
            self._room -= len(shown) + 1
            self._lines.append(shown)

    def to_bytes(self) -> bytes:
        """Encode the log for a file."""
        return "".join(f"{line}\n" for line in self._lines).encode(errors="replace")
