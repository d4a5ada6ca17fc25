"""Graceful shutdown on a signal, immediate on a second one."""

from __future__ import annotations

import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from grader.errors import StoppingError
from grader.logs import Logger

_ENDED = 0  # not a signal number
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: Time for `leave`; the platform kills the process not long after the drain.
_LEAVE_SECONDS = 5.0


def run_until_signal(
    body: Callable[[threading.Event], None],
    *,
    drain_seconds: float,
    log: Logger,
    leave: Callable[[], None] = lambda: None,
) -> int:
    """
    Run `body` until it returns, or until SIGTERM or SIGINT.

    The body runs on its own thread and the main thread only waits: a signal handler must not
    acquire a lock that the main thread may hold.

    Args:
        body: Called with an event that is set on shutdown.
        drain_seconds: Time for the body to end after that; a second signal ends it at once.
        log: Log of the worker.
        leave: Called before a body is abandoned; gets five seconds.

    Returns:
        Exit code: 0 if the body ended, 128 + signal number if it was abandoned.

    Raises:
        Exception: Any exception of `body`.
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
            log.warning("Ending at once; running requests are delivered to another worker")
            _call_for(_LEAVE_SECONDS, leave)
            return 128 + first
    if errors:
        raise errors[0]
    return 0


@contextmanager
def _events() -> Iterator[tuple[socket.socket, Callable[[], None]]]:
    """
    Yield a socket that receives a byte for each signal, and a function that sends the end byte.

    Python runs signal handlers between instructions, so a signal just before the main thread
    starts to wait would be noticed only when the wait ends. A byte in a socket is never missed.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    for number in _SIGNALS:
        signal.signal(number, lambda *_: None)  # the byte is what matters
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    lock = threading.Lock()

    def ended() -> None:
        with lock:
            if writer.fileno() >= 0:  # else the main thread has stopped waiting
                writer.send(bytes([_ENDED]))

    try:
        yield reader, ended
    finally:
        signal.set_wakeup_fd(before)
        with lock:
            writer.close()
        reader.close()


def _drain(events: socket.socket, stopping: threading.Event, seconds: float, log: Logger) -> bool:
    stopping.set()
    log.info("Stopping: finishing running requests, taking no new ones")
    arrived, _, _ = select.select([events], [], [], seconds)
    ended = bool(arrived) and events.recv(1)[0] == _ENDED
    if ended:
        log.info("Stopped")
    return ended


def _call_for(seconds: float, action: Callable[[], None]) -> None:
    thread = threading.Thread(target=action, name="leave", daemon=True)
    thread.start()
    thread.join(seconds)


def run_all(tasks: dict[str, Callable[[], None]], stopping: threading.Event) -> None:
    """
    Run each task on its own thread until all have ended; a failing task stops the others.

    Args:
        tasks: Tasks by name of their thread.
        stopping: Set when a task raises.

    Raises:
        Exception: The first exception of a task.
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
