"""Replaces files as a whole: a reader sees the old content or the new one, nothing in between."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from gradectl.errors import GradectlError

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
    part: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        part = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, part)
        else:
            part.chmod(_NEW_FILE_MODE)
        part.replace(target)
    except OSError as error:
        text = f"cannot be written: {error.strerror or error}; it is unchanged"
        hint = "check the rights on its folder, and the free space"
        raise GradectlError(text, where=str(path), next_step=hint) from error
    finally:
        if part:
            part.unlink(missing_ok=True)
