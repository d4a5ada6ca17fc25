"""Pulls images from the registry of the stack, and unpacks them for its tasks."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from gradectl.errors import GradectlError
from gradectl.local.engines.registry_client import RegistryClient
from gradectl.local.image_pruning import LAYERS, ROOTS, folder_name, prune, record_use, remove
from gradectl.processes.output import tail
from gradectl.processes.tools import Tools

ENTER = Path(__file__).with_name("enter_image.py")
#: Mount points that a container gets, also when its image lacks them.
_FOLDERS = ("dev", "proc", "sys")
#: Where a task finds the files of this machine: names of hosts, and the CA of the stack.
CA_FILE = "/etc/gradectl-ca.pem"
FILES = ("/etc/hosts", "/etc/resolv.conf", CA_FILE)
_BY_DIGEST = re.compile(r"[^/]+/(?P<repository>.+)@(?P<digest>sha256:[0-9a-f]{64})")
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


@dataclass(frozen=True)
class UnpackedImage:
    """
    The file system of an image, and the settings of its configuration.

    Attributes:
        root: Its root; all tasks of the image share it, so it must not be written to.
        digest: Digest of its manifest.
        environment: Its variables.
        entry_point: Its entry point, for a task without one.
        command: Its command, for a task without one.
        user: Its user, as USER or USER:GROUP; root when empty.
        directory: Its working directory.
        volumes: Its volumes.
    """

    root: Path
    digest: str
    environment: dict[str, str]
    entry_point: tuple[str, ...]
    command: tuple[str, ...]
    user: str
    directory: str
    volumes: tuple[str, ...]


class ImageStore:
    """
    The images of a stack on disk; a layer is downloaded and unpacked once.

    Only the current and the previous image stay unpacked.

    Args:
        directory: Where layers and file systems are kept.
        registry: The registry of the stack.
    """

    def __init__(self, directory: Path, registry: RegistryClient) -> None:
        self._directory = directory
        self._registry = registry
        self._tools = Tools({"PATH": os.defpath})
        self._lock = Lock()

    def serves(self, image: str) -> bool:
        """
        Whether an image is from the registry of the stack.

        Args:
            image: The image, as a task definition names it.

        Returns:
            False for an image without a digest, or of a repository that the registry does not have.

        Raises:
            UnreachableError: The registry does not answer.
        """
        found = _BY_DIGEST.fullmatch(image)
        return found is not None and bool(self._registry.tags(found["repository"]))

    def open(self, image: str) -> UnpackedImage:
        """
        Pull and unpack an image that the registry serves, unless it is there already.

        Args:
            image: The image, as a task definition names it.

        Raises:
            GradectlError: The registry lacks the image, or it cannot be unpacked.
            UnreachableError: The registry does not answer.
        """
        found = _BY_DIGEST.fullmatch(image)
        repository, digest = (found["repository"], found["digest"]) if found else ("", "")
        manifest = self._registry.manifest(repository, digest)
        if not digest or f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}" != digest:
            text = f"CannotPullContainerError: {image}: not found in the registry"
            hint = "push it: gradectl image push"
            raise GradectlError(text, where=self._registry.host, next_step=hint)
        with self._lock:
            # no other user may start the setuid programs of an image
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            return self._unpacked(repository, digest, manifest)

    def why_not(self) -> str:
        """Why tasks cannot run from images on this machine; empty when they can."""
        if os.geteuid() != 0:
            return "only root can run tasks from images"
        done = self._tools.run([sys.executable, "-I", "-S", str(ENTER)], Path("/"))
        return f"mounts are not possible here: {tail(done.errors)}" if done.code else ""

    def prune(self) -> None:
        """Delete the unpacked images that are neither current nor previous."""
        with self._lock:
            prune(self._directory)

    def _unpacked(self, repository: str, digest: str, text: str) -> UnpackedImage:
        manifest: Mapping[str, Any] = json.loads(text)
        config = json.loads(self._registry.blob(repository, manifest["config"]["digest"]))
        settings = config.get("config") or {}
        root = self._directory / ROOTS / folder_name(digest)
        record_use(self._directory, digest, text)
        if not root.exists():
            prune(self._directory)
            layers = [self._layer(repository, each["digest"]) for each in manifest["layers"]]
            with _Unfinished(root) as unfinished:
                for layer in layers:
                    merge(layer, unfinished)
        variables = (each.partition("=") for each in settings.get("Env") or ())
        return UnpackedImage(
            root=root,
            digest=digest,
            environment={name: value for name, _, value in variables},
            entry_point=tuple(settings.get("Entrypoint") or ()),
            command=tuple(settings.get("Cmd") or ()),
            user=settings.get("User") or "",
            directory=settings.get("WorkingDir") or "/",
            volumes=tuple(settings.get("Volumes") or ()),
        )

    def _layer(self, repository: str, digest: str) -> Path:
        """Download and unpack a layer."""
        layer = self._directory / LAYERS / folder_name(digest)
        if layer.exists():
            return layer
        layer.parent.mkdir(exist_ok=True)
        archive = layer.with_suffix(".tar")
        try:
            self._registry.download(repository, digest, archive)
            with _Unfinished(layer) as unfinished:
                # devices are mounted; tar never writes outside of the folder
                words = ["--numeric-owner", "--same-owner", "-p", "--exclude=dev/*", "-xf"]
                done = self._tools.run(["tar", *words, str(archive)], unfinished)
                if done.code:
                    text = f"cannot unpack a layer of the image: {tail(done.errors)}"
                    raise GradectlError(text, where=f"{repository}@{digest}")
        finally:
            archive.unlink(missing_ok=True)
        return layer


class _Unfinished:
    """A new folder that gets its name when it is complete, so a killed stack leaves no part."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unfinished = folder.with_suffix(".unfinished")

    def __enter__(self) -> Path:
        shutil.rmtree(self._unfinished, ignore_errors=True)
        self._unfinished.mkdir(parents=True)
        self._unfinished.chmod(0o755)  # the root of a user that is not root
        return self._unfinished

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._unfinished.rename(self._folder)
        else:
            shutil.rmtree(self._unfinished)


