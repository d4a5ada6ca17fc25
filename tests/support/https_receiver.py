"""A real receiver of webhooks over TLS on loopback, which behaves as a test wants."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from socket import AF_INET, AF_INET6
from typing import Any

import trustme


@dataclass(frozen=True)
class Received:
    """A request that has arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer with a status; the names of headers have underscores."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {**headers, "Content_Length": str(len(body))}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


@dataclass
class Receiver:
    """
    A running receiver.

    Attributes:
        url: Its URL.
        ca_file: The authority of its certificate.
        behaviours: What it does with the next requests; then 204.
        received: Requests in their order.
        released: Ends those that hang.
    """

    url: str
    ca_file: Path
    behaviours: list[Behaviour] = field(default_factory=list)
    received: SimpleQueue[Received] = field(default_factory=SimpleQueue)
    released: threading.Event = field(default_factory=threading.Event)
    connections: int = 0

    def hang(self, _handler: BaseHTTPRequestHandler) -> None:
        """Do not answer until the end of the test."""
        self.released.wait(30)

    def next(self, seconds: float = 10) -> Received:
        """Wait for the next request."""
        return self.received.get(timeout=seconds)


@contextmanager
def receiving(
    directory: Path, *names: str, host: str = "127.0.0.1", authority: trustme.CA | None = None
) -> Iterator[Receiver]:
    """
    Run a receiver.

    Args:
        directory: For its certificate.
        names: Names of the certificate; localhost and 127.0.0.1 when absent.
        host: Address it listens at.
        authority: Signs the certificate; a new one when None.
    """
    authority = authority or trustme.CA()
    ca_file = directory / "receiver-ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("localhost", "127.0.0.1", "::1"))).configure_cert(context)
    receiver = Receiver("", ca_file)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            self.request.do_handshake()
            receiver.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            behave = receiver.behaviours.pop(0) if receiver.behaviours else answer(204)
            receiver.received.put(Received(self.path, dict(self.headers), body))
            behave(self)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        address_family = AF_INET6 if ":" in host else AF_INET
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: Any) -> None:
            pass

    with Server((host, 0), Handler) as server:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        shown = f"[{host}]" if ":" in host else "localhost"
        receiver.url = f"https://{shown}:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.released.set()
            server.shutdown()
            thread.join()
