"""Reads a folder of programs to submit: `PROBLEM/FILE`, or the files of one problem."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gradectl.errors import UsageError
from gradectl.submissions.submit import read_source_file
from grader.client.submission import Limits, Source


@dataclass(frozen=True)
class Program:
    """
    A program of a folder.

    Args:
        name: Its path below the folder.
        problem_id: The problem that it solves.
        language: Its language.
        source: Its file.
    """

    name: str
    problem_id: str
    language: str
    source: Source

    def request_id(self, user_id: str, limits: Limits, salt: str = "") -> str:
        """Return the same id for the same submission, so that a repeated one is not graded anew."""
        parts = [self.name, self.problem_id, self.language, user_id, limits.time_ms]
        content = hashlib.sha256(self.source.content).hexdigest()
        text = json.dumps([*parts, limits.memory_mb, content, salt])
        return f"req_{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def read_folder(
    folder: Path, languages: Mapping[str, str], problem_id: str | None, language: str | None
) -> list[Program]:
    """
    Read all programs of a folder, in the order of their names; hidden files are ignored.

    Args:
        folder: The folder.
        languages: Languages by extension.
        problem_id: The problem of all files, which then lie in the folder itself; without it, each
            sub-folder has the name of its problem.
        language: The language of all files; by default that of their extension.

    Raises:
        UsageError: A file is misplaced, unreadable or of unknown language, or there is none; the
            error names all such files.
    """
    programs: list[Program] = []
    wrong: list[str] = []
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        parent = name.rpartition("/")[0]
        chosen = language or languages.get(path.suffix.lstrip("."))
        if "/" in parent or bool(parent) is bool(problem_id):
            wanted = "the folder itself" if problem_id else "a sub-folder named after its problem"
            wrong.append(f"{name}: must be in {wanted}")
        elif chosen is None:
            wrong.append(f"{name}: no language has the extension {path.suffix or '(none)'}")
        else:
            try:
                source = read_source_file(path)
            except UsageError as error:
                wrong.append(f"{name}: {error.what}")
            else:
                programs.append(Program(name, problem_id or parent, chosen, source))
    if wrong or not programs:
        raise UsageError(
            "\n".join(wrong) or "no source file found",
            where=str(folder),
            next_step="move these files away; nothing was sent" if wrong else "DIR/PROBLEM/FILE",
        )
    return programs


def _files(folder: Path) -> list[Path]:
    """List the files below a folder; raises `UsageError` when a folder cannot be read."""
    try:
        return list(_visible(folder))
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
        hint = "make the folder readable; nothing was sent"
        raise UsageError(text, where=str(error.filename), next_step=hint) from error


def _visible(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, without hidden ones; links to folders are not followed."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _visible(path)
        else:
            yield path
