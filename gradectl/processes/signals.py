"""Signals that arrive at any moment, also while the main thread waits or holds a lock."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

#: Ignored by a program that does not handle it, and higher than the signals that gradectl handles.
_NUDGE = signal.SIGURG
_PAUSE_SECONDS = 0.05
_BYTES = 4096


@contextmanager
def prompt_signals() -> Iterator[None]:
    """
    Let Python handle signals at once during the block, which is one of the main thread.

    Python looks for signals between instructions, and when a system call was interrupted. A signal
    that comes between the last look and a call, or that the kernel gives to another thread, is
    handled when that call returns: a `read` from a silent program never does. So a thread learns of
    each signal, and interrupts the calls of the main thread until the signal is handled.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    nudger = _Nudger()
    thread = threading.Thread(target=nudger.follow, args=(reader,), name="signals", daemon=True)
    handler = signal.signal(_NUDGE, nudger.answer)
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    thread.start()
    try:
        yield
    finally:
        nudger.ended.set()
        signal.set_wakeup_fd(wakeup)
        os.close(writer)
        thread.join()
        os.close(reader)
        signal.signal(_NUDGE, handler)


def call_on_signal(stop: Callable[[], None]) -> None:
    """
    Call a function at the first SIGTERM or SIGINT, in a thread that waits for it.

    A signal handler could not take a lock: it runs in the main thread, which may hold it. The
    signals stay blocked for this process; programs are started without, see `guard`.

    Args:
        stop: The function.
    """
    numbers = (signal.SIGTERM, signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)

    def wait() -> None:
        signal.sigwait(numbers)
        stop()

    threading.Thread(target=wait, name="signals", daemon=True).start()


class _Nudger:
    """Interrupts the main thread, which makes it, after each signal."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self._main = threading.get_ident()
        self._answers = 0

    def answer(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        """Handle a nudge."""
        self._answers += 1

    def follow(self, numbers: int) -> None:
        """Nudge for each signal whose number is read from a pipe, until its end."""
        while arrived := os.read(numbers, _BYTES):
            if set(arrived) - {_NUDGE}:
                self._nudge()

    def _nudge(self) -> None:
        """
        Nudge until the main thread has answered twice.

        Python handles signals in the order of their numbers, a nudge last. The first answer may
        belong to a look that began before the signal; one more look has handled it.
        """
        enough = self._answers + 2
        while self._answers < enough and not self.ended.wait(_PAUSE_SECONDS):
            signal.pthread_kill(self._main, _NUDGE)
