"""
Byte streams to a broker, read by one thread and written by any thread.

OpenSSL allows one thread at a time in a connection, and a blocking read would hold it until data
arrives. So TLS runs in memory buffers: the socket is read outside the lock, and a write does not
wait for the reading thread.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress

_CHUNK_BYTES = 65_536
_TICKET_SECONDS = 1.0
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux only


class SocketStream:
    """
    A connected socket without TLS.

    Args:
        connected: The socket; its owner closes it.
    """

    def __init__(self, connected: socket.socket) -> None:
        """Turn off Nagle's algorithm, so that small frames are sent at once."""
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._writing = threading.Lock()

    def receive(self) -> bytes:
        """Wait for bytes; none at the end of the stream.  Raises `OSError`."""
        chunk = self._socket.recv(_CHUNK_BYTES)
        if chunk and _QUICKACK is not None:
            # The broker delays its next small packet until this one is acknowledged, which the
            # kernel would delay by 40 ms. The option must be set again after each read.
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return chunk

    def send(self, plain: bytes) -> None:
        """Write all of it.  Raises `OSError`."""
        with self._writing:
            self._socket.sendall(self._sealed(plain))

    def _sealed(self, plain: bytes) -> bytes:
        return plain


class TlsStream(SocketStream):
    """
    A connected socket with TLS; the constructor performs the handshake.

    Args:
        connected: The socket, with a timeout for each step of the handshake.
        context: How to verify the server.
        host: Host name its certificate must contain.

    Raises:
        OSError: The handshake failed; `ssl.SSLCertVerificationError` for an untrusted certificate.
    """

    def __init__(self, connected: socket.socket, context: ssl.SSLContext, host: str) -> None:
        """Perform the handshake."""
        super().__init__(connected)
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=host)
        self._sealing = threading.Lock()  # never held while waiting for the socket
        self._shake_hands()

    def receive(self) -> bytes:
        """Wait for bytes; none at the end of the stream.  Raises `OSError`."""
        while True:
            with self._sealing:
                try:
                    return self._tls.read(_CHUNK_BYTES)
                except ssl.SSLWantReadError:
                    pass
                except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                    return b""
            self._take_in()

    def _take_in(self) -> None:
        sealed = super().receive()
        with self._sealing:
            if sealed:
                self._received.write(sealed)
            else:
                self._received.write_eof()

    def _sealed(self, plain: bytes) -> bytes:
        rest = memoryview(plain)
        with self._sealing:
            while rest:
                rest = rest[self._tls.write(rest) :]
            return self._to_send.read()

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._socket.sendall(self._to_send.read())
                self._take_in()
            else:
                self._socket.sendall(self._to_send.read())
                break
        if self._tls.version() == "TLSv1.3":
            self._await_ticket()

    def _await_ticket(self) -> None:
        """
        Wait for the session ticket, which shows that the broker has completed the handshake.

        TLS 1.3 allows to send earlier, but ActiveMQ (5.17, nio+ssl) then processes the first frame
        twice and answers "Already connected" to the second.
        """
        timeout_seconds = self._socket.gettimeout()
        self._socket.settimeout(_TICKET_SECONDS)
        with suppress(TimeoutError):  # a broker that sends no tickets
            self._take_in()
        self._socket.settimeout(timeout_seconds)
