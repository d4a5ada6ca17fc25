"""A pause ends with a signal, also with one that interrupts nothing."""

from __future__ import annotations

import signal
import threading
from time import monotonic

import pytest

from gradectl.processes.pause import pause

LONG = 600.0


class SignalledError(Exception):
    """A signal arrived."""


def pause_beside(other: threading.Thread) -> None:
    other.start()
    pause(LONG)


def test_a_signal_to_another_thread_ends_a_long_pause() -> None:
    """It does not wake the thread that waits, like one just before the wait begins."""

    def handle(*_: object) -> None:
        raise SignalledError

    def signal_itself() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handle)
    other = threading.Thread(target=signal_itself)
    start = monotonic()
    try:
        with pytest.raises(SignalledError):
            pause_beside(other)
    finally:
        signal.signal(signal.SIGUSR1, before)
        other.join()

    assert monotonic() - start < LONG


def test_a_pause_lasts_as_long_as_asked() -> None:
    """Also longer than one of its parts."""
    start = monotonic()

    pause(1.2)

    assert monotonic() - start >= 1.2
