"""Pauses for polling AWS with a time limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Makes a function that pauses between two polls, from a time limit in seconds.
MakePause = Callable[[float], Callable[[], bool]]
_PAUSE_SECONDS = 2.0


def pauses(seconds: float) -> Callable[[], bool]:
    """
    Make a function that pauses between two polls; it returns False when the time is over.

    Args:
        seconds: Time limit for all pauses together.
    """
    end = time.monotonic() + seconds
    never = threading.Event()

    def pause() -> bool:
        left = end - time.monotonic()
        if left > 0:
            never.wait(min(_PAUSE_SECONDS, left))
        return left > 0

    return pause
