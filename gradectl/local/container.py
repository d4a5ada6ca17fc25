"""The command that starts a task in the file system of its image."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from gradectl.errors import GradectlError
from gradectl.local.desired import Container
from gradectl.local.image_store import CA_FILE, ENTER, FILES, UnpackedImage, add_mount_points
from gradectl.processes.output import tail
from gradectl.processes.tools import Tools

#: What a container of Docker or ECS has, with the numbers of <linux/capability.h>.
DEFAULT_CAPABILITIES = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "FOWNER": 3,
    "FSETID": 4,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "SETPCAP": 8,
    "NET_BIND_SERVICE": 10,
    "NET_RAW": 13,
    "SYS_CHROOT": 18,
    "MKNOD": 27,
    "AUDIT_WRITE": 29,
    "SETFCAP": 31,
}


def contained(
    command: Sequence[str],
    container: Container,
    image: UnpackedImage,
    *,
    directory: Path,
    ca_file: Path,
) -> list[str]:
    """
    Prepare the volumes of a task, and return the command that starts it in its image.

    Args:
        command: The command to execute in the image.
        container: Its container.
        image: The unpacked image.
        directory: The directory of the task, for its volumes.
        ca_file: The CA certificate of the stack.

    Raises:
        GradectlError: A volume cannot be prepared.
    """
    paths = sorted({*container.writable_paths, *image.volumes})
    add_mount_points(image.root, paths)
    files = {name: name for name in FILES if name != CA_FILE and Path(name).exists()}
    specification = {
        "root": str(image.root.resolve()),
        "files": {**files, CA_FILE: str(ca_file)},
        "volumes": {path: str(_volume(image.root, path, directory)) for path in paths},
        "capabilities": sorted(capabilities(container.dropped_capabilities)),
        "user": container.user or image.user,
        "directory": image.directory,
        "command": list(command),
    }
    return [sys.executable, "-I", "-S", str(ENTER), json.dumps(specification)]


def full_command(container: Container, image: UnpackedImage) -> tuple[str, ...]:
    """The entry point and the command of a task: its own, or those of its image."""
    if container.has_entry_point:
        return container.command
    return (*image.entry_point, *(container.command or image.command))


def capabilities(dropped: tuple[str, ...]) -> set[int]:
    """The numbers of the capabilities that remain when some of the default are dropped."""
    if "ALL" in dropped:
        return set()
    return {number for name, number in DEFAULT_CAPABILITIES.items() if name not in dropped}


def _volume(root: Path, path: str, directory: Path) -> Path:
    """Make a new volume with the content, owner and mode that the image has at its path."""
    volume = directory / "volumes" / path.strip("/").replace("/", "-")
    shutil.rmtree(volume, ignore_errors=True)
    volume.parent.mkdir(mode=0o700, exist_ok=True)
    source = root / path.lstrip("/")
    if not source.is_dir():  # a volume of the task definition that the image does not have
        volume.mkdir()
        return volume
    tools = Tools({"PATH": os.defpath})
    done = tools.run(["cp", "-a", "--", str(source), str(volume)], directory)
    if done.code:
        raise GradectlError(f"cannot prepare a volume: {tail(done.errors)}", where=str(volume))
    return volume
