"""
Receives from two transports while an environment changes from one to the other.

Each message is settled on the transport that it came from, and the two take turns. The loss of one
does not stop the other: it is opened again on a background thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from grader.errors import AccessError, ConnectionLostError, GraderError, SettingsError, TrustError
from grader.logs import Logger
from grader.ports.messages import Delivery, JobSource, Outgoing
from grader.ports.transport import Transport

#: How long one transport is waited for before it is the turn of the other.
_TURN_SECONDS = 0.2
#: How long one that was empty is not waited for while the other has messages.
_REST_SECONDS = 0.5
_REFUSALS = (AccessError, SettingsError, TrustError)


@dataclass(frozen=True)
class CombinedTransport:
    """
    Two transports as one.

    Args:
        active: That of the environment.
        drained: That whose messages are left from before the change.
        log: Log of the worker.
        pause_seconds: Between two tries to open a transport again.
    """

    active: Transport
    drained: Transport
    log: Logger
    pause_seconds: float = 5.0
    name: str = field(default="combined", init=False)

    def open_source(self, consumer: str) -> CombinedSource:
        """
        Open both for one consumer; one that cannot be reached is opened later.

        Raises:
            ConnectionLostError: Neither can be reached.
            AccessError: The active one refuses the login, or a right is missing.
            SettingsError: A queue of the active one does not exist.
            TrustError: The certificate of the active one is not trusted.
        """
        parts = [
            _Part(self.active, consumer, self.log, self.pause_seconds),
            _Part(self.drained, consumer, self.log, self.pause_seconds, tolerated=_REFUSALS),
        ]
        source = CombinedSource(parts)
        try:
            for part in parts:
                part.open()
            source.check()
        except GraderError:
            source.close()
            raise
        return source

    def open_inspector(self) -> None:
        """Return None: requests are not prepared while they come from two transports."""
        return


class _Part:
    """
    One transport, which is opened again after a loss.

    Args:
        transport: The transport.
        consumer: Name of the consumer.
        log: Log of the worker.
        pause_seconds: Between two tries to open it.
        tolerated: Errors after which the other transport goes on alone, besides a lost connection.
    """

    def __init__(
        self,
        transport: Transport,
        consumer: str,
        log: Logger,
        pause_seconds: float,
        *,
        tolerated: Sequence[type[GraderError]] = (),
    ) -> None:
        self.source: JobSource | None = None
        self.error: GraderError | None = None
        self.rests_until = 0.0
        self._open_source = partial(transport.open_source, consumer)
        self._name = transport.name
        self._log = log
        self._pause_seconds = pause_seconds
        self._tolerated: tuple[type[GraderError], ...] = (ConnectionLostError, *tolerated)
        self._lock = threading.Lock()
        self._opening = False
        self._closed = False
        self._next_try = 0.0

    def open(self) -> None:
        """Open it; raises what is not tolerated."""
        try:
            self._take(self._open_source())
        except self._tolerated as error:
            self._lost(error)

    def reopen(self) -> None:
        """Open it on a background thread, unless it is open or was tried just now."""
        with self._lock:
            if self.source or self._opening or self._closed or monotonic() < self._next_try:
                return
            self._opening = True
        name = f"open-{self._name}"
        threading.Thread(target=self._open_again, name=name, daemon=True).start()

    def receive(self, timeout_seconds: float) -> Delivery | None:
        """Receive as the source; None if it is not open."""
        if self.source is None:
            return None
        try:
            delivery = self.source.receive(timeout_seconds)
        except self._tolerated as error:
            self._lost(error)
            return None
        self.rests_until = 0.0 if delivery else monotonic() + _REST_SECONDS
        return delivery

    def confirm(self, *, is_in_work: bool) -> None:
        """Confirm as the source; if a message of it is in work, every error is raised."""
        if self.source is None:
            return
        try:
            self.source.confirm()
        except self._tolerated as error:
            if is_in_work:
                raise
            self._lost(error)

    def close(self) -> None:
        """Close it for good."""
        with self._lock:
            self._closed = True
            source, self.source = self.source, None
        if source is not None:
            source.close()

    def _open_again(self) -> None:
        try:
            self._take(self._open_source())
        except GraderError as error:
            self._lost(error)
        finally:
            with self._lock:
                self._opening = False

    def _take(self, source: JobSource) -> None:
        with self._lock:
            was_lost, self.error = self.error is not None, None
            if not self._closed:
                self.source = source
                if was_lost:
                    self._log.info("Transport is open again", transport=self._name)
                return
        source.close()

    def _lost(self, error: GraderError) -> None:
        with self._lock:
            source, self.source = self.source, None
            self.error = error
            self._next_try = monotonic() + self._pause_seconds
        self._log.warning(
            "Transport lost, going on with the other one",
            transport=self._name,
            reason=str(error),
        )
        if source is not None:
            with suppress(GraderError):
                source.close()


class CombinedSource:
    """
    `grader.ports.messages.JobSource` over two others.

    Args:
        parts: The transports.
    """

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._parts = list(parts)
        self._from: JobSource | None = None  # that of the message in work

    def receive(self, timeout_seconds: float) -> Delivery | None:
        """
        Wait for the next message of either, each with its priority queue first.

        After a message it is the turn of the other. That one returns to its queue what arrives
        while a job runs.
        """
        deadline = monotonic() + timeout_seconds
        self._from = None
        while True:
            self.check()
            now = monotonic()
            ready = [part for part in self._parts if part.rests_until <= now]
            for part in ready or list(self._parts):
                remaining = max(deadline - monotonic(), 0.0)
                delivery = part.receive(min(_TURN_SECONDS, remaining))
                if delivery is not None:
                    self._begin(part)
                    return delivery
            if monotonic() >= deadline:
                return None

    def prepare(self, delivery: Delivery, outgoing: Sequence[Outgoing]) -> None:
        """As the source of the message."""
        self._source.prepare(delivery, outgoing)

    def withdraw(self) -> None:
        """As the source of the message."""
        self._source.withdraw()

    def settle(
        self,
        delivery: Delivery,
        outgoing: Sequence[Outgoing],
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Settle a message where it came from; its results are sent there too."""
        self._source.settle(delivery, outgoing, on_confirmed)

    def postpone(
        self,
        delivery: Delivery,
        copy: Outgoing,
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Delay a message where it came from."""
        self._source.postpone(delivery, copy, on_confirmed)

    def confirm(self) -> None:
        """Wait for the last settlement of each; the loss of the other does not end this job."""
        for part in self._parts:
            part.confirm(is_in_work=part.source is self._from)

    def pause(self) -> None:
        """Pause both."""
        for part in self._parts:
            if part.source is not None:
                part.source.pause()

    @property
    def hold_seconds(self) -> float | None:
        """That of the source of the message in work."""
        return self._source.hold_seconds

    def extend(self, delivery: Delivery) -> bool:
        """As the source of the message."""
        return self._source.extend(delivery)

    def close(self) -> None:
        """Close both at the same time: each may have to wait for its queues."""
        threads = [threading.Thread(target=part.close, daemon=True) for part in self._parts]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    def check(self) -> None:
        """Open again what is lost; raises `ConnectionLostError` if nothing is open."""
        if not any(part.source for part in self._parts):
            errors = [part.error for part in self._parts if part.error]
            raise ConnectionLostError("; ".join(map(str, errors)) or "no transport is open")
        for part in self._parts:
            part.reopen()

    @property
    def _source(self) -> JobSource:
        if self._from is None:
            raise ConnectionLostError("the transport of the message is lost")
        return self._from

    def _begin(self, part: _Part) -> None:
        self._from = part.source
        self._parts.remove(part)
        for other in self._parts:
            if other.source is not None:
                with suppress(GraderError):  # the next receive notices it
                    other.source.pause()
        self._parts.append(part)
