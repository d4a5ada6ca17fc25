"""
What compilers made of sources, kept by all that it was made from.

Only what the worker itself took from a compile run of its own is kept, under a digest of that run's
source, so a hostile source can spoil nothing but its own entry.  A source that does not compile is
remembered by what the compiler said; whoever was stopped by a limit is not, for that may pass.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from grader.cache.files import FileCache, HeldFile

#: Enough for the first words of any compiler.
_WORDS_MAX_BYTES = 1 << 16


@dataclass(frozen=True)
class CompileRun:
    """
    All that decides what a compiler makes.

    Args:
        source: The source.
        argv: The compiler's command, which also names source and program.
        toolchain: Tells one version of the compiler from another.
        sandbox: Tells one set of rules that it runs under from another.
    """

    source: bytes
    argv: tuple[str, ...]
    toolchain: str
    sandbox: str

    def digest(self, kind: str) -> str:
        """Name of what became of it; `kind` keeps programs and words apart."""
        digest = hashlib.sha256()
        for word in (kind, self.toolchain, self.sandbox, *self.argv):
            # With its length, so that no two lists of words look the same.
            digest.update(len(word).to_bytes(8, "big") + word.encode())
        digest.update(self.source)
        return digest.hexdigest()


class ProgramCache:
    """
    Compiled programs, and what was said of sources that do not compile.

    Args:
        files: Where they are kept.
    """

    def __init__(self, files: FileCache) -> None:
        """Use what is there."""
        self._files = files

    def program(self, run: CompileRun) -> HeldFile | None:
        """Open the program that such a run made."""
        return self._files.get(run.digest("program"))

    def words(self, run: CompileRun) -> str | None:
        """Give what the compiler said when such a run failed."""
        held = self._files.get(run.digest("words"))
        if held is None:
            return None
        with held:
            return os.pread(held.fd, _WORDS_MAX_BYTES, 0).decode(errors="replace")

    def keep_program(self, run: CompileRun, content: bytes) -> HeldFile:
        """Keep what a run made; raises `TemporaryError` when the disk is full."""
        return self._files.add(run.digest("program"), lambda path: _write(path, content))

    def keep_words(self, run: CompileRun, words: str) -> None:
        """Keep why a run failed, which was by no limit; raises as `keep_program` does."""
        content = words.encode(errors="replace")[:_WORDS_MAX_BYTES]
        self._files.add(run.digest("words"), lambda path: _write(path, content)).close()


def _write(path: Path, content: bytes) -> None:
    """Write to the disk itself: nothing else would tell a file that a power cut emptied."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
