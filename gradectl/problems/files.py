"""Lists the files of a problem on disk, and rejects links to files outside of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: The folders that belong to a problem; others are ignored.
_FOLDERS = (
    *("testcases", "data", "output_validators", "output_validator"),
    *("statement", "problem_statement", "submissions"),
)


@dataclass(frozen=True)
class FoundFiles:
    """
    The files of a problem on disk.

    Args:
        sizes: Path relative to the folder, with slashes, to size in bytes.
        rejected: One line for each file that cannot be used.
    """

    sizes: dict[str, int]
    rejected: tuple[str, ...]


def find_files(directory: Path) -> FoundFiles:
    """List the files of a problem; hidden files are ignored, links must stay within the folder."""
    sizes: dict[str, int] = {}
    rejected = []
    root = directory.resolve()
    for path in _walk(directory):
        name = path.relative_to(directory).as_posix()
        reason = _reject_reason(path, root)
        if reason:
            shown = name if name.isprintable() else repr(name)
            rejected.append(f"{shown}: {reason}")
        else:
            sizes[name] = path.stat().st_size
    return FoundFiles(sizes, tuple(rejected))


def _walk(directory: Path) -> Iterator[Path]:
    """Yield everything but directories, and links to directories."""
    for entry in sorted(directory.iterdir()):
        if entry.name in _FOLDERS and entry.is_dir() and not entry.is_symlink():
            for folder, folders, names in os.walk(entry):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                linked = [name for name in folders if Path(folder, name).is_symlink()]
                yield from (
                    Path(folder, name)
                    for name in sorted([*names, *linked])
                    if not name.startswith(".")
                )
        elif (entry.name in _FOLDERS or entry.is_file()) and not entry.name.startswith("."):
            yield entry


def _reject_reason(path: Path, root: Path) -> str:
    """Return why a path cannot be used; empty if it can."""
    if path.is_symlink():
        if not path.exists():
            return "broken link"
        if not path.resolve().is_relative_to(root):
            return "link to a file outside the problem's folder"
    if path.is_dir():
        return "link to a folder, which is not followed"
    return "" if path.is_file() else "not a regular file"
