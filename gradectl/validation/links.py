"""Copies the place of a folder in its tree with links, so that a file can be added to it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

#: What Terraform writes, and what git does.
_OMITTED = (".terraform", ".git")
#: Tests of the folder itself are not part of a plan.
_TESTS = (".tftest.hcl", ".tftest.json")


def work_tree(paths: Iterable[Path]) -> Path:
    """
    Find the folder that has all files to which relative paths can lead: the work tree.

    Without git it is the parent of the nearest folder above all paths.
    """
    common = Path(os.path.commonpath([str(path) for path in paths]))
    trees = (path for path in (common, *common.parents) if (path / ".git").exists())
    return next(trees, common.parent)


def linked(folder: Path, top: Path, into: Path, without: frozenset[str] = frozenset()) -> Path:
    """
    Make a folder whose files, and all files around it, are links.

    Relative paths lead from it to the same files as from the original.

    Args:
        folder: The folder.
        top: A folder above it: everything in it can be reached from the copy.
        into: Where the copy of `top` is made.
        without: Names in the folder that get no link: files are written there.

    Returns:
        The copy of the folder.
    """
    here, original = into / (top.name or "top"), top
    here.mkdir(parents=True)
    for part in folder.relative_to(top).parts:
        _link(original, here, frozenset({part}))
        here, original = here / part, original / part
        here.mkdir()
    tests = frozenset(path.name for path in folder.iterdir() if path.name.endswith(_TESTS))
    _link(folder, here, tests | without)
    return here


def _link(original: Path, here: Path, without: frozenset[str]) -> None:
    """Link the entries of one folder, if its entries can be listed."""
    with suppress(PermissionError):
        for path in original.iterdir():
            if path.name not in without and path.name not in _OMITTED:
                (here / path.name).symlink_to(path)
