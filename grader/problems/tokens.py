"""Splits outputs into tokens, and white space if it counts, one block at a time."""

from __future__ import annotations

import hashlib
import itertools
import re
from dataclasses import dataclass
from typing import BinaryIO

BLOCK_BYTES = 1 << 18
_SPACE = rb" \t\n\r\x0b\x0c"
_TOKEN = re.compile(rb"[^" + _SPACE + rb"]+")
_PIECE = re.compile(rb"[" + _SPACE + rb"]+|[^" + _SPACE + rb"]+")
_SPACE_START = re.compile(rb"[" + _SPACE + rb"]")
_WORD_START = re.compile(rb"[^" + _SPACE + rb"]")
_WHITE = frozenset(b" \t\n\r\x0b\x0c")


def read_block(file: BinaryIO, size: int) -> bytes:
    """Read `size` bytes, less only at the end of the file, even if single reads return less."""
    block = file.read(size)
    while block and len(block) < size:
        more = file.read(size - len(block))
        if not more:
            break
        block += more
    return block


def boundary(block: bytes) -> int:
    """Offset of the incomplete token at the end of a block; 0 if the block has no white space."""
    if not block or block[-1] in _WHITE:
        return len(block)
    return len(block) - len(block.rsplit(None, 1)[-1])


@dataclass(frozen=True)
class Cut:
    """
    How to split a file.

    Args:
        spaces: Whether sequences of white space are pieces too.
        fold: Whether to convert ASCII letters to lower case.
        block_bytes: Size of a read, bytes.
    """

    spaces: bool
    fold: bool
    block_bytes: int


class Pieces:
    """
    A file as a sequence of pieces.

    A piece longer than a block is replaced by its digest, so that memory stays bounded.

    Args:
        file: The file, after `begun`.
        begun: The part that was read already.
        offset: Offset of `begun` in the file.
        cut: How to split the file.
    """

    def __init__(self, file: BinaryIO, begun: bytes, offset: int, cut: Cut) -> None:
        self.ready: list[bytes] = []
        self._file = file
        self._begun = begun
        self._how = cut
        self._pattern = _PIECE if cut.spaces else _TOKEN
        self._next_offset = offset
        self._rest = b""  # start of a piece that may continue in the next block
        self._long: _LongPiece | None = None  # the same for a piece longer than a block
        self._data = b""  # source of `ready`
        self._data_offset = offset
        self._taken = 0
        self._at_end = False

    def fill(self) -> bool:
        """Read until a piece is ready or the file ends; returns whether a piece is ready."""
        while not self.ready and not self._at_end:
            chunk = self._begun or read_block(self._file, self._how.block_bytes)
            self._begun = b""
            self._at_end = not chunk
            self._next_offset += len(chunk)
            self._taken = 0
            folded = chunk.lower() if self._how.fold else chunk
            if self._long is None:
                self._cut(folded)
            else:
                self._go_on(self._long, folded)
        return bool(self.ready)

    def take(self, count: int) -> list[bytes]:
        """Take the next `count` pieces; they must be ready."""
        self._taken += count
        taken, self.ready = self.ready[:count], self.ready[count:]
        return taken

    def offset_of_next(self, back: int = 0) -> int:
        """Offset of the next piece, or of the piece `back` before it."""
        matches = self._pattern.finditer(self._data)
        found = next(itertools.islice(matches, self._taken - back, None), None)
        return self._data_offset + (found.start() if found else 0)

    def _cut(self, chunk: bytes) -> None:
        """Split a chunk into complete pieces."""
        data = self._rest + chunk
        self._data, self._data_offset = data, self._next_offset - len(data)
        pieces = _PIECE.findall(data) if self._how.spaces else data.split()
        self._rest = b""
        if chunk and pieces and (self._how.spaces or data[-1] not in _WHITE):
            self._rest = pieces.pop()
        if len(self._rest) > self._how.block_bytes:
            self._long = _LongPiece(self._rest, self._next_offset - len(self._rest))
            self._rest = b""
        if pieces and len(pieces[0]) > self._how.block_bytes:  # others are within one chunk
            pieces[0] = _LongPiece(pieces[0], 0).digest()
        self.ready = pieces

    def _go_on(self, long: _LongPiece, chunk: bytes) -> None:
        """Continue a long piece; the rest of the chunk is split later."""
        end = long.add(chunk)
        if chunk and end == len(chunk):
            return
        self.ready, self._long = [long.digest()], None
        self._data, self._data_offset = b"", long.offset
        self._begun = chunk[end:]
        self._next_offset -= len(self._begun)


class _LongPiece:
    """Digest of a piece that is longer than a block."""

    def __init__(self, begin: bytes, offset: int) -> None:
        self.offset = offset
        self._end = _WORD_START if begin[0] in _WHITE else _SPACE_START
        self._hash = hashlib.blake2b(begin)

    def add(self, chunk: bytes) -> int:
        """Add the part of `chunk` that belongs to the piece; returns its length."""
        found = self._end.search(chunk)
        end = found.start() if found else len(chunk)
        self._hash.update(chunk[:end])
        return end

    def digest(self) -> bytes:
        """A value that no short piece equals, because it mixes white space and other bytes."""
        return b"long piece " + self._hash.digest()
