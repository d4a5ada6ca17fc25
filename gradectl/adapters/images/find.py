"""Finds a builder of images on this machine."""

from __future__ import annotations

from collections.abc import Mapping

from gradectl.adapters.images.buildah import Buildah
from gradectl.adapters.images.builder import ImageBuilder
from gradectl.adapters.images.docker import Docker
from gradectl.errors import ConfigurationError
from gradectl.processes.tools import Tools

#: In the order of preference.
BUILDERS = ("docker", "podman", "buildah")
_INSTALL = "apt-get install buildah, or start a Docker engine"
#: Variables that builders use; the others may be secrets, and are not passed on.
_VARIABLES = (
    "HOME",
    "LANG",
    "PATH",
    "TMPDIR",
    "USER",
    "BUILDAH_ISOLATION",
    "STORAGE_DRIVER",
    "STORAGE_OPTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)
_PREFIXES = ("BUILDX_", "CONTAINERS_", "DOCKER_", "REGISTRY_AUTH_", "XDG_")


def builder_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Select the variables of this process that a builder may have."""
    return {
        name: value
        for name, value in environ.items()
        if name in _VARIABLES or name.startswith(_PREFIXES)
    }


def find_builder(tools: Tools, wanted: str | None = None) -> ImageBuilder:
    """
    Find the builder to use.

    Args:
        tools: Starts programs.
        wanted: Name of a builder; None takes the first one that works.

    Raises:
        ConfigurationError: There is none, or not the wanted one.
    """
    docker = tools.find("docker")
    for name in BUILDERS if wanted is None else (wanted,):
        program = tools.find(name)
        if program and name != "docker":
            return Buildah(tools, program, name)
        if program and (found := Docker(tools, program)).answers():
            return found
    idle = "; the program docker is here, but no engine with buildx answers" if docker else ""
    text = f"no builder of images found ({wanted or ', '.join(BUILDERS)}){idle}"
    raise ConfigurationError(text, where="PATH", next_step=_INSTALL)
