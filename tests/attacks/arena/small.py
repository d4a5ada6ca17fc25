"""A disk as small as that of a task, for the time of a test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


def why_no_disk() -> str:
    """Say why this process cannot mount a disk; empty if it can."""
    try:
        with small_disk(1 << 20):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        why = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else error
        return f"no disk of ext4 on a loop device: {why}"


@contextmanager
def small_disk(size_bytes: int) -> Iterator[Path]:
    """
    Mount a disk of this size, whose directories every user can pass through.

    It is ext4, since tmpfs applies the limit on a file's size to preallocated blocks too.
    """
    with TemporaryDirectory(prefix="small-disk-") as name:
        image, disk = Path(name, "image"), Path(name, "disk")
        Path(name).chmod(0o711)
        disk.mkdir()
        with image.open("wb") as file:
            file.truncate(size_bytes)
        _run("mkfs.ext4", "-q", "-m0", "-O", "^has_journal", image)
        _run("mount", "-o", "loop", image, disk)
        try:
            disk.chmod(0o711)
            yield disk
        finally:
            _run("umount", "--lazy", disk)


def _run(*command: str | Path) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True)
