"""The lock of a box."""

from __future__ import annotations

import errno
import socket


def take(lock: socket.socket, users: range) -> bool:
    """
    Lock the users of a box until the socket is closed or its process ends.

    User ids are shared by the whole machine, and two launchers with different box roots may use the
    same ones. So the lock is an abstract socket address, which has the same scope, and not a file.

    Returns:
        Whether the lock was free.
    """
    try:
        lock.bind(f"\0grader-slot-of-user-{users.start}")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise
    return True
