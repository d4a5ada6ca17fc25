"""A second emulator of SQS, independent of moto, in an environment of its own."""

from __future__ import annotations

import http.client
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import monotonic

from gradectl.local.loopback import free_ports

PROGRAM = Path(__file__).resolve().parents[2] / ".venv-ministack" / "bin" / "ministack"
_START_SECONDS = 30.0


@contextmanager
def running_ministack(folder: Path) -> Iterator[str]:
    """Start it on 127.0.0.1, and yield its URL."""
    (port,) = free_ports(1)
    environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "HOME": str(folder),
        "LOG_LEVEL": "WARNING",
        "PATH": os.defpath,
        "SERVICES": "sqs",
        "TMPDIR": str(folder),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([PROGRAM], env=environment, stdout=log, stderr=log)
        try:
            _await_answer(process, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def _await_answer(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = monotonic() + _START_SECONDS
    while process.poll() is None and monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with closing(connection), suppress(OSError):
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        threading.Event().wait(0.05)
    raise RuntimeError(f"ministack does not answer on port {port}; it ended with {process.poll()}")
