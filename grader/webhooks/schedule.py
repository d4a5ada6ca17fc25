"""Decides when a failed delivery is sent again; pure."""

from __future__ import annotations

import zlib
from datetime import timedelta

#: Delays after each failed attempt: eight attempts in 27 hours and 35 minutes.
DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
#: Share of a delay that is spread, so that deliveries that failed together do not return together.
_JITTER = 0.2


def next_delay(attempt: int, key: str, retry_after: timedelta | None = None) -> timedelta | None:
    """
    Return how long to wait after a failed attempt.

    Args:
        attempt: Its number, from 1.
        key: Spreads the deliveries: the same key has the same delay.
        retry_after: What the receiver asks for; it counts up to the delay of the next step.

    Returns:
        The delay; None if it was the last attempt.
    """
    if attempt > len(DELAYS):
        return None
    share = zlib.crc32(f"{key} {attempt}".encode()) / 2**32
    delay = DELAYS[attempt - 1] * (1 + _JITTER * share)
    if retry_after is None:
        return delay
    longest = DELAYS[min(attempt, len(DELAYS) - 1)]
    return max(delay, min(retry_after, longest))
