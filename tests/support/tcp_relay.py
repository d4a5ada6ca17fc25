"""A TCP relay between a worker and an engine, which tests can cut and restore."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Relay:
    """Listens on `port` while open, and relays bytes to and from `target`."""

    def __init__(self, target: int, port: int) -> None:
        """Start cut."""
        self.port = port
        self._target = ("127.0.0.1", target)
        self._server: socket.socket | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []

    def open(self) -> None:
        """Restore the connection."""
        server = socket.create_server(("127.0.0.1", self.port))
        self._server = server
        self._start(self._accept, server)

    def cut(self) -> None:
        """Disconnect all clients and accept no new ones."""
        if self._server is not None:
            with suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            self._server = None
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._pairs.clear()

    def _start(self, task: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=task, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = server.accept()
                far = socket.create_connection(self._target)
                self._pairs.append((near, far))
                self._start(self._pass_on, near, far)

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, selectors.DefaultSelector() as selector, suppress(OSError):
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in selector.select():
                    chunk = key.fileobj.recv(65536)
                    if not chunk:
                        return
                    key.data.sendall(chunk)
