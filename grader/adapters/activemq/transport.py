"""
The part of stomp.py that touches the socket, made fit for a worker.

What stomp.py 9 leaves open and this closes: small frames wait for TCP in both directions (46 ms
for a transaction instead of under one), a TLS connection that the broker closed is not noticed but
spun on, a half-open one can hang the thread that ends it, the reason for a refused connection is
only logged, and it reconnects by itself although subscriptions are gone by then.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress

from stomp.connect import BaseConnection
from stomp.protocol import Protocol12
from stomp.transport import Transport
from stomp.utils import Frame, convert_frame, pack

from grader.adapters.activemq.address import BrokerAddress
from grader.adapters.activemq.stream import SocketStream, TlsStream

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
        connected = socket.create_connection(target, self._timeout_seconds)
        try:
            if self._context is None:
                self._stream = SocketStream(connected)
            else:
                self._stream = TlsStream(connected, self._context, self._address.host)
        except BaseException:
            connected.close()
            raise
        connected.settimeout(None)  # heartbeats watch over it from here on
        self.socket = connected
        self.current_host_and_port = target

    def receive(self) -> bytes:
        """Wait for bytes, on the reading thread."""
        return self._stream.receive()

    def send(self, encoded_frame: bytes) -> None:
        """Write one frame, or several in one piece, on any thread."""
        self._stream.send(encoded_frame)

    def write_together(self, frames: Sequence[Frame]) -> None:
        """Hand several frames to the socket as one piece."""
        self.send(b"".join(pack(convert_frame(frame)) for frame in frames))

    def disconnect_socket(self) -> None:
        """End all reading and writing at once; the reading thread then closes the socket."""
        self.running = False
        connected = self.socket
        if connected is not None:
            with suppress(OSError):  # it may be gone already
                connected.shutdown(socket.SHUT_RDWR)


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
