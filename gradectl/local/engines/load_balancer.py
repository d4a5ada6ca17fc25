"""
The data plane of a load balancer: passes connections on to the healthy tasks of a service.

`python -m gradectl.local.engines.load_balancer PORT TARGETS_FILE`. It listens on 127.0.0.1 only,
and without TLS. The file has one port in each line; it is read again for each connection.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gradectl.local.loopback import LOOPBACK
from gradectl.processes.child import Child, ProgramSpec

READY_SECONDS = 30.0
STOP_SECONDS = 5.0
#: Clients wait without a healthy task, such as while the only one is replaced.
_WAIT_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_BUFFER_BYTES = 64 * 1024
#: What Elastic Load Balancing answers without a healthy target.
_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Temporarily Unavailable\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 44\r\nRetry-After: 5\r\n"
    b"Connection: close\r\n\r\nno task of the service is healthy; try later"
)
_BACKLOG = 1024


@dataclass(frozen=True)
class LoadBalancerHome:
    """Directory, port and log file of a load balancer."""

    directory: Path
    port: int
    log_file: Path

    @property
    def targets_file(self) -> Path:
        """The file with the ports of the targets."""
        return self.directory / "targets"


def write_targets(home: LoadBalancerHome, ports: Sequence[int]) -> None:
    """Set the targets; the file is replaced as a whole."""
    home.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = home.directory / "targets.new"
    unfinished.write_text("".join(f"{port}\n" for port in ports))
    unfinished.replace(home.targets_file)


def start_load_balancer(home: LoadBalancerHome) -> Child:
    """Start a load balancer, without waiting until it is ready."""
    home.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", __name__, str(home.port), str(home.targets_file)]
    environment = {"PATH": os.defpath}
    program = ProgramSpec("load balancer", command, environment, home.directory, home.log_file)
    return Child(program)


class LoadBalancer:
    """
    Passes each connection to one target, in turn.

    Args:
        targets_file: The file with the ports of the targets; a missing one has none.
        wait_seconds: How long a connection waits for a target.
    """

    def __init__(self, targets_file: Path, wait_seconds: float = _WAIT_SECONDS) -> None:
        self._targets_file = targets_file
        self._wait_seconds = wait_seconds
        self._turn = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a connection on until both sides have ended."""
        try:
            target = await self._connect()
            if target is None:
                await reader.read(_BUFFER_BYTES)  # unread bytes would reset the connection
                writer.write(_UNAVAILABLE)
                await writer.drain()
                return
            theirs, ours = target
            try:
                await asyncio.gather(_pass_on(reader, ours), _pass_on(theirs, writer))
            finally:
                ours.close()
        except OSError:  # the client left
            pass
        finally:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Connect to a target; None if there is none for too long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._wait_seconds
        while True:
            ports = self._ports()
            self._turn += 1
            for number in range(len(ports)):
                with suppress(OSError):  # it ended meanwhile: the next one
                    port = ports[(self._turn + number) % len(ports)]
                    return await asyncio.open_connection(LOOPBACK, port, limit=_BUFFER_BYTES)
            if loop.time() > deadline:
                return None
            await asyncio.sleep(_LOOK_SECONDS)

    def _ports(self) -> list[int]:
        try:
            return [int(line) for line in self._targets_file.read_text().split()]
        except FileNotFoundError:
            return []


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end of the stream, which is passed on as well."""
    try:
        while data := await reader.read(_BUFFER_BYTES):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:  # one side broke off, so the other one ends as well
        writer.close()


async def _serve(port: int, targets_file: Path) -> None:
    """Serve until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    balancer = LoadBalancer(targets_file)
    server = await asyncio.start_server(
        balancer.handle, LOOPBACK, port, limit=_BUFFER_BYTES, backlog=_BACKLOG
    )
    await stopped.wait()
    server.close()


def main(arguments: Sequence[str]) -> int:
    """Serve on a port; the second argument is the file of the targets."""
    port, targets_file = arguments
    asyncio.run(_serve(int(port), Path(targets_file)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
