"""Replaces files as a whole: a reader sees the old content or the new one, nothing in between."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """
    Give a new file, which takes the place of another when the block ends without an error.

    Only its owner can read it, whatever the mode of the old one, unless the block changes that.

    Args:
        path: The file to replace, which need not exist, in a folder that does. A symbolic link
            is replaced itself; `path.resolve()` keeps it.

    Raises:
        OSError: It cannot be written, or is not a file, such as /dev/null; it is unchanged.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a file", str(path))
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
