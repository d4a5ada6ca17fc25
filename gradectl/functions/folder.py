"""Reads the folder of a function: function.yaml and the files next to it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gradectl.environment import StrictModel, near, read_mapping, validated
from gradectl.errors import ConfigurationError
from grader.client.functions import make_manifest
from grader.client.submission import MAX_SOURCE_BYTES
from grader.contract.functions import FunctionManifest
from grader.errors import RequestError
from grader.languages import LANGUAGES, Language, find

FILE = "function.yaml"


class FunctionFile(StrictModel):
    """The keys of function.yaml."""

    runtime: str
    entry: str
    memory: int = 256
    timeout: int = 5000


@dataclass(frozen=True)
class FunctionFolder:
    """
    A function on disk.

    Args:
        manifest: Its manifest.
        contents: Content by file name.
    """

    manifest: FunctionManifest
    contents: dict[str, bytes]


def read_function(directory: Path, function_id: str | None) -> FunctionFolder:
    """
    Read a function.

    Args:
        directory: Its folder.
        function_id: Its id; None: the name of the folder.

    Raises:
        ConfigurationError: function.yaml or a file is missing, invalid or too large.
    """
    where = str(directory / FILE)
    if not (directory / FILE).is_file():
        text = f"the folder of a function has a file {FILE}"
        hint = "write runtime: python and entry: main.py into it"
        raise ConfigurationError(text, where=where, next_step=hint)
    found = validated(FunctionFile, read_mapping(directory / FILE, where), where)
    language = _runtime(found.runtime, where)
    contents = {path.name: _content(path) for path in _files(directory)}
    _check_names(contents, found.entry, language, where)
    try:
        manifest = make_manifest(
            function_id=function_id or directory.resolve().name,
            runtime=found.runtime,
            entry=found.entry,
            contents=contents,
            memory_mb=found.memory,
            timeout_ms=found.timeout,
        )
    except RequestError as error:
        text = error.what.removeprefix("invalid manifest: ")
        hint = "correct function.yaml or the name of the file; --id NAME sets another id"
        raise ConfigurationError(text, where=where, next_step=hint) from error
    return FunctionFolder(manifest, contents)


def _runtime(name: str, where: str) -> Language:
    try:
        return find(name)
    except RequestError as error:
        names = [one.name for one in LANGUAGES]
        hint = near(name, names) or f"one of: {', '.join(names)}"
        raise ConfigurationError(f"runtime: {error.what}", where=where, next_step=hint) from error


def _check_names(contents: dict[str, bytes], entry: str, language: Language, where: str) -> None:
    """Refuse files that a worker would refuse."""
    for name in (language.program_file, language.source_name):
        if name in contents and name != entry:
            text = f"in {language.title} only the entry may be named {name}"
            raise ConfigurationError(text, where=where, next_step="rename that file")


def _files(directory: Path) -> Iterator[Path]:
    """Yield the files, without hidden ones and what interpreters leave."""
    for path in sorted(directory.iterdir()):
        if path.name == FILE or path.name.startswith((".", "__")):
            continue
        if path.is_dir():
            text = "the folder of a function has no other folders"
            hint = "move its files up, or put it elsewhere"
            raise ConfigurationError(text, where=str(path), next_step=hint)
        yield path


def _content(path: Path) -> bytes:
    hint = "a function has regular files that you may read"
    try:
        # A FIFO would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ConfigurationError("not a regular file", where=str(path), next_step=hint)
            if status.st_size > MAX_SOURCE_BYTES:
                text = f"{status.st_size} bytes; workers accept at most {MAX_SOURCE_BYTES}"
                hint = "pass large data as input, or split the file"
                raise ConfigurationError(text, where=str(path), next_step=hint)
            return file.read()
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
        raise ConfigurationError(text, where=str(path), next_step=hint) from error
