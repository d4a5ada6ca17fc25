"""Finds free loopback ports, and tests whether a port accepts connections."""

from __future__ import annotations

import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"
_PROBE_SECONDS = 1.0


def free_ports(count: int) -> tuple[int, ...]:
    """
    Return `count` different ports that are free now.

    Another program may take one before it is used, so the caller must still handle a port in use.
    """
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return tuple(int(each.getsockname()[1]) for each in sockets)


def is_listening(port: int) -> bool:
    """Return True if a loopback port accepts connections."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_PROBE_SECONDS):
            return True
    except OSError:
        return False
