"""Looks programs up; gradectl has no other place that searches PATH."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path


def find_program(name: str, environ: Mapping[str, str], folders: Iterable[Path] = ()) -> str | None:
    """
    Look a program up.

    Args:
        name: File name of the program.
        environ: The process environment, for its PATH.
        folders: Folders to search before PATH.

    Returns:
        Its path; None when no folder has it as an executable file.
    """
    search = [*map(str, folders), environ.get("PATH", "")]
    return shutil.which(name, path=os.pathsep.join(filter(None, search)))
