"""Writes the files of a work tree, each as a whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gradectl.errors import GradectlError
from gradectl.files import replacing

_NEW_FILE_MODE = 0o644


def replace_file(path: Path, content: bytes) -> None:
    """
    Write a file through a temporary one in its folder, which may be new, and keep its mode.

    Args:
        path: The file; a symbolic link keeps pointing to its target, which is replaced.
        content: The new content.

    Raises:
        GradectlError: It cannot be written; the old content is still there.
    """
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else _NEW_FILE_MODE
        with replacing(target) as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
    except OSError as error:
        text = f"cannot be written: {error.strerror or error}; it is unchanged"
        hint = "check the rights on its folder, and the free space"
        raise GradectlError(text, where=str(path), next_step=hint) from error
