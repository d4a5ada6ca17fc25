"""The architectures of the workers, by their names in ECS, in images and on the machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """
    An architecture that tasks can have.

    Attributes:
        name: In ECS, and in `ecs_architecture`.
        image: In images and in Debian.
        machine: In `uname -m`.
    """

    name: str
    image: str
    machine: str

    @property
    def platform(self) -> str:
        """Platform of its images."""
        return f"linux/{self.image}"


ARCHITECTURES = (
    Architecture("X86_64", "amd64", "x86_64"),
    Architecture("ARM64", "arm64", "aarch64"),
)
