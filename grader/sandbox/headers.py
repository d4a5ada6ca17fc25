"""
Precompile ``bits/stdc++.h``: ``python -m grader.sandbox.headers --box-root DIR``.

Run once when the image is built, after the launcher is installed. Languages whose compile command
has ``-I ../../include/<name>`` use the precompiled header from there. The directory belongs to
root, so no submission can change it. GCC checks that the header matches and falls back to the
ordinary one otherwise: other flags, another compiler, a macro or pragma before the include.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from grader.errors import GraderError, SettingsError
from grader.languages import LANGUAGES, Language
from grader.sandbox.build import run_as_root
from grader.sandbox.toolchain import locate

#: From the directory of a compile, ``<box root>/slot-N/build``, to the box root.
_TO_BOX_ROOT = "../../"
_HEADER = "bits/stdc++.h"
_INCLUDE = "-I"
#: Options with a path as argument, which do not affect the generated code.
_PATH_OPTIONS = (_INCLUDE, "-o")
_TIMEOUT_SECONDS = 300


def install_headers(box_root: Path, languages: Iterable[Language] = LANGUAGES) -> list[Path]:
    """
    Precompile the header for every language that uses it and whose compiler is installed.

    Args:
        box_root: Directory of the boxes of an installed launcher.
        languages: The languages to consider.

    Returns:
        Paths of the installed headers.

    Raises:
        SettingsError: A compiler failed, or root rights are not available.
    """
    made = []
    for language in languages:
        include = include_directory(language)
        if include and locate(language.compile_argv[0]):
            target = box_root / include / f"{_HEADER}.gch"
            _install(header_command(language), target)
            made.append(target)
    return made


def include_directory(language: Language) -> str:
    """Return where below the box root a language looks for headers; empty if it does not."""
    words = language.compile_argv
    given = words[words.index(_INCLUDE) + 1] if _INCLUDE in words else ""
    return given.removeprefix(_TO_BOX_ROOT) if given.startswith(_TO_BOX_ROOT) else ""


def header_command(language: Language) -> list[str]:
    """Derive the command that precompiles a header from the compile command, without files."""
    words = iter(language.compile_argv)
    kept = []
    for word in words:
        if word in _PATH_OPTIONS:
            next(words)
        elif not word.endswith(language.source_name):
            kept.append("c++-header" if word == "c++" else word)
    return kept


def _install(command: Sequence[str], target: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        header, made = Path(name, "header.h"), Path(name, "header.gch")
        header.write_text(f"#include <{_HEADER}>\n", encoding="ascii")
        try:
            subprocess.run(
                [*command, "-o", made, header],
                check=True,
                capture_output=True,
                timeout=_TIMEOUT_SECONDS,
            )
        except subprocess.CalledProcessError as error:
            raise SettingsError(
                f"precompiling failed: {error.stderr.decode(errors='replace').strip()}",
                where=_HEADER,
                next_step="optional: without it C++ compiles more slowly",
            ) from None
        run_as_root(["install", "-D", "-o0", "-g0", "-m0644", str(made), str(target)])


def main(arguments: Sequence[str] | None = None, languages: Iterable[Language] = LANGUAGES) -> int:
    """Run from the command line, for these languages; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m grader.sandbox.headers", description=__doc__)
    parser.add_argument("--box-root", type=Path, required=True, help="directory of the boxes")
    try:
        for path in install_headers(parser.parse_args(arguments).box_root, languages):
            sys.stdout.write(f"{path}\n")
    except GraderError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
