"""Makes the base image from Debian's archive, where no registry can be reached."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from gradectl.adapters.images.architectures import ARCHITECTURES
from gradectl.adapters.images.builder import BuildRequest, ImageBuilder
from gradectl.adapters.images.output import Recorder, failure
from gradectl.errors import ConfigurationError
from gradectl.processes.tools import Tools

#: Value of --base, and release of Debian.
DEBOOTSTRAP = "debootstrap"
_SUITE = "bookworm"
_DEBIAN = {each.platform: each.image for each in ARCHITECTURES}
_OPTIONS = (
    "--variant=apt",
    "--include=ca-certificates",
    *(
        f"--dpkgopt={rule}"
        for rule in (
            "path-exclude=/usr/share/doc/*",
            "path-exclude=/usr/share/locale/*",
            "path-exclude=/usr/share/man/*",
            "path-include=/usr/share/doc/*/copyright",
        )
    ),
    # mmdebstrap copies these from this machine.
    '--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',
)
_DOCKERFILE = "FROM scratch\nADD base.tar /\n"


def import_base(
    builder: ImageBuilder, archive: Path, wanted: BuildRequest, heard: Callable[[str], None]
) -> str:
    """
    Import the archive of a base into the storage of the builder; a second call does nothing.

    Args:
        builder: The builder.
        archive: The file from `make_base`.
        wanted: The build that needs the base.
        heard: Called with each line of output.

    Returns:
        Name of the base image.
    """
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    name = f"localhost/gradectl-base:{digest[:20]}"
    if builder.find(name) is None:
        with TemporaryDirectory(prefix=".base-", dir=archive.parent) as folder:
            context = Path(folder)
            (context / "base.tar").hardlink_to(archive)
            (context / "Dockerfile").write_text(_DOCKERFILE, encoding="ascii")
            plain = replace(wanted, arguments={}, annotations={}, secrets={})
            builder.build(replace(plain, context=context, name=name), heard)
    return name


def make_base(
    tools: Tools, folder: Path, wanted: BuildRequest, heard: Callable[[str], None]
) -> Path:
    """
    Make a small Debian system; the file of an earlier call is used again.

    Args:
        tools: Starts mmdebstrap.
        folder: Where the files are kept.
        wanted: The build that needs the base.
        heard: Called with each line of output.

    Returns:
        The tar archive of the system.

    Raises:
        ConfigurationError: mmdebstrap is not installed.
        GradectlError: It failed.
    """
    architecture = _DEBIAN[wanted.platform]
    # Another word in PACKAGES makes a new system.
    determined = "\n".join((*_OPTIONS, wanted.arguments.get("PACKAGES", "")))
    key = hashlib.sha256(determined.encode()).hexdigest()[:12]
    archive = folder / f"{_SUITE}-{architecture}-{key}.tar"
    if archive.exists():
        return archive
    program = tools.find("mmdebstrap")
    if not program:
        text = "mmdebstrap, which makes the base image, is not installed"
        raise ConfigurationError(text, where="PATH", next_step="apt-get install mmdebstrap")
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{archive.name}.{os.getpid()}"
    mode = "--mode=root" if os.geteuid() == 0 else "--mode=auto"
    command = [program, mode, f"--architectures={architecture}", *_OPTIONS, "--format=tar"]
    output = Recorder(heard)
    epoch = {"SOURCE_DATE_EPOCH": str(wanted.epoch)}
    try:
        if tools.follow([*command, _SUITE, str(unfinished)], folder, output, epoch):
            hint = "check the network to the archive of Debian, and run it again"
            raise failure("mmdebstrap failed", output.text, _SUITE, hint)
        unfinished.replace(archive)
    finally:
        unfinished.unlink(missing_ok=True)
    return archive
