"""Progress messages."""

from __future__ import annotations

import sys
import time

_STARTED = time.monotonic()


def say(words: str) -> None:
    """Write a line to stderr, with the seconds since the start."""
    print(f"bench {time.monotonic() - _STARTED:4.0f} s: {words}", file=sys.stderr, flush=True)
