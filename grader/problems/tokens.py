"""Outputs cut into pieces, a block at a time: tokens, and white space where that counts."""

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
    """Read `size` bytes, less only at the end, also from a file that gives less at a time."""
    block = file.read(size)
    while block and len(block) < size:
        more = file.read(size - len(block))
        if not more:
            break
        block += more
    return block


def boundary(block: bytes) -> int:
    """Where the last token of a block begins if it is not complete; 0: there is no white space."""
    if not block or block[-1] in _WHITE:
        return len(block)
    return len(block) - len(block.rsplit(None, 1)[-1])


@dataclass(frozen=True)
class Cut:
    """
    How to cut.

    Args:
        spaces: Runs of white space are pieces too.
        fold: Make ASCII letters small.
        block_bytes: How much to read at a time.
    """

    spaces: bool
    fold: bool
    block_bytes: int


class Pieces:
    """
    A file as a sequence of tokens.

    A token longer than a block is held as its digest, so that memory stays bounded.

    Args:
        file: Where to read on.
        begun: What was read of it already.
        offset: Where in the file `begun` begins.
        cut: How to cut.
    """

    def __init__(self, file: BinaryIO, begun: bytes, offset: int, cut: Cut) -> None:
        """Nothing is read yet."""
        self.ready: list[bytes] = []
        self._file = file
        self._begun = begun
        self._how = cut
        self._pattern = _PIECE if cut.spaces else _TOKEN
        self._next_offset = offset
        self._rest = b""  # the beginning of a piece that may go on in the next block
        self._long: _LongPiece | None = None  # the same, of one that is held as its digest
        self._data = b""  # what `ready` was cut from
        self._data_offset = offset
        self._taken = 0
        self._at_end = False

    def fill(self) -> bool:
        """Have at least one piece ready unless the file is at its end; say whether there is."""
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
        """Take the next pieces of those that are ready."""
        self._taken += count
        taken, self.ready = self.ready[:count], self.ready[count:]
        return taken

    def offset_of_next(self, back: int = 0) -> int:
        """Where in the file the next piece begins, or the one that was taken `back` before it."""
        matches = self._pattern.finditer(self._data)
        found = next(itertools.islice(matches, self._taken - back, None), None)
        return self._data_offset + (found.start() if found else 0)

    def _cut(self, chunk: bytes) -> None:
        """Have the pieces ready that are complete."""
        data = self._rest + chunk
        self._data, self._data_offset = data, self._next_offset - len(data)
        pieces = _PIECE.findall(data) if self._how.spaces else data.split()
        self._rest = b""
        if chunk and pieces and (self._how.spaces or data[-1] not in _WHITE):
            self._rest = pieces.pop()
        if len(self._rest) > self._how.block_bytes:
            self._long = _LongPiece(self._rest, self._next_offset - len(self._rest))
            self._rest = b""
        if pieces and len(pieces[0]) > self._how.block_bytes:  # others fit in what was read at once
            pieces[0] = _LongPiece(pieces[0], 0).digest()
        self.ready = pieces

    def _go_on(self, long: _LongPiece, chunk: bytes) -> None:
        """Read more of a long piece; what follows it waits until it was taken."""
        end = long.add(chunk)
        if chunk and end == len(chunk):
            return
        self.ready, self._long = [long.digest()], None
        self._data, self._data_offset = b"", long.offset
        self._begun = chunk[end:]
        self._next_offset -= len(self._begun)


class _LongPiece:
    """The digest of a piece that is too long to be held."""

    def __init__(self, begin: bytes, offset: int) -> None:
        """Take its beginning, and where in the file that is."""
        self.offset = offset
        self._end = _WORD_START if begin[0] in _WHITE else _SPACE_START
        self._hash = hashlib.blake2b(begin)

    def add(self, chunk: bytes) -> int:
        """Take as much of `chunk` as still belongs to the piece; say how much that is."""
        found = self._end.search(chunk)
        end = found.start() if found else len(chunk)
        self._hash.update(chunk[:end])
        return end

    def digest(self) -> bytes:
        """Give what no short piece can be equal to: it has white space inside and around words."""
        return b"long piece " + self._hash.digest()
