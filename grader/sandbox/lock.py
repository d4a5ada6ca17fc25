"""Who holds a slot."""

from __future__ import annotations

import errno
import socket


def take(lock: socket.socket, users: range) -> bool:
    """
    Take the users of a slot, until the socket is closed or its process ends.

    What must not be shared is the users, and they belong to the whole machine: two launchers with
    box roots of their own may have the same.  So the lock is a name that is as wide as they are,
    an abstract address, and no file.
    """
    try:
        lock.bind(f"\0grader-slot-of-user-{users.start}")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise
    return True
