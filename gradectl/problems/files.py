"""The files of a problem on disk: found, and held against links that lead elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Of all folders, only these are looked into.
_FOLDERS = (
    *("testcases", "data", "output_validators", "output_validator"),
    *("statement", "problem_statement", "submissions"),
)


@dataclass(frozen=True)
class FoundFiles:
    """
    What there is of a problem on disk.

    Args:
        sizes: Path below the folder, with slashes, to size in bytes.
        refused: What is no file that can be used; a line each.
    """

    sizes: dict[str, int]
    refused: tuple[str, ...]


def find_files(directory: Path) -> FoundFiles:
    """List the files of a problem; hidden ones do not count, and links must stay within it."""
    sizes: dict[str, int] = {}
    refused = []
    root = directory.resolve()
    for path in _walk(directory):
        name = path.relative_to(directory).as_posix()
        complaint = _complaint(path, root)
        if complaint:
            shown = name if name.isprintable() else repr(name)
            refused.append(f"{shown}: {complaint}")
        else:
            sizes[name] = path.stat().st_size
    return FoundFiles(sizes, tuple(refused))


def _walk(directory: Path) -> Iterator[Path]:
    """Give all that is not a directory, and links to directories."""
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


def _complaint(path: Path, root: Path) -> str:
    """Say why something is no file that can be used; nothing when it is one."""
    if path.is_symlink():
        if not path.exists():
            return "a link to nothing"
        if not path.resolve().is_relative_to(root):
            return "a link that leads out of the problem's folder"
    if path.is_dir():
        return "a link to a folder, which is not followed"
    return "" if path.is_file() else "not a file"
