"""Loopback ports: finding free ones, and finding out whether somebody listens."""

from __future__ import annotations

import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"
_PROBE_SECONDS = 1.0


def free_ports(count: int) -> tuple[int, ...]:
    """
    Find ports that nobody listens on now; each is different.

    Another program may take one before it is used, so whoever listens must still report that.
    """
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return tuple(int(each.getsockname()[1]) for each in sockets)


def is_listening(port: int) -> bool:
    """Tell whether something accepts connections on a loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_PROBE_SECONDS):
            return True
    except OSError:
        return False
