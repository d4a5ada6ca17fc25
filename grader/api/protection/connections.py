"""Bounds what a connection may hold: slow or endless headers and bodies, and slow readers."""

from __future__ import annotations

import asyncio
import resource
from typing import Any, Literal

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEADER_SECONDS = 10.0
_MESSAGE_SECONDS = 30.0
_STALLED_SECONDS = 30.0
_MOST_HEADER_BYTES = 65_536
_IDLE_SECONDS = 65  # more than the 60 s of a load balancer, or it would send to a closed connection
_OTHER_FILES = 256  # open files that are not connections of clients
_MOST_CONNECTIONS = 16_384
_CLOSING = "connection: close\r\ncontent-length: 0\r\n\r\n"
_TIMEOUT = f"HTTP/1.1 408 Request Timeout\r\n{_CLOSING}".encode()
_TOO_LARGE = f"HTTP/1.1 431 Request Header Fields Too Large\r\n{_CLOSING}".encode()


def server_config(
    app: ASGIApp, *, drain_seconds: int, lifespan: Literal["on", "off"] = "on"
) -> uvicorn.Config:
    """
    Make the configuration of a server that is safe to put on a network.

    Args:
        app: The application.
        drain_seconds: Time for open calls when the server stops.
        lifespan: Whether the application is notified of start and stop.
    """
    return uvicorn.Config(
        app,
        http=GuardedProtocol,
        ws="none",
        lifespan=lifespan,
        proxy_headers=False,  # it would believe what clients write into X-Forwarded-For
        server_header=False,
        access_log=False,
        log_config=None,
        limit_concurrency=most_connections(),
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,
    )


def most_connections() -> int:
    """
    Allow this process as many open files as it may have, and return the connections that fit.

    More connections than that are answered with 503, which needs an open file too.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_CONNECTIONS + _OTHER_FILES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    free = _MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else soft - _OTHER_FILES
    return max(1, min(free * 9 // 10, _MOST_CONNECTIONS))


class GuardedProtocol(HttpToolsProtocol):
    """
    uvicorn's HTTP protocol with the limits that it lacks.

    A request must have its headers after 10 s and its body after 30 s, headers have at most 64 KiB,
    and a client that reads nothing for 30 s loses the connection.
    """

    header_seconds = _HEADER_SECONDS
    message_seconds = _MESSAGE_SECONDS
    stalled_seconds = _STALLED_SECONDS

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - passed on to uvicorn
        super().__init__(*args, **settings)
        self._arriving: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._header_bytes: int | None = 0  # None: the headers are complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        """Wait for the first request."""
        super().connection_made(transport)
        self._expect(self.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers."""
        super().connection_lost(exc)
        self._expect(None)
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Count the bytes of the headers."""
        super().data_received(data)
        if self._header_bytes is not None:
            self._header_bytes += len(data)
            if self._header_bytes > _MOST_HEADER_BYTES:
                self._end(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Start the time for the headers."""
        super().on_message_begin()
        self._header_bytes = 0
        self._expect(self.header_seconds)

    def on_headers_complete(self) -> None:
        """Start the time for the body."""
        super().on_headers_complete()
        self._header_bytes = None
        self._expect(self.message_seconds)

    def on_message_complete(self) -> None:
        """The request has arrived; the connection may be idle as long as uvicorn allows."""
        super().on_message_complete()
        self._expect(None)

    def pause_writing(self) -> None:
        """The client does not read as fast as the answer is written."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self.stalled_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _expect(self, seconds: float | None) -> None:
        """Give the rest of a request this time; None: nothing is expected."""
        if self._arriving is not None:
            self._arriving.cancel()
        self._arriving = None if seconds is None else self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        self._arriving = None
        self._end(_TIMEOUT)

    def _end(self, answer: bytes) -> None:
        """Close the connection, with an answer where none has begun."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(answer)
        self.transport.close()
