"""Settles messages on a thread, so that the next one can be received meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from grader.adapters.sqs.client import (
    NotInFlightError,
    ReceivedMessage,
    SqsClient,
    after_opening,
)
from grader.errors import ConnectionLostError
from grader.ports.messages import Outgoing


class Settler:
    """
    Runs one settlement at a time; thread-safe.

    Args:
        client: The queues.
        dead_letter_queue: Name of the queue whose messages are sent after all others.
        on_done: Called on the thread after each settlement.
    """

    def __init__(
        self, client: SqsClient, dead_letter_queue: str, on_done: Callable[[], None]
    ) -> None:
        self._client = client
        self._dead_letter_queue = dead_letter_queue
        self._on_done = on_done
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None
        self._on_confirmed: Callable[[], None] = lambda: None

    def check(self) -> None:
        """Raise as `confirm` if the last settlement has failed; never waits."""
        if self._failure is not None:
            raise self._failure

    def settle(
        self,
        message: ReceivedMessage,
        outgoing: Sequence[Outgoing],
        on_confirmed: Callable[[], None],
    ) -> None:
        """Send `outgoing`, dead letters last, then delete the message; call `confirm` before."""
        ordered = sorted(outgoing, key=lambda each: each.queue == self._dead_letter_queue)

        def work() -> None:
            for each in ordered:
                self._client.send(each)
            with suppress(NotInFlightError):  # delivered again, and answered again
                self._client.delete(message)

        self._start(work, on_confirmed)

    def postpone(
        self, message: ReceivedMessage, seconds: int, on_confirmed: Callable[[], None]
    ) -> None:
        """Hide the message for some time from now on; call `confirm` before."""

        def work() -> None:
            try:
                self._client.hide(message, seconds)
            except NotInFlightError as error:
                raise ConnectionLostError(error.what, where=error.where) from error

        self._start(work, on_confirmed)

    def confirm(self) -> None:
        """
        Wait for the last settlement, and call its `on_confirmed`, once.

        Raises:
            ConnectionLostError: It failed, maybe in part; so the message has to be returned.
        """
        with self._lock:
            if self._thread is None:
                return
            self._thread.join()
            self.check()
            self._thread = None
            self._on_confirmed()

    def _start(self, work: Callable[[], None], on_confirmed: Callable[[], None]) -> None:
        with self._lock:
            self._on_confirmed = on_confirmed
            self._thread = threading.Thread(target=self._run, args=(work,), name="sqs-settle")
            self._thread.start()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            with after_opening():
                work()
        except Exception as error:  # noqa: BLE001 - raised by the next `confirm`
            self._failure = error
        finally:
            self._on_done()
