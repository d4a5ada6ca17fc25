"""Files of records that must survive a crash; only their owner can read them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradectl.errors import ConfigurationError


def open_private(path: Path, flags: int) -> int:
    """
    Create a file for writing, and its folder if needed.

    Args:
        path: The file; a symbolic link is refused.
        flags: Further flags of `os.open`, such as O_EXCL.

    Returns:
        Its descriptor, which the caller closes.

    Raises:
        OSError: It cannot be created; see `writing`.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | flags, 0o600)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of the data; `os.write` may write a part."""
    while data:
        data = data[os.write(descriptor, data) :]


@contextmanager
def writing(path: Path, failure: str) -> Iterator[None]:
    """
    Turn an error of the file system in the block into one of the configuration.

    Args:
        path: The file that is written.
        failure: What to say when that fails.

    Raises:
        ConfigurationError: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{failure}: {error.strerror}",
            where=str(path),
            next_step="free some space, or make the folder writable",
        ) from error
