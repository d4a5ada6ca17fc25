"""Deletes the unpacked images that a stack no longer needs: all but the last two."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

#: The current image, and the previous one for a rollback.
_KEPT = 2
MANIFESTS, ROOTS, LAYERS = "manifests", "roots", "layers"


def folder_name(digest: str) -> str:
    """Name of the folder of a digest."""
    return digest.partition(":")[2]


def record_use(directory: Path, digest: str, manifest: str) -> None:
    """
    Make an image the current one.

    Args:
        directory: The images of a stack.
        digest: Digest of the manifest.
        manifest: The manifest, which names the layers.
    """
    path = directory / MANIFESTS / folder_name(digest)
    path.parent.mkdir(exist_ok=True)
    path.write_text(manifest)


def prune(directory: Path) -> None:
    """
    Delete all images but the last two and those of running tasks, with layers of no other image.

    Args:
        directory: The images of a stack; nothing may be unpacked there meanwhile.
    """
    recorded = sorted(_entries(directory / MANIFESTS), key=_last_use, reverse=True)
    kept = {path.name for path in recorded[:_KEPT]}
    unused = {path for path in _entries(directory / ROOTS) if path.name not in kept}
    unused -= set(_used_by_tasks(unused)) if unused else set()
    kept |= {path.name for path in _entries(directory / ROOTS) if path not in unused}
    for path in (*unused, *(each for each in recorded if each.name not in kept)):
        remove(path)
    layers = {layer for path in recorded if path.exists() for layer in _layers(path)}
    for path in _entries(directory / LAYERS):
        if path.name not in layers:
            remove(path)


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _last_use(manifest: Path) -> int:
    return manifest.stat().st_mtime_ns


def _layers(manifest: Path) -> Iterator[str]:
    """Names of the layers of an image; none for a manifest that was not written completely."""
    with suppress(ValueError):
        yield from (
            folder_name(each["digest"]) for each in json.loads(manifest.read_text())["layers"]
        )


def _used_by_tasks(roots: set[Path]) -> Iterator[Path]:
    """The roots in which a process runs, also one of a task that is being replaced."""
    places = {(about.st_dev, about.st_ino): root for root in roots for about in [root.stat()]}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or belongs to another user
            about = os.stat(process / "root")  # noqa: PTH116 - follows the link of the kernel
            if (about.st_dev, about.st_ino) in places:
                yield places[about.st_dev, about.st_ino]


def remove(path: Path) -> None:
    """Delete a file, a link or a whole folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
