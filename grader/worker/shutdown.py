"""Ending a process in good order, or at once when asked twice."""

from __future__ import annotations

import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from grader.errors import StoppingError
from grader.logs import Logger

_ENDED = 0  # no signal has this number
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_until_told(
    body: Callable[[threading.Event], None], *, drain_seconds: float, log: Logger
) -> int:
    """
    Run `body` until it ends by itself or a SIGTERM or SIGINT arrives.

    The body runs on a thread of its own, and the main thread does nothing but wait: a signal
    handler must not touch a lock that the main thread may hold.

    Args:
        body: Gets an event that is set when it shall come to an end.
        drain_seconds: How long it may take with that; a second signal cuts it short.
        log: Where it is said.

    Returns:
        The exit status: 0 when the body ended, 128 + the signal's number when it was left behind.

    Raises:
        Exception: What `body` raised.
    """
    stopping = threading.Event()
    errors: list[BaseException] = []
    with _events() as (events, ended):

        def run_body() -> None:
            try:
                body(stopping)
            except StoppingError as reason:
                log.info(str(reason))
            except BaseException as error:  # noqa: BLE001 - raised again on the main thread
                errors.append(error)
            finally:
                ended()

        threading.Thread(target=run_body, name="worker", daemon=True).start()
        first = events.recv(1)[0]
        if first != _ENDED and not _drain(events, stopping, drain_seconds, log):
            return 128 + first
    if errors:
        raise errors[0]
    return 0


@contextmanager
def _events() -> Iterator[tuple[socket.socket, Callable[[], None]]]:
    """
    Give a socket on which each signal arrives as a byte, and what says there that the body ended.

    Python runs a handler between two instructions, so one that comes just before the main thread
    begins to wait would be noticed when the waiting ends.  A byte that was written is never missed.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    for number in _SIGNALS:
        signal.signal(number, lambda *_: None)  # what counts is the byte
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    lock = threading.Lock()

    def ended() -> None:
        with lock:
            if writer.fileno() >= 0:  # else nobody waits any more
                writer.send(bytes([_ENDED]))

    try:
        yield reader, ended
    finally:
        signal.set_wakeup_fd(before)
        with lock:
            writer.close()
        reader.close()


def _drain(events: socket.socket, stopping: threading.Event, seconds: float, log: Logger) -> bool:
    log.info("Stopping: finishing what is in work, taking nothing new")
    stopping.set()
    arrived, _, _ = select.select([events], [], [], seconds)
    ended = bool(arrived) and events.recv(1)[0] == _ENDED
    if ended:
        log.info("Stopped")
    else:
        log.warning("Leaving at once; what is in work is delivered to another worker")
    return ended


def run_all(tasks: dict[str, Callable[[], None]], stopping: threading.Event) -> None:
    """
    Run each task on a thread of its own until all have ended; one that fails stops the others.

    Args:
        tasks: By name of the thread.
        stopping: Set when a task raises.

    Raises:
        Exception: What the first task that failed raised.
    """
    errors: list[BaseException] = []

    def guarded(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - raised again by `run_all`
            errors.append(error)
            stopping.set()

    threads = [
        threading.Thread(target=guarded, args=(task,), name=name, daemon=True)
        for name, task in tasks.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
