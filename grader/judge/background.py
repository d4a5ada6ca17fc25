"""Runs an action in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future


def in_background(action: Callable[[], None]) -> Callable[[], None]:
    """
    Start an action on a thread of its own, and return a function that waits for its end.

    That function raises what the action raised. The thread is a daemon: unlike those of an
    executor, it does not keep a worker that has to leave at once.
    """
    done: Future[None] = Future()

    def run() -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, name="background", daemon=True).start()
    return done.result