def merge(layer: Path, root: Path) -> None:
    """
    Put a layer over the layers below it; files are hard links.

    Args:
        layer: An unpacked layer, with the whiteouts of the OCI format.
        root: The file system so far.
    """
    with os.scandir(layer) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    if any(entry.name == _OPAQUE for entry in found):
        for each in root.iterdir():
            remove(each)
    for entry in found:
        target = root / entry.name.removeprefix(_WHITEOUT)
        if entry.name == _OPAQUE:
            continue
        if entry.name.startswith(_WHITEOUT):
            remove(target)
        elif entry.is_dir(follow_symlinks=False):
            if target.is_symlink() or not target.is_dir():
                remove(target)
                target.mkdir()
            merge(Path(entry.path), target)
            about = entry.stat()
            os.chown(target, about.st_uid, about.st_gid)
            target.chmod(about.st_mode & 0o7777)
        else:
            remove(target)
            os.link(entry.path, target, follow_symlinks=False)


def add_mount_points(root: Path, volumes: Sequence[str]) -> None:
    """
    Create the mount points of a task in the file system of its image, as runtimes of containers do.

    Args:
        root: The file system.
        volumes: Paths of the volumes.

    Raises:
        GradectlError: One leads through a symbolic link of the image.
    """
    for name in (*_FOLDERS, *volumes):
        _plain(root, name).mkdir(parents=True, exist_ok=True)
    for name in FILES:
        path = _plain(root, name)
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.touch()


def _plain(root: Path, name: str) -> Path:
    """
    A path below a root.

    Raises:
        GradectlError: It leads through a symbolic link.
    """
    path = root / name.lstrip("/")
    if path.resolve() != root.resolve() / name.lstrip("/"):
        text = f"a symbolic link of the image is in the path of a mount point: {name}"
        raise GradectlError(text, where=str(root))
    return path
