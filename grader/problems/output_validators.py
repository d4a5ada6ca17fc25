"""
Output validators: which files of a problem are one, in which language, and how it is run; pure.

A validator is one file in ``output_validators/``, or one directory there whose files belong
together; the files in ``output_validator/`` always do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.problems.findings import Findings
from grader.problems.model import StoredFile, ValidatorFiles

_MODERN_DIRECTORY = "output_validator/"
VALIDATOR_DIRECTORIES = ("output_validators/", _MODERN_DIRECTORY)
#: A validator's sources together; no package comes near it.
MAX_SOURCES_BYTES = 4 << 20
#: Its command line has room for so many.
_MAX_SOURCES = 24
#: What a validator may be called where it lies in the sandbox.
PROGRAM = "validator"
_IGNORED = ("README", ".md", ".txt")
_SCRIPTS = ("build", "run")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")
_FLAGS = ("-O2", "-pipe", "-fmax-errors=20", "-fdiagnostics-color=never", "-o", PROGRAM)


@dataclass(frozen=True)
class ValidatorLanguage:
    """
    How validators of one language are made and run.

    Args:
        name: What results and messages call it.
        extensions: Of its sources.
        headers: Of files that are only included.
        compiler: The compiler's command before the sources; empty: it is not compiled.
        libraries: The command after the sources.
        interpreter: What runs the entry; empty: it runs by itself.
        policy: System call policy of the running validator.
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
        # Not isolated: a module beside the validator is part of it.
        interpreter=("python3", "-E", "-s", "-B"),
        policy="interpreted",
    ),
)


def language_of(validator: ValidatorFiles) -> ValidatorLanguage:
    """Look up the language of a validator that was found."""
    return next(one for one in VALIDATOR_LANGUAGES if one.name == validator.language)


def find_validator(
    root: str, files: Iterable[StoredFile], findings: Findings
) -> ValidatorFiles | None:
    """
    Find the validator of a problem.

    Args:
        root: Prefix of the problem.
        files: Its objects, among others.
        findings: Told of two, of a language nobody knows, and of sources that are too large.

    Returns:
        The validator; None when there is none, or none that can be used.
    """
    programs = _programs(root, files)
    if len(programs) > 1:
        names = ", ".join(sorted(programs))
        findings.error(f"output_validators: one can be used here, but there are {names}")
    for name, sources in programs.items():
        return _validator(name, sources, findings)
    return None


def _programs(root: str, files: Iterable[StoredFile]) -> dict[str, dict[str, StoredFile]]:
    """Files of each program below the directories of validators, by their names in it."""
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
    name: str, sources: dict[str, StoredFile], findings: Findings
) -> ValidatorFiles | None:
    where = f"output_validators/{name}"
    if complaint := _complaint(sources):
        findings.error(f"{where}{complaint}")
        return None
    language = _language(sources)
    if language is None:
        known = ", ".join(end for one in VALIDATOR_LANGUAGES for end in one.extensions)
        findings.error(f"{where}: no language of validators; a source ends in one of {known}")
        return None
    entry = _entry(language, sources)
    if not entry:
        findings.error(f"{where}: several files, and none is called main.py or validator.py")
    files = tuple(sources[path] for path in sorted(sources))
    return ValidatorFiles(PurePosixPath(name).stem, language.name, entry, files)


def _complaint(sources: dict[str, StoredFile]) -> str:
    """Say why files cannot be a validator, after its name; nothing when they can."""
    if any(script in sources for script in _SCRIPTS):
        return ": build and run scripts cannot be used here; leave the sources"
    if nested := [path for path in sources if "/" in path]:
        return f"/{nested[0]}: the files of a validator lie beside each other"
    if strange := [path for path in sources if not _PLAIN.fullmatch(path)]:
        return f": {strange[0]!r}: not a plain name"
    if len(sources) > _MAX_SOURCES:
        return f": more than {_MAX_SOURCES} files"
    if sum(file.size_bytes for file in sources.values()) > MAX_SOURCES_BYTES:
        return f": larger than {MAX_SOURCES_BYTES >> 20} MiB"
    return ""


def _language(sources: Iterable[str]) -> ValidatorLanguage | None:
    """Find the first language that has a source among the files; C++ programs may hold C."""
    names = list(sources)
    for language in VALIDATOR_LANGUAGES:
        if any(name.endswith(language.extensions) for name in names):
            return language
    return None


def _entry(language: ValidatorLanguage, sources: Iterable[str]) -> str:
    """Name the file that is run; of compiled ones it is the program."""
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
    Give the command that compiles a validator; empty where there is nothing to compile.

    Args:
        validator: What is compiled.
        directory: Where its sources are, as the compiler sees it, with its slash.
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
    """Give the command that runs a validator which lies in `directory`."""
    return (*language_of(validator).interpreter, directory + validator.entry, *arguments)


def file_names(validator: ValidatorFiles) -> tuple[str, ...]:
    """Names of its files, as they lie beside each other."""
    return tuple(file.key.rpartition("/")[2] for file in validator.files)
