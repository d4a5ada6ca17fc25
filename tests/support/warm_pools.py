"""Waits for what the thread of a warm pool does."""

from __future__ import annotations

import threading
from collections.abc import Callable

from grader.functions.pool import WarmPool

WAIT_SECONDS = 60.0


def await_ready(pool: WarmPool, runtime: str) -> bool:
    """Wait until a box of a runtime is ready; False after a minute."""
    return eventually(lambda: bool(pool._ready.get(runtime)))


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait for a condition that the thread of a pool makes true; False after a minute."""
    tick = threading.Event()
    return any(condition() or tick.wait(0.005) for _ in range(int(WAIT_SECONDS / 0.005)))
