"""What a language needs is installed or not, and which version of it; read outside the sandbox."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from grader.errors import SandboxError
from grader.languages import Language

#: Where the launcher lets system programs be.
_DIRECTORIES = (Path("/usr/bin"), Path("/usr/local/bin"))
_VERSION_SECONDS = 10.0
#: Of versions that were asked for; a worker has one for each language.
_REMEMBERED = 64

#: A program as it stands on disk: resolved path, bytes, nanoseconds of its last change.
_Stamp = tuple[str, int, int]


@dataclass(frozen=True)
class Toolchain:
    """
    The programs of one language on this machine.

    Args:
        version: First line of what it says about itself, or why it says nothing.
        fingerprint: Differs whenever something else might come out of it; hexadecimal.
    """

    version: str
    fingerprint: str


def locate(program: str) -> Path | None:
    """Where a system program is, for an image may have it in either place; None: nowhere."""
    candidates = (directory / program for directory in _DIRECTORIES)
    return next((path for path in candidates if path.exists()), None)


def require(program: str) -> Path:
    """Where a system program is; raises `SandboxError` when it is not installed."""
    path = locate(program)
    if path is None:
        raise SandboxError(
            "not installed",
            where=program,
            next_step=f"install it below {' or '.join(map(str, _DIRECTORIES))}",
        )
    return path


def missing_programs(language: Language) -> tuple[str, ...]:
    """Which programs of a language are not installed; none of them: it can be tried."""
    return tuple(name for name in language.programs if locate(name) is None)


def examine(language: Language) -> Toolchain:
    """
    Look at the programs of a language.

    Its version is asked for once, as long as they stay what they are.

    Raises:
        SandboxError: One of them is not installed.
    """
    stamps = tuple(_stamp(name) for name in language.programs)
    version = _version(language.version_argv, stamps)
    commands = (language.compile_argv, language.run_argv)
    recipe = repr((stamps, version, commands))
    return Toolchain(version, hashlib.sha256(recipe.encode()).hexdigest())


def fingerprint(language: Language) -> str:
    """Tell what compiles a language from what compiled it before; raises as `examine` does."""
    return examine(language).fingerprint


def _stamp(program: str) -> _Stamp:
    path = require(program)
    status = path.stat()
    return (os.path.realpath(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=_REMEMBERED)
def _version(argv: tuple[str, ...], _stamps: tuple[_Stamp, ...]) -> str:
    """Ask a toolchain, which is trusted, but may be broken: it gets no input and little time."""
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
