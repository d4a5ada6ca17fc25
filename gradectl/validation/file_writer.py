"""Writes the files of a work tree, each as a whole."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from gradectl.errors import GradectlError
from gradectl.files import replacing

_NEW_FILE_MODE = 0o644


def replace_file(path: Path, content: bytes) -> None:
    """
    Write a file through a temporary one in its folder, which may be new; keep mode and owner.

    Args:
        path: The file; a symbolic link keeps pointing to its target, which is replaced.
        content: The new content.

    Raises:
        GradectlError: It cannot be written; the old content is still there.
    """
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        old = target.stat() if target.exists() else None
        with replacing(target) as file:
            if old is not None:
                with suppress(OSError):  # only root may give files away
                    os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fchmod(file.fileno(), _NEW_FILE_MODE if old is None else stat.S_IMODE(old.st_mode))
            file.write(content)
    except OSError as error:
        text = f"cannot be written: {error.strerror or error}; it is unchanged"
        hint = "check the rights on its folder, and the free space"
        raise GradectlError(text, where=str(path), next_step=hint) from error
