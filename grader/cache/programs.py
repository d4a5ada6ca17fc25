"""
Cache of compiled programs, by source, command, toolchain and sandbox policy.

The worker itself collects a program and stores it under a digest of that run's source, so a hostile
source can only damage its own entry.  Messages about sources that do not compile are cached too,
unless a limit stopped the compiler: the next attempt may succeed.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from grader.cache.files import FileCache, HeldFile

#: Maximum part of a compiler's messages that is cached.
_MESSAGE_MAX_BYTES = 1 << 16


@dataclass(frozen=True)
class CompileRun:
    """
    Everything that determines the result of a compilation.

    Args:
        source: Content of the source.
        argv: Command of the compiler, with the names of source and program.
        toolchain: Fingerprint of the toolchain.
        sandbox: Digest of the system call policy.
    """

    source: bytes
    argv: tuple[str, ...]
    toolchain: str
    sandbox: str

    def digest(self, kind: str) -> str:
        """Cache key of a result; `kind` separates programs from messages."""
        digest = hashlib.sha256()
        for word in (kind, self.toolchain, self.sandbox, *self.argv):
            # With its length, so that different lists have different digests.
            digest.update(len(word).to_bytes(8, "big") + word.encode())
        digest.update(self.source)
        return digest.hexdigest()


class ProgramCache:
    """
    Compiled programs, and the compilers' messages about sources that do not compile.

    Args:
        files: Storage of the entries.
    """

    def __init__(self, files: FileCache) -> None:
        self._files = files

    def program(self, run: CompileRun) -> HeldFile | None:
        """Open the cached program of a run; None if there is none."""
        return self._files.get(run.digest("program"))

    def message(self, run: CompileRun) -> str | None:
        """Return the cached message of a failed run; None if there is none."""
        held = self._files.get(run.digest("words"))
        if held is None:
            return None
        with held:
            return os.pread(held.fd, _MESSAGE_MAX_BYTES, 0).decode(errors="replace")

    def keep_program(self, run: CompileRun, content: bytes) -> HeldFile:
        """Store the program of a run; raises `TemporaryError` if the disk is full."""
        return self._files.add(run.digest("program"), lambda path: _write(path, content))

    def keep_message(self, run: CompileRun, message: str) -> None:
        """Store the message of a failed run; raises like `keep_program`."""
        content = message.encode(errors="replace")[:_MESSAGE_MAX_BYTES]
        self._files.add(run.digest("words"), lambda path: _write(path, content)).close()


def _write(path: Path, content: bytes) -> None:
    """Write and sync: a file that a power cut emptied could not be recognized later."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
