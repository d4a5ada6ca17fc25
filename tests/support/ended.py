"""Waits for the end of a process that is not a child of the tests."""

from __future__ import annotations

import os
import select

SECONDS = 300.0  # a limit for a hung test


def has_ended(pid: int) -> bool:
    """Wait until a process has ended; False if it goes on."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], SECONDS)[0])
    finally:
        os.close(descriptor)
