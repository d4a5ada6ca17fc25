"""Finds the example submissions of a problem, each with its folder of expected verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gradectl.problems.expectations import ACCEPTED, EXPECTATIONS
from gradectl.problems.layout import SUBMISSIONS
from grader.languages import LANGUAGES, Language
from grader.sandbox.toolchain import missing_programs

#: Extensions in Kattis packages, to the extension of the language here.
_OTHER_EXTENSIONS = {"cc": "cpp", "cxx": "cpp", "c++": "cpp", "py3": "py", "mjs": "js"}


@dataclass(frozen=True)
class Submission:
    """An example submission of a problem; `folder` is a key of `EXPECTATIONS`."""

    folder: str
    path: Path
    language: Language

    @property
    def name(self) -> str:
        """Folder and file name."""
        return f"{self.folder}/{self.path.name}"


def find_submissions(directory: Path) -> tuple[list[Submission], list[str]]:
    """
    Find the submissions of a problem, the accepted ones first.

    Returns:
        The submissions, and one line for each that cannot be judged here.
    """
    found, skipped = [], []
    folders = directory / SUBMISSIONS
    paths = [path for path in sorted(folders.glob("*/*")) if not path.name.startswith(".")]
    for path in paths:
        folder, extension = path.parent.name, path.suffix.removeprefix(".")
        language = _language_of(extension)
        if folder not in EXPECTATIONS:
            skipped.append(f"{folder}/{path.name}: unknown folder {folder}/")
        elif not path.is_file():
            skipped.append(f"{folder}/{path.name}: submissions of several files are not supported")
        elif language is None:
            skipped.append(f"{folder}/{path.name}: no language has the extension .{extension}")
        elif missing := missing_programs(language):
            skipped.append(f"{folder}/{path.name}: not installed: {', '.join(missing)}")
        else:
            found.append(Submission(folder, path, language))
    return sorted(found, key=lambda one: one.folder != ACCEPTED), skipped


def _language_of(extension: str) -> Language | None:
    """Find the language of an extension; of several versions, the one with the same name."""
    extension = _OTHER_EXTENSIONS.get(extension, extension)
    candidates = [one for one in LANGUAGES if one.extension == extension]
    candidates.sort(key=lambda one: extension not in (one.name, *one.aliases))
    return candidates[0] if candidates else None
