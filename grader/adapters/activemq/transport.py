"""
Socket transport for stomp.py.

It replaces the transport of stomp.py 9, which has these problems: TCP delays small frames in both
directions (46 ms for a transaction instead of under 1 ms); a TLS connection closed by the broker
causes a busy loop; a half-open connection can block the thread that closes it; the reason of a
refused connection is only logged; and it reconnects by itself although subscriptions are lost.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

from stomp.connect import BaseConnection
from stomp.protocol import Protocol12
from stomp.transport import Transport
from stomp.utils import Frame, convert_frame, pack

from grader.adapters.activemq.address import BrokerAddress
from grader.adapters.activemq.stream import SocketStream, TlsStream

#: Interval of heartbeats in both directions; without them a half-open socket keeps its message.
HEARTBEAT_MS = 10_000
#: Intervals without a byte after which the broker counts as dead. ActiveMQ checks once per interval
#: whether it has sent anything since the last check, so a healthy one is silent for up to two.
_RECEIVE_SCALE = 2.5
#: We send this often per promised interval. ActiveMQ closes a connection that sends nothing between
#: two of its checks, and a heartbeat of exactly one interval drifts past one of them now and then.
_SENDS_PER_INTERVAL = 2

# The errors of `connection` report what stomp.py logs, with more context.
logging.getLogger("stomp.py").setLevel(logging.CRITICAL)


class StompTransport(Transport):  # type: ignore[misc]  # stomp.py publishes no types
    """
    One socket to one broker, without reconnection.

    Args:
        address: Address of the broker.
        context: How to verify the broker; used if the address has TLS.
        timeout_seconds: For the TCP connection, and again for each step of the TLS handshake.
    """

    def __init__(
        self, address: BrokerAddress, context: ssl.SSLContext | None, timeout_seconds: float
    ) -> None:
        """Prepare; `attempt_connection` opens the socket."""
        super().__init__([(address.host, address.port)], auto_decode=False)
        self._address = address
        self._context = context
        self._timeout_seconds = timeout_seconds
        self.on_data: Callable[[], None] = lambda: None
        self.data_at = monotonic()  # when anything but a heartbeat came

    def attempt_connection(self) -> None:
        """Connect once; raises `OSError`, also as `ssl.SSLCertVerificationError`."""
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
        connected.settimeout(None)  # from here on heartbeats detect a lost connection
        self.socket = connected
        self.current_host_and_port = target

    def receive(self) -> bytes:
        """
        Wait for bytes; called on the reading thread.

        A large message arrives in many parts, between which the broker sends no heartbeat.
        """
        chunk = self._stream.receive()
        if chunk.strip(b"\n"):
            self.data_at = monotonic()
            self.on_data()
        return chunk

    def send(self, encoded_frame: bytes) -> None:
        """Write encoded frames, on any thread."""
        self._stream.send(encoded_frame)

    def write_together(self, frames: Sequence[Frame]) -> None:
        """Write several frames with one call of the socket."""
        self.send(b"".join(pack(convert_frame(frame)) for frame in frames))

    def disconnect_socket(self) -> None:
        """Shut the socket down at once; the reading thread then closes it."""
        self.running = False
        connected = self.socket
        if connected is not None:
            with suppress(OSError):  # it may be closed already
                connected.shutdown(socket.SHUT_RDWR)


class StompClient(BaseConnection, Protocol12):  # type: ignore[misc]  # stomp.py publishes no types
    """
    STOMP 1.2 with heartbeats, over a `StompTransport`.

    Args:
        transport: The socket.
        heartbeat_ms: Interval of heartbeats; the broker may ask for a longer one.
    """

    def __init__(self, transport: StompTransport, heartbeat_ms: int) -> None:
        """Initialise both base classes, as stomp.py's own connection classes do."""
        BaseConnection.__init__(self, transport)
        Protocol12.__init__(
            self,
            transport,
            heartbeats=(heartbeat_ms, heartbeat_ms),
            heart_beat_receive_scale=_RECEIVE_SCALE,
        )
        transport.on_data = self.on_heartbeat  # any part of a message is a sign of life

    @property
    def send_sleep(self) -> float:
        """Seconds between two heartbeats that we send."""
        return self._send_sleep

    @send_sleep.setter
    def send_sleep(self, promised: float) -> None:
        """Take the negotiated interval, which stomp.py sets, and send more often."""
        self._send_sleep = promised / _SENDS_PER_INTERVAL

    def is_silent(self) -> bool:
        """Return whether the broker has sent nothing for longer than it may."""
        last: float | None = self.received_heartbeat
        return last is not None and monotonic() - last > self.receive_sleep

    def open(self, user: str, password: str) -> None:
        """Open the socket and send CONNECT, without waiting for the answer."""
        self.transport.start()
        self.connect(user, password)

    def disconnect(self, receipt: str) -> None:
        """Send DISCONNECT, which the base class of stomp.py's connections does not."""
        Protocol12.disconnect(self, receipt)
