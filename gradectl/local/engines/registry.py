"""The registry of images behind the emulated ECR: docker-registry with TLS and one user."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from gradectl.errors import GradectlError
from gradectl.local.engines.tls import Certificates, write_private
from gradectl.local.loopback import LOOPBACK
from gradectl.processes.child import Child, ProgramSpec
from gradectl.processes.tools import Tools

READY_SECONDS = 30.0
STOP_SECONDS = 10.0
#: The user of ECR's tokens.
_USER = "AWS"


@dataclass(frozen=True)
class RegistryEngine:
    """The server, and the program that hashes passwords as it wants them."""

    server: Path
    htpasswd: Path


@dataclass(frozen=True)
class RegistryAccess:
    """How a client reaches the registry."""

    host: str  # localhost:PORT
    user: str
    password: str = field(repr=False)
    ca_file: str

    def write(self, path: Path) -> None:
        """Write it to a file that only its owner can read."""
        write_private(path, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file from `write`."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def prepare_registry(
    engine: RegistryEngine, directory: Path, port: int, certificates: Certificates
) -> RegistryAccess:
    """
    Write the configuration and a new password.

    Raises:
        GradectlError: htpasswd failed.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = secrets.token_urlsafe(24)
    # -i reads the password from standard input; the registry accepts bcrypt only
    command = [str(engine.htpasswd), "-niB", _USER]
    done = Tools({"PATH": os.defpath}).run(command, directory, text=password)
    if done.code:
        raise GradectlError(f"htpasswd failed: {done.errors}", where=str(engine.htpasswd))
    users = directory / "htpasswd"
    write_private(users, done.output.strip().encode() + b"\n")
    settings = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(directory / "images")}},
        "http": {
            "addr": f"{LOOPBACK}:{port}",
            "tls": {"certificate": str(certificates.pem_file), "key": str(certificates.pem_file)},
        },
        "auth": {"htpasswd": {"realm": "gradectl", "path": str(users)}},
    }
    (directory / "config.yml").write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    return RegistryAccess(f"localhost:{port}", _USER, password, str(certificates.ca_file))


def start_registry(engine: RegistryEngine, directory: Path, log_file: Path) -> Child:
    """Start the registry of a prepared directory, without waiting until it is ready."""
    command = [str(engine.server), "serve", str(directory / "config.yml")]
    environment = {"PATH": os.defpath, "OTEL_TRACES_EXPORTER": "none"}
    return Child(ProgramSpec("the registry", command, environment, directory, log_file))
