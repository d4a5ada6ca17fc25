"""
Finds the output validator of a problem, its language and its commands; pure.

A validator is one file or one directory in ``output_validators/``, or all files in
``output_validator/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.problems.findings import PackageReport
from grader.problems.model import StoredFile, ValidatorFiles

_MODERN_DIRECTORY = "output_validator/"
VALIDATOR_DIRECTORIES = ("output_validators/", _MODERN_DIRECTORY)
#: Maximum size of all sources of a validator; real packages are far smaller.
MAX_SOURCES_BYTES = 4 << 20
#: Maximum number of sources on a command line of the sandbox.
_MAX_SOURCES = 24
#: File name of a compiled validator in the sandbox.
PROGRAM = "validator"
_IGNORED = ("README", ".md", ".txt")
_SCRIPTS = ("build", "run")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")
_FLAGS = ("-O2", "-pipe", "-fmax-errors=20", "-fdiagnostics-color=never", "-o", PROGRAM)


@dataclass(frozen=True)
class ValidatorLanguage:
    """
    How to compile and run validators of one language.

    Args:
        name: Name in results and messages.
        extensions: Extensions of sources.
        headers: Extensions of files that are only included.
        compiler: Command of the compiler before the sources; empty: not compiled.
        libraries: Arguments after the sources.
        interpreter: Command that runs the entry; empty: the entry is a program.
        policy: System call policy of the validator.
    """

    name: str
    extensions: tuple[str, ...]
    headers: tuple[str, ...] = ()
    compiler: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    interpreter: tuple[str, ...] = ()
    policy: str = "native"


VALIDATOR_LANGUAGES = (
    ValidatorLanguage(
        name="cpp",
        extensions=(".cpp", ".cc", ".cxx", ".c++", ".C"),
        headers=(".h", ".hpp", ".hh", ".hxx"),
        compiler=("g++", "-x", "c++", "-std=gnu++20", *_FLAGS),
    ),
    ValidatorLanguage(
        name="c",
        extensions=(".c",),
        headers=(".h",),
        compiler=("gcc", "-x", "c", "-std=gnu17", *_FLAGS),
        libraries=("-lm",),
    ),
    ValidatorLanguage(
        name="python",
        extensions=(".py", ".py3"),
        # Not isolated (-I), because modules in its directory are part of the validator.
        interpreter=("python3", "-E", "-s", "-B"),
        policy="interpreted",
    ),
)


def language_of(validator: ValidatorFiles) -> ValidatorLanguage:
    """Return the language of a validator."""
    return next(one for one in VALIDATOR_LANGUAGES if one.name == validator.language)


def find_validator(
    root: str, files: Iterable[StoredFile], findings: PackageReport
) -> ValidatorFiles | None:
    """
    Find the validator of a problem.

    Args:
        root: Prefix of the problem.
        files: Objects of the problem, possibly with others.
        findings: Receives errors: several validators, unknown language, sources too large.

    Returns:
        The validator; None if there is none that can be used.
    """
    programs = _programs(root, files)
    if len(programs) > 1:
        names = ", ".join(sorted(programs))
        findings.error(f"output_validators: only one validator is supported, found {names}")
    for name, sources in programs.items():
        return _validator(name, sources, findings)
    return None


def _programs(root: str, files: Iterable[StoredFile]) -> dict[str, dict[str, StoredFile]]:
    """Files of each validator by validator and file name."""
    programs: dict[str, dict[str, StoredFile]] = {}
    for file in files:
        for directory in VALIDATOR_DIRECTORIES:
            path = file.key.removeprefix(root + directory)
            if path == file.key:
                continue
            name, _, rest = path.partition("/")
            if rest or not name.endswith(_IGNORED):
                alone = not rest and directory == _MODERN_DIRECTORY
                program = _MODERN_DIRECTORY.rstrip("/") if alone else name
                programs.setdefault(program, {})[rest or name] = file
    return programs


def _validator(
    name: str, sources: dict[str, StoredFile], findings: PackageReport
) -> ValidatorFiles | None:
    where = f"output_validators/{name}"
    if problem := _invalid(sources):
        findings.error(f"{where}{problem}")
        return None
    language = _language(sources)
    if language is None:
        known = ", ".join(end for one in VALIDATOR_LANGUAGES for end in one.extensions)
        findings.error(f"{where}: no source in a supported language; extensions: {known}")
        return None
    entry = _entry(language, sources)
    if not entry:
        findings.error(f"{where}: several files, but none is main.py or validator.py")
    files = tuple(sources[path] for path in sorted(sources))
    return ValidatorFiles(PurePosixPath(name).stem, language.name, entry, files)


def _invalid(sources: dict[str, StoredFile]) -> str:
    """Return why files cannot be a validator, to be appended to its name; empty if they can."""
    if any(script in sources for script in _SCRIPTS):
        return ": build and run scripts are not supported; keep only the sources"
    if nested := [path for path in sources if "/" in path]:
        return f"/{nested[0]}: the files of a validator must be in one directory"
    if strange := [path for path in sources if not _PLAIN.fullmatch(path)]:
        return f": {strange[0]!r}: invalid file name; use up to 64 letters, digits and _.+-"
    if len(sources) > _MAX_SOURCES:
        return f": more than {_MAX_SOURCES} files"
    if sum(file.size_bytes for file in sources.values()) > MAX_SOURCES_BYTES:
        return f": larger than {MAX_SOURCES_BYTES >> 20} MiB"
    return ""


def _language(sources: Iterable[str]) -> ValidatorLanguage | None:
    """Find the first language with a source among the files; C++ programs may contain C."""
    names = list(sources)
    for language in VALIDATOR_LANGUAGES:
        if any(name.endswith(language.extensions) for name in names):
            return language
    return None


def _entry(language: ValidatorLanguage, sources: Iterable[str]) -> str:
    """Name of the file to run; empty if it cannot be determined."""
    if language.compiler:
        return PROGRAM
    candidates = sorted(name for name in sources if name.endswith(language.extensions))
    if len(candidates) == 1:
        return candidates[0]
    stems = {PurePosixPath(name).stem: name for name in candidates}
    usual = ("main", "__main__", "validator", "validate")
    return next((stems[stem] for stem in usual if stem in stems), "")


def compile_command(validator: ValidatorFiles, directory: str) -> tuple[str, ...]:
    """
    Return the command that compiles a validator; empty if its language is not compiled.

    Args:
        validator: The validator.
        directory: Directory of its sources for the compiler, with a final slash.
    """
    language = language_of(validator)
    if not language.compiler:
        return ()
    sources = [
        directory + name for name in file_names(validator) if name.endswith(language.extensions)
    ]
    return (*language.compiler, *sources, *language.libraries)


def run_command(
    validator: ValidatorFiles, directory: str, arguments: Sequence[str]
) -> tuple[str, ...]:
    """Return the command that runs a validator stored in `directory`."""
    return (*language_of(validator).interpreter, directory + validator.entry, *arguments)


def file_names(validator: ValidatorFiles) -> tuple[str, ...]:
    """File names of a validator, without directories."""
    return tuple(file.key.rpartition("/")[2] for file in validator.files)
