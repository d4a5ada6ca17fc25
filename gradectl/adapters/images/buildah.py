"""Builds with buildah, or with podman, which has the same options; neither needs an engine."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gradectl.adapters.images.builder import MACHINES, BuildRequest, BuiltImage, PushTarget
from gradectl.adapters.images.output import Recorder, failure
from gradectl.errors import ConfigurationError, GradectlError
from gradectl.processes.tools import Tools

_ANYWHERE = Path("/")
_UNITS = ("B", "KB", "MB", "GB", "TB")
_EMULATORS = Path("/proc/sys/fs/binfmt_misc")
_BASE_HINT = "fix the cause; where no registry can be reached, add --base debootstrap"
_PUSH_HINT = "run it again: what the registry has is not sent twice"


class Buildah:
    """
    The builder buildah or podman.

    Args:
        tools: Starts the program.
        program: Path of the program.
        name: `buildah` or `podman`.
    """

    def __init__(self, tools: Tools, program: str, name: str = "buildah") -> None:
        self._tools = tools
        self._program = program
        self.name = name

    def build(self, request: BuildRequest, heard: Callable[[str], None]) -> BuiltImage:
        """Build in a chroot, which works without a runtime of containers and inside of one."""
        _check_machine(request.platform)
        command = [
            self._program,
            "build",
            *([] if "BUILDAH_ISOLATION" in self._tools.environ else ["--isolation", "chroot"]),
            "--format",
            "oci",
            "--layers",
            "--identity-label=false",
            *([] if request.use_cache else ["--no-cache"]),
            "--platform",
            request.platform,
            "--timestamp",
            str(request.epoch),
            *_pairs("--build-arg", request.arguments),
            *_pairs("--annotation", request.annotations),
            *_words("--secret", (f"id={key},src={path}" for key, path in request.secrets.items())),
            "--tag",
            request.name,
            "--file",
            "Dockerfile",
            ".",
        ]
        output = Recorder(heard)
        if self._tools.follow(command, request.context, output):
            raise failure("the build failed", output.text, request.name, _BASE_HINT)
        built = self.find(request.name)
        if built is None:
            text = "the build succeeded, but the image is not in the storage"
            raise GradectlError(text, where=request.name, next_step=f"{self.name} images")
        return built

    def find(self, name: str) -> BuiltImage | None:
        """Look an image up in the local storage."""
        return self._find_podman(name) if self.name == "podman" else self._find_buildah(name)

    def _find_podman(self, name: str) -> BuiltImage | None:
        done = self._tools.run([self._program, "image", "inspect", name], _ANYWHERE)
        if done.code:
            return None
        found = json.loads(done.output)[0]
        return BuiltImage(name, f"sha256:{found['Id']}", int(found["Size"]), found["Architecture"])

    def _find_buildah(self, name: str) -> BuiltImage | None:
        done = self._tools.run([self._program, "inspect", "--type", "image", name], _ANYWHERE)
        if done.code:
            return None
        found = json.loads(done.output)
        listed = self._tools.run([self._program, "images", "--json", name], _ANYWHERE)
        size = size_in_bytes(json.loads(listed.output)[0]["size"])
        architecture = found["OCIv1"]["architecture"]
        return BuiltImage(name, f"sha256:{found['FromImageID']}", size, architecture)

    def push(self, name: str, target: PushTarget, heard: Callable[[str], None]) -> str:
        """Push with a private file of credentials, which is deleted afterwards."""
        trust = {"SSL_CERT_FILE": str(target.ca_file)} if target.ca_file else {}
        with tempfile.TemporaryDirectory(prefix="gradectl-push-") as private:
            folder = Path(private)
            auth, digest = folder / "auth.json", folder / "digest"
            login = [self._program, "login", "--authfile", str(auth), "--username", target.user]
            done = self._tools.run(
                [*login, "--password-stdin", target.host], folder, trust, target.password
            )
            if done.code:
                text = "cannot log in to the registry"
                raise failure(text, done.errors, target.host, "check the network to the registry")
            command = [self._program, "push", "--authfile", str(auth), "--digestfile", str(digest)]
            output = Recorder(heard)
            wanted = [*command, name, f"docker://{target.reference}"]
            if self._tools.follow(wanted, folder, output, trust):
                raise failure("the push failed", output.text, target.reference, _PUSH_HINT)
            return digest.read_text(encoding="ascii").strip()

    def export(self, name: str, folder: Path) -> str:
        """Write an image as an OCI layout."""
        layout = folder / "image"
        plain = ["--disable-compression"] if self.name == "buildah" else []
        command = [self._program, "push", *plain, name, f"oci:{layout}:image"]
        done = self._tools.run(command, folder)
        if done.code:
            raise failure("cannot export the image", done.errors, name, "build it again")
        return f"oci-dir:{layout}"


def size_in_bytes(text: str) -> int:
    """Convert a size as buildah prints it, such as `524 MB`, which has three digits."""
    number, unit = text.split()
    factor: int = 1000 ** _UNITS.index(unit.upper())
    return round(float(number) * factor)


def _pairs(option: str, values: Mapping[str, str]) -> list[str]:
    return _words(option, (f"{key}={value}" for key, value in sorted(values.items())))


def _words(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _check_machine(wanted: str) -> None:
    """
    Check that this machine can run the programs of a platform.

    Raises:
        ConfigurationError: It has another processor and no emulator.
    """
    machine = MACHINES[wanted]
    if machine == platform.machine() or (_EMULATORS / f"qemu-{machine}").exists():
        return
    text = (
        f"this machine has a {platform.machine()} processor and cannot run programs for {machine}"
    )
    hint = "build on such a machine, or install an emulator: apt-get install qemu-user-static"
    raise ConfigurationError(text, where=wanted, next_step=hint)
