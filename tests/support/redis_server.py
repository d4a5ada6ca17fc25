"""A real redis-server with TLS and a password, which tests stop, freeze and fill."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from gradectl.local.engines.tls import make_certificates
from grader.adapters.redis import RedisLogin

_PASSWORD = "a-Password-of-redis-1"
_SECONDS = 30.0  # a limit for a hung test


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass
class RedisServer:
    """
    A server on a port of its own.

    Args:
        directory: Its files.
        ca_file: The authority of its certificate.
        pem_file: Its key and certificate.
        port: TLS port.
    """

    directory: Path
    ca_file: Path
    pem_file: Path
    port: int = field(default_factory=_free_port)
    password: str = _PASSWORD
    _process: subprocess.Popen[bytes] | None = None

    @property
    def login(self) -> RedisLogin:
        """Address and password."""
        return RedisLogin.of_url(self.url, self.password, self.ca_file)

    @property
    def url(self) -> str:
        """Address."""
        return f"rediss://localhost:{self.port}"

    def client(self) -> redis.Redis:
        """A connection of its own, as any other program would open it."""
        return redis.Redis(
            host="localhost", port=self.port, password=self.password, ssl=True,
            ssl_ca_certs=str(self.ca_file), socket_timeout=_SECONDS,
        )  # fmt: skip

    def start(self) -> None:
        """Start with an empty memory; returns when it answers."""
        program = shutil.which("redis-server")
        assert program, "redis-server is missing: apt-get install redis-server"
        options = {
            "port": "0", "tls-port": str(self.port), "bind": "127.0.0.1", "save": "",
            "tls-cert-file": str(self.pem_file), "tls-key-file": str(self.pem_file),
            "tls-ca-cert-file": str(self.ca_file), "tls-auth-clients": "no",
            "requirepass": self.password, "dir": str(self.directory),
        }  # fmt: skip
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._process.stdout
        for line in self._process.stdout:
            if b"Ready to accept connections" in line:
                return
        raise AssertionError("redis-server ended")

    def kill(self) -> None:
        """End it at once, with what it keeps."""
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            assert process.stdout
            process.stdout.close()

    def freeze(self) -> None:
        """Stop its process: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def restore(self) -> None:
        """Make it run, answer and be empty again."""
        self.kill()
        self.start()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process
        os.kill(self._process.pid, number)


@contextmanager
def running_redis(directory: Path) -> Iterator[RedisServer]:
    """Run a server while the block runs."""
    certificates = make_certificates(directory, "localhost", "127.0.0.1")
    server = RedisServer(directory, certificates.ca_file, certificates.pem_file)
    server.start()
    try:
        yield server
    finally:
        server.kill()
