"""A TCP relay between a worker and an engine, which tests can cut, stall and restore."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf


@dataclass(eq=False)
class _Link:
    """One client's connection and the one to the engine."""

    near: socket.socket
    far: socket.socket
    cuts_next_chunk: threading.Event = field(default_factory=threading.Event)
    stalls: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def end(self) -> None:
        """Disconnect both sides."""
        self.ended.set()
        for side in (self.near, self.far):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


class Relay:
    """Listens on `port` while open, and relays bytes to and from `target`."""

    def __init__(self, target: int, port: int) -> None:
        """Start cut."""
        self.port = port
        self._target = ("127.0.0.1", target)
        self._server: socket.socket | None = None
        self._links: list[_Link] = []
        self._threads: list[threading.Thread] = []
        self._counting = threading.Lock()
        self._bytes_left = inf
        self._is_frozen = False

    def open(self) -> None:
        """Restore the connection."""
        self._bytes_left = inf
        server = socket.create_server(("127.0.0.1", self.port))
        self._server = server
        self._start(self._accept, server)

    def cut(self) -> None:
        """Disconnect all clients and accept no new ones."""
        self._disconnect()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._links.clear()

    def cut_after(self, count: int) -> None:
        """Disconnect all clients as soon as they have sent so many more bytes; until `open`."""
        self._bytes_left = count

    def cut_half_way(self) -> list[threading.Event]:
        """End each open connection in the middle of what it carries next; accept new ones."""
        links = self._open_links()
        for link in links:
            link.cuts_next_chunk.set()
        return [link.ended for link in links]

    def stall(self) -> None:
        """Carry nothing more over the open connections, and keep them open; accept new ones."""
        for link in self._open_links():
            link.stalls.set()

    def freeze(self) -> None:
        """Accept connections and carry nothing over any, as a stopped process; until `thaw`."""
        self._is_frozen = True
        self.stall()

    def thaw(self) -> None:
        """Carry new connections again; those that were frozen are ended."""
        self._is_frozen = False
        for link in self._links:
            if link.stalls.is_set():
                link.end()

    def _disconnect(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()
        for link in self._links:
            link.end()

    def _open_links(self) -> list[_Link]:
        return [link for link in self._links if not (link.ended.is_set() or link.stalls.is_set())]

    def _start(self, task: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=task, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = server.accept()
                try:
                    far = socket.create_connection(self._target)
                except OSError:  # the engine is away
                    near.close()
                    continue
                link = _Link(near, far)
                if self._is_frozen:
                    link.stalls.set()
                self._links.append(link)
                if self._server is not server:  # cut since the client was accepted
                    link.end()
                self._start(self._pass_on, link)

    def _pass_on(self, link: _Link) -> None:
        near, far = link.near, link.far
        with near, far, selectors.DefaultSelector() as selector, suppress(OSError):
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            while not link.ended.is_set():
                for key, _ in selector.select():
                    if link.stalls.is_set():
                        link.ended.wait()
                        return
                    chunk = key.fileobj.recv(65536)
                    if link.cuts_next_chunk.is_set():
                        key.data.sendall(chunk[: len(chunk) // 2])
                        chunk = b""
                    if not chunk:
                        link.ended.set()
                        return
                    if key.data is far and self._is_last(chunk):
                        self._disconnect()
                        return
                    key.data.sendall(chunk)
        link.ended.set()

    def _is_last(self, chunk: bytes) -> bool:
        """Count the bytes that a client sent; true when the limit is reached."""
        with self._counting:
            self._bytes_left -= len(chunk)
            return self._bytes_left <= 0
