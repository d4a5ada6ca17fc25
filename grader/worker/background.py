"""Runs a function on a background thread while a block runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def in_background(
    name: str, run: Callable[[threading.Event], None], *, join_seconds: float
) -> Iterator[None]:
    """
    Run a function on a daemon thread until the block ends.

    Args:
        name: Name of the thread.
        run: Returns soon after its event is set, at the end of the block.
        join_seconds: How long the block waits for that.
    """
    ended = threading.Event()
    thread = threading.Thread(target=run, args=(ended,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(join_seconds)
