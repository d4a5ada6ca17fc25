"""Sends messages from any thread, over one connection that is opened again when it is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from grader.adapters.activemq.connection import Connection
from grader.errors import AccessError, ConnectionLostError


class ActiveMQSender:
    """
    See `grader.ports.messages.MessageSender`.

    Args:
        connect: Opens a connection; called again after a loss, and after a refused login, so that
            it can read a changed password.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """
        Send one persistent message; returns after the broker has stored it.

        A message whose receipt was lost with the connection is sent again, and may arrive twice.
        """
        with self._lock:
            if self._connection is not None:
                try:
                    self._connection.send(queue, body, headers)
                except (ConnectionLostError, AccessError):
                    self._drop()
                else:
                    return
            self._connection = self._connect()
            try:
                self._connection.send(queue, body, headers)
            except (ConnectionLostError, AccessError):
                self._drop()
                raise

    def close(self) -> None:
        """Disconnect."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _drop(self) -> None:
        """Forget a connection that is of no use any more."""
        if self._connection is not None:
            self._connection.drop()
            self._connection = None
