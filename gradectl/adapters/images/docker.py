"""Builds with docker buildx, where a Docker engine answers."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from gradectl.adapters.images.builder import BuildRequest, BuiltImage, PushTarget
from gradectl.adapters.images.output import Recorder, failure
from gradectl.errors import GradectlError
from gradectl.processes.tools import Tools

_ANYWHERE = Path("/")
_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")
_BASE_HINT = "fix the cause; where no registry can be reached, add --base debootstrap"
_PUSH_HINT = "run it again: what the registry has is not sent twice"


class Docker:
    """
    The builder docker buildx.

    Args:
        tools: Starts the program.
        program: Path of the program.
    """

    name = "docker"

    def __init__(self, tools: Tools, program: str) -> None:
        self._tools = tools
        self._program = program

    def answers(self) -> bool:
        """Whether an engine answers and has buildx."""
        return not any(
            self._tools.run([self._program, *words], _ANYWHERE).code
            for words in (["info"], ["buildx", "version"])
        )

    def build(self, request: BuildRequest, heard: Callable[[str], None]) -> BuiltImage:
        """Build into the storage of the engine, without an attestation, which names the time."""
        options = [
            *(f"--build-arg={key}={value}" for key, value in sorted(request.arguments.items())),
            *(f"--annotation={key}={value}" for key, value in sorted(request.annotations.items())),
            *(f"--secret=id={key},src={path}" for key, path in request.secrets.items()),
            *([] if request.use_cache else ["--no-cache"]),
        ]
        command = [
            self._program,
            "buildx",
            "build",
            "--progress=plain",
            "--provenance=false",
            f"--platform={request.platform}",
            f"--output=type=docker,rewrite-timestamp=true,name={request.name}",
            *options,
            ".",
        ]
        output = Recorder(heard)
        times = {"SOURCE_DATE_EPOCH": str(request.epoch)}
        if self._tools.follow(command, request.context, output, times):
            raise failure("the build failed", output.text, request.name, _BASE_HINT)
        built = self.find(request.name)
        if built is None:
            text = "the build succeeded, but the engine does not have the image"
            hint = "docker buildx use default, or: --builder buildah"
            raise GradectlError(text, where=request.name, next_step=hint)
        return built

    def find(self, name: str) -> BuiltImage | None:
        """Look an image up in the engine."""
        done = self._tools.run([self._program, "image", "inspect", name], _ANYWHERE)
        if done.code:
            return None
        found = json.loads(done.output)[0]
        return BuiltImage(name, found["Id"], int(found["Size"]), found["Architecture"])

    def push(self, name: str, target: PushTarget, heard: Callable[[str], None]) -> str:
        """Push with a private configuration, which is deleted afterwards."""
        with tempfile.TemporaryDirectory(prefix="gradectl-push-") as private:
            folder = Path(private)
            # The user's configuration also selects the engine.
            variables = {"DOCKER_CONFIG": private, **self._engine()}
            login = [self._program, "login", "--username", target.user, "--password-stdin"]
            done = self._tools.run([*login, target.host], folder, variables, target.password)
            if done.code:
                text = "cannot log in to the registry"
                raise failure(text, done.errors, target.host, "check the network to the registry")
            self._tools.run([self._program, "tag", name, target.reference], folder, variables)
            output = Recorder(heard)
            command = [self._program, "push", target.reference]
            failed = self._tools.follow(command, folder, output, variables)
            digest = _DIGEST.search(output.text)
            if failed or not digest:
                raise failure("the push failed", output.text, target.reference, _PUSH_HINT)
            return digest[1]

    def export(self, name: str, folder: Path) -> str:
        """Write an image as an archive of Docker."""
        archive = folder / "image.tar"
        command = [self._program, "save", "--output", str(archive), name]
        done = self._tools.run(command, folder)
        if done.code:
            raise failure("cannot export the image", done.errors, name, "build it again")
        return f"docker-archive:{archive}"

    def _engine(self) -> dict[str, str]:
        """Address of the selected engine."""
        wanted = "{{.Endpoints.docker.Host}}"
        done = self._tools.run([self._program, "context", "inspect", "--format", wanted], _ANYWHERE)
        address = done.output.strip()
        return {"DOCKER_HOST": address} if not done.code and address else {}
