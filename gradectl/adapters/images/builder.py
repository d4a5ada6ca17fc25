"""The interface of the builders of images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gradectl.adapters.images.architectures import ARCHITECTURES

#: Platform of an image -> name of the processor in `uname -m`.
MACHINES = {each.platform: each.machine for each in ARCHITECTURES}


@dataclass(frozen=True)
class BuildRequest:
    """
    What to build.

    Attributes:
        context: Folder with the Dockerfile and everything that it copies.
        name: Local name of the image, with its tag.
        platform: Platform of the image, such as `linux/amd64`.
        arguments: Values of the ARG instructions.
        annotations: Annotations of the manifest.
        secrets: Files that single instructions can read, by id; no layer contains them.
        epoch: Time of all files and of the image, in seconds since 1970.
        use_cache: False to run all instructions again.
    """

    context: Path
    name: str
    platform: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Path] = field(default_factory=dict)
    epoch: int = 0
    use_cache: bool = True


@dataclass(frozen=True)
class BuiltImage:
    """
    An image in the storage of its builder.

    Attributes:
        name: Its local name.
        image_id: Digest of its configuration, which has the digests of its layers.
        bytes: Size of its files.
        machine: Its architecture, such as `amd64`.
    """

    name: str
    image_id: str
    bytes: int
    machine: str


@dataclass(frozen=True)
class PushTarget:
    """
    A repository, and the rights to push to it.

    Attributes:
        host: Host and port of the registry.
        repository: Name of the repository.
        tag: The tag.
        user: The user.
        password: The password; builders get it through a pipe.
        ca_file: Certificate authority of the registry; None for the usual ones.
    """

    host: str
    repository: str
    tag: str
    user: str
    password: str = field(repr=False)
    ca_file: Path | None = None

    @property
    def reference(self) -> str:
        """The image in the registry, by tag."""
        return f"{self.host}/{self.repository}:{self.tag}"


class ImageBuilder(Protocol):
    """Builds and pushes images."""

    @property
    def name(self) -> str:
        """Name of the program."""

    def build(self, request: BuildRequest, heard: Callable[[str], None]) -> BuiltImage:
        """
        Build an image.

        Args:
            request: What to build.
            heard: Called with each line of output.

        Raises:
            GradectlError: An instruction failed, or the base could not be pulled.
        """

    def find(self, name: str) -> BuiltImage | None:
        """Look an image up in the local storage."""

    def push(self, name: str, target: PushTarget, heard: Callable[[str], None]) -> str:
        """
        Push an image.

        Returns:
            The digest of the manifest in the registry.

        Raises:
            GradectlError: The registry refused it or does not answer.
        """

    def export(self, name: str, folder: Path) -> str:
        """
        Write an image to files.

        Returns:
            The source for syft, such as `oci-dir:PATH`.
        """
