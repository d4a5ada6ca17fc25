"""
The part of stomp.py that touches the socket, made fit for a worker.

What stomp.py 9 leaves open and this closes: small frames wait for TCP in both directions (46 ms
for a transaction instead of under one), a TLS connection that the broker closed is not noticed but
spun on, a half-open one can hang the thread that ends it, the reason for a refused connection is
only logged, and it reconnects by itself although subscriptions are gone by then.
"""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
from collections.abc import Sequence

from stomp.connect import BaseConnection
from stomp.protocol import Protocol12
from stomp.transport import Transport
from stomp.utils import Frame, PollableQueue, convert_frame, pack

from grader.adapters.activemq.address import BrokerAddress

_RECEIVE_BYTES = 65_536
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux alone has it
#: Sent and expected every ten seconds; without them a half-open socket keeps its message for ever.
_HEARTBEATS_MS = (10_000, 10_000)

# What stomp.py logs is told again, with more context, by the errors of `connection`.
logging.getLogger("stomp.py").setLevel(logging.CRITICAL)


class StompTransport(Transport):  # type: ignore[misc]  # stomp.py publishes no types
    """
    One socket to one broker, opened once.

    Args:
        address: Where to connect.
        context: How to verify the broker; used when the address says TLS.
        timeout_seconds: For the TCP connection, and again for each step of the TLS handshake.
    """

    def __init__(
        self, address: BrokerAddress, context: ssl.SSLContext | None, timeout_seconds: float
    ) -> None:
        """Remember where to connect; nothing is opened yet."""
        super().__init__([(address.host, address.port)], auto_decode=False)
        self._address = address
        self._context = context
        self._timeout_seconds = timeout_seconds

    def attempt_connection(self) -> None:
        """Connect once; raises `OSError`, which `ssl.SSLCertVerificationError` is one of."""
        target = (self._address.host, self._address.port)
        plain = socket.create_connection(target, self._timeout_seconds)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket = self._secure(plain)
        except BaseException:
            plain.close()
            raise
        # With TLS and without, one thread reads and writes: OpenSSL allows no second one.
        self.socket.setblocking(False)
        self.blocking = False
        self.send_queue = PollableQueue()
        self.sel = selectors.DefaultSelector()
        self.sel.register(self.send_queue, selectors.EVENT_READ)
        self.sel.register(self.socket, selectors.EVENT_READ)
        self.current_host_and_port = target

    def _secure(self, plain: socket.socket) -> socket.socket:
        if self._context is None:
            return plain
        return self._context.wrap_socket(plain, server_hostname=self._address.host)

    def receive(self) -> bytes:
        """Read what is there; the end of the stream ends the reading thread."""
        try:
            chunk: bytes = self.socket.recv(_RECEIVE_BYTES)
        except BlockingIOError as error:  # stomp.py knows only the TLS form of "nothing yet"
            raise ssl.SSLWantReadError from error
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:
            chunk = b""
        if not chunk:
            self.running = False
        elif _QUICKACK is not None:
            # The broker holds back the next small frame until this one is confirmed, and the
            # kernel would wait 40 ms with that.  It forgets the option after each use.
            self.socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return chunk

    def write_together(self, frames: Sequence[Frame]) -> None:
        """Hand several frames to the socket as one piece."""
        self.send_queue.put(b"".join(pack(convert_frame(frame)) for frame in frames))

    def disconnect_socket(self) -> None:
        """Tell the socket's thread to end; it closes the socket itself, so nobody blocks here."""
        self.running = False
        queue = self.send_queue
        if queue is not None:
            queue.put(b"")  # wakes the thread


class StompClient(BaseConnection, Protocol12):  # type: ignore[misc]  # stomp.py publishes no types
    """The protocol (STOMP 1.2, with heartbeats) over a transport of ours."""

    def __init__(self, transport: StompTransport) -> None:
        """Join the two halves, as stomp.py's own connection classes do."""
        BaseConnection.__init__(self, transport)
        Protocol12.__init__(self, transport, heartbeats=_HEARTBEATS_MS)

    def open(self, user: str, password: str) -> None:
        """Open the socket and ask to be let in, without waiting for the answer."""
        self.transport.start()
        self.connect(user, password)

    def disconnect(self, receipt: str) -> None:
        """Say goodbye; the base class of stomp.py's connections would say nothing."""
        Protocol12.disconnect(self, receipt)
