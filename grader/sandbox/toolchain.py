"""Programs and versions of a language's toolchain, read outside the sandbox."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from grader.errors import SandboxError
from grader.languages import Language

#: Directories of system programs.
_DIRECTORIES = (Path("/usr/bin"), Path("/usr/local/bin"))
_VERSION_SECONDS = 10.0
#: Size of the cache of versions; a worker needs one entry per language.
_CACHED_VERSIONS = 64

#: A program on disk: resolved path, size in bytes, modification time in nanoseconds.
_Stamp = tuple[str, int, int]


@dataclass(frozen=True)
class Toolchain:
    """
    The programs of one language on this machine.

    Args:
        version: First line of its version output, or why there is none.
        fingerprint: Hexadecimal; changes with anything that may change what it produces.
    """

    version: str
    fingerprint: str


def locate(program: str) -> Path | None:
    """Return the path of a system program; None if it is not installed."""
    candidates = (directory / program for directory in _DIRECTORIES)
    return next((path for path in candidates if path.exists()), None)


def require(program: str) -> Path:
    """Return the path of a system program; raises `SandboxError` if it is not installed."""
    path = locate(program)
    if path is None:
        raise SandboxError(
            "not installed",
            where=program,
            next_step=f"install it in {' or '.join(map(str, _DIRECTORIES))}",
        )
    return path


def missing_programs(language: Language) -> tuple[str, ...]:
    """Return the programs of a language that are not installed."""
    return tuple(name for name in language.programs if locate(name) is None)


def examine(language: Language) -> Toolchain:
    """
    Read version and fingerprint of a language's toolchain.

    The version is cached until one of the programs changes on disk.

    Raises:
        SandboxError: One of the programs is not installed.
    """
    stamps = tuple(_stamp(name) for name in language.programs)
    version = _version(language.version_argv, stamps)
    commands = (language.compile_argv, language.run_argv)
    recipe = repr((stamps, version, commands))
    return Toolchain(version, hashlib.sha256(recipe.encode()).hexdigest())


def fingerprint(language: Language) -> str:
    """Return the fingerprint of a language's toolchain; raises like `examine`."""
    return examine(language).fingerprint


def _stamp(program: str) -> _Stamp:
    path = require(program)
    status = path.stat()
    return (os.path.realpath(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=_CACHED_VERSIONS)
def _version(argv: tuple[str, ...], _stamps: tuple[_Stamp, ...]) -> str:
    """Ask a toolchain for its version: it is trusted but may hang, so its time is limited."""
    program = locate(argv[0])
    try:
        done = subprocess.run(
            [str(program), *argv[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            timeout=_VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no version: {error}"
    said = done.stdout.decode(errors="replace").strip()
    return said.splitlines()[0] if said else f"no version: exit code {done.returncode}"
