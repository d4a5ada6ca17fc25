"""A problem's own submissions: which there are, and what each is expected to come to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gradectl.problems.expectations import ACCEPTED, EXPECTATIONS
from gradectl.problems.layout import SUBMISSIONS
from grader.languages import LANGUAGES, Language
from grader.sandbox.toolchain import missing_programs

#: What packages call their sources, beside the ending that submissions have here.
_OTHER_ENDINGS = {"cc": "cpp", "cxx": "cpp", "c++": "cpp", "py3": "py", "mjs": "js"}


@dataclass(frozen=True)
class Submission:
    """One of a problem's own submissions; `folder` says what is expected of it."""

    folder: str
    path: Path
    language: Language

    @property
    def name(self) -> str:
        """Folder and file, as people call it."""
        return f"{self.folder}/{self.path.name}"


def find_submissions(directory: Path) -> tuple[list[Submission], list[str]]:
    """
    Find a problem's own submissions, the accepted ones first.

    Returns:
        The submissions, and a line for each that cannot be judged here.
    """
    found, skipped = [], []
    folders = directory / SUBMISSIONS
    paths = [path for path in sorted(folders.glob("*/*")) if not path.name.startswith(".")]
    for path in paths:
        folder, ending = path.parent.name, path.suffix.removeprefix(".")
        language = _language_of(ending)
        if folder not in EXPECTATIONS:
            skipped.append(f"{folder}/{path.name}: nothing is known to be expected in {folder}/")
        elif not path.is_file():
            skipped.append(f"{folder}/{path.name}: only submissions of one file can be judged here")
        elif language is None:
            skipped.append(f"{folder}/{path.name}: no language has files that end in .{ending}")
        elif missing := missing_programs(language):
            skipped.append(f"{folder}/{path.name}: not installed here: {', '.join(missing)}")
        else:
            found.append(Submission(folder, path, language))
    return sorted(found, key=lambda one: one.folder != ACCEPTED), skipped


def _language_of(ending: str) -> Language | None:
    """Find the language of a file by its ending; of several versions, the one called like it."""
    extension = _OTHER_ENDINGS.get(ending, ending)
    candidates = [one for one in LANGUAGES if one.extension == extension]
    candidates.sort(key=lambda one: extension not in (one.name, *one.aliases))
    return candidates[0] if candidates else None
