"""
Whether a program's output is the expected one: the same tokens, separated by any white space.

Bytes, not text: no encoding is assumed and a NUL byte is a byte like any other.  Memory is bounded
however long the output or one of its tokens is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

_CHUNK_BYTES = 1 << 16
_WHITE_SPACE = b" \t\n\r\x0b\x0c"


def same_tokens(expected: BinaryIO, actual: BinaryIO) -> bool:
    """Read both streams to their ends, or to the first difference."""
    left, right = _Stream(expected), _Stream(actual)
    while True:
        length = min(left.fill(), right.fill())
        if length == 0:
            return left.fill() == right.fill() == 0
        if left.take(length) != right.take(length):
            return False


class _Stream:
    """A normalised stream from which any number of bytes can be taken."""

    def __init__(self, file: BinaryIO) -> None:
        self._pieces = _normalised(file)
        self._ready = b""

    def fill(self) -> int:
        """Have at least one byte ready unless the stream is at its end; say how many."""
        if not self._ready:
            self._ready = next(self._pieces, b"")
        return len(self._ready)

    def take(self, length: int) -> bytes:
        taken, self._ready = self._ready[:length], self._ready[length:]
        return taken


def _normalised(file: BinaryIO) -> Iterator[bytes]:
    """Yield the content with one space between tokens and none around them; never b""."""
    started = pending = False
    while chunk := file.read(_CHUNK_BYTES):
        tokens = b" ".join(chunk.split())
        if tokens:
            leads = pending or chunk[0] in _WHITE_SPACE
            yield b" " + tokens if started and leads else tokens
            started = True
            pending = chunk[-1] in _WHITE_SPACE
        else:
            pending = True
