"""Waits that a signal ends."""

from __future__ import annotations

import threading
from time import monotonic

_SLICE_SECONDS = 1.0
_never = threading.Event()


def pause(seconds: float) -> None:
    """
    Wait; a signal ends the wait, whenever it comes.

    A signal just before a wait begins is handled only when that wait ends, because Python looks for
    signals between instructions. So a long pause is many short ones.

    Args:
        seconds: How long to wait.
    """
    end = monotonic() + seconds
    while (left := end - monotonic()) > 0:
        _never.wait(min(left, _SLICE_SECONDS))
