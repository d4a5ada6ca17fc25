"""
Precompile what takes C++ longest: ``python -m grader.sandbox.headers --box-root DIR``.

Done once, when the image is made, after the launcher is installed.  A language whose compiler looks
for headers in ``-I ../../include/<name>`` finds ``bits/stdc++.h`` ready there; its directory
belongs to root, and no source can change it.  GCC itself checks that it fits, and reads the header
as usual where it does not: other flags, another compiler, a macro or pragma before the include.
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

#: Where languages look for it, seen from where they compile: ``<box root>/slot-N/build``.
_SEEN_FROM_A_BUILD = "../../"
_HEADER = "bits/stdc++.h"
_INCLUDE = "-I"
#: Options of a compile command that come with a word of their own and say nothing about code.
_PLACES = (_INCLUDE, "-o")
_TIMEOUT_SECONDS = 300


def install_headers(box_root: Path, languages: Iterable[Language] = LANGUAGES) -> list[Path]:
    """
    Precompile for every language that looks for it and whose compiler is installed.

    Args:
        box_root: Directory of the slots; the launcher is installed.
        languages: Those to look at.

    Returns:
        What was made.

    Raises:
        SettingsError: A compiler failed, or nobody can be root.
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
    """Where below the box root a language looks for headers of ours; empty: nowhere."""
    words = language.compile_argv
    given = words[words.index(_INCLUDE) + 1] if _INCLUDE in words else ""
    return given.removeprefix(_SEEN_FROM_A_BUILD) if given.startswith(_SEEN_FROM_A_BUILD) else ""


def header_command(language: Language) -> list[str]:
    """Give the compile command as it is for a header, without the files."""
    words = iter(language.compile_argv)
    kept = []
    for word in words:
        if word in _PLACES:
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
                f"cannot be precompiled: {error.stderr.decode(errors='replace').strip()}",
                where=_HEADER,
                next_step="C++ works without, and takes longer to compile",
            ) from None
        run_as_root(["install", "-D", "-o0", "-g0", "-m0644", str(made), str(target)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m grader.sandbox.headers", description=__doc__)
    parser.add_argument("--box-root", type=Path, required=True, help="directory of the slots")
    try:
        for path in install_headers(parser.parse_args(arguments).box_root):
            sys.stdout.write(f"{path}\n")
    except GraderError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
