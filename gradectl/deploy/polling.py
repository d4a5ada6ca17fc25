"""Waiting for what AWS does in its own time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_PAUSE_SECONDS = 2.0


def pauses(seconds: float) -> Callable[[], bool]:
    """
    Make a function that waits a moment; it answers False when the time is over.

    Args:
        seconds: How long all of it may take.
    """
    end = time.monotonic() + seconds
    never = threading.Event()

    def pause() -> bool:
        left = end - time.monotonic()
        if left > 0:
            never.wait(min(_PAUSE_SECONDS, left))
        return left > 0

    return pause
