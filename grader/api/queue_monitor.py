"""Counters of the queues, shared by all callers, and the position of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from time import monotonic

from grader.api.errors import ApiError
from grader.api.remote import RemoteService
from grader.contract.submissions import NoteCode, QueuePosition
from grader.errors import GraderError
from grader.ports.messages import QueueInspector, QueueStatistics

_FRESH_SECONDS = 1.0
#: Counters of this age still tell about where a message is.
_USABLE_SECONDS = 30.0
#: Reading a submission must not wait for a broker that is silent.
_PATIENCE_SECONDS = 1.0
_NOTES: dict[NoteCode, str] = {
    "NO_WORKER": "no worker runs; it starts when one does",
    "PERHAPS_NO_WORKER": "no request is in work; perhaps no worker runs",
}


class QueueMonitor:
    """
    Reads the counters of the queues at most once a second, whatever the number of callers.

    Args:
        open_inspector: Opens a connection that reads the counters.
        queues: Names of the queues, that of ordinary requests first.
        service: Runs the calls, one at a time.
        patience_seconds: Longest time that a position is waited for.
        clock: Seconds.
    """

    def __init__(
        self,
        open_inspector: Callable[[], AbstractContextManager[QueueInspector]],
        queues: tuple[str, ...],
        service: RemoteService,
        *,
        patience_seconds: float = _PATIENCE_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._open = open_inspector
        self._queues = queues
        self._service = service
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._lock = asyncio.Lock()
        self._stack = ExitStack()
        self._inspector: QueueInspector | None = None
        self._found: Mapping[str, QueueStatistics] = {}
        self._read_at = float("-inf")
        self._sent: dict[str, int] = {}
        self._refreshing: asyncio.Task[None] | None = None

    async def statistics(self) -> Mapping[str, QueueStatistics]:
        """
        Read the counters of the queues that exist; not older than a second.

        Raises:
            ApiError: 503 if they cannot be read.
        """
        if self._age() < _FRESH_SECONDS:
            return self._found
        async with self._lock:  # of several callers one reads
            if self._age() >= _FRESH_SECONDS:
                found = await self._service.call(self._read)
                self._found, self._read_at = found, self._clock()
                self._sent.clear()
        return self._found

    def note_sent(self, queue: str) -> None:
        """Count a message that this process sent since the counters were read."""
        self._sent[queue] = self._sent.get(queue, 0) + 1

    def ticket(self, queue: str) -> int | None:
        """
        Return how many messages a queue has received, as far as that is known, without waiting.

        A request that is sent now has about this many before it. The counters are read again in
        the background if they are old.
        """
        if self._age() >= _FRESH_SECONDS:
            self._refresh_soon()
        counters = self._found.get(queue)
        if counters is None or not counters.enqueued or self._age() > _USABLE_SECONDS:
            return None
        return counters.enqueued + self._sent.get(queue, 0)

    def waiting(self, queue: str) -> int | None:
        """Return how many messages wait, as far as that is known, without waiting."""
        if self._age() >= _FRESH_SECONDS:
            self._refresh_soon()
        counters = self._found.get(queue)
        if counters is None or self._age() > _USABLE_SECONDS:
            return None
        return counters.waiting + self._sent.get(queue, 0)

    async def position(self, queue: str, ticket: int | None) -> QueuePosition | None:
        """
        Return where a request is that no worker has taken; None if that cannot be known soon.

        Args:
            queue: Its queue; empty if that is not known, which means the ordinary one.
            ticket: How many messages the queue had received before it.
        """
        if self._age() >= _FRESH_SECONDS:
            await asyncio.wait({self._refresh_soon()}, timeout=self._patience_seconds)
            if self._age() >= _FRESH_SECONDS:
                return None
        counters = self._found.get(queue or self._queues[0])
        return None if counters is None else position_of(counters, ticket)

    async def close(self) -> None:
        """Disconnect."""
        if self._refreshing is not None:
            self._refreshing.cancel()
        inspector, self._inspector = self._inspector, None
        if inspector is not None:
            await asyncio.to_thread(self._stack.close)

    def _age(self) -> float:
        return self._clock() - self._read_at

    def _refresh_soon(self) -> asyncio.Task[None]:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh())
        return self._refreshing

    async def _refresh(self) -> None:
        with suppress(ApiError, GraderError):  # the next call tries again
            await self.statistics()

    def _read(self) -> Mapping[str, QueueStatistics]:
        try:
            if self._inspector is None:
                self._inspector = self._stack.enter_context(self._open())
            return self._inspector.statistics(self._queues)
        except GraderError:
            self._inspector = None
            self._stack.close()
            raise


def position_of(counters: QueueStatistics, ticket: int | None) -> QueuePosition:
    """
    Compute the position of a request; pure.

    Args:
        counters: Of its queue.
        ticket: How many messages the queue had received before it.
    """
    position = None
    if ticket is not None and counters.enqueued >= ticket:  # else the broker counts anew
        gone = counters.dequeued + counters.expired + counters.in_flight
        position = min(max(ticket - gone + 1, 1), max(counters.waiting, 1))
    code = _note_code(counters)
    return QueuePosition(
        name=counters.queue,
        position=position,
        waiting=counters.waiting,
        consumers=counters.consumers,
        note=_NOTES[code] if code else None,
        note_code=code,
    )


def _note_code(counters: QueueStatistics) -> NoteCode | None:
    if counters.consumers == 0:
        return "NO_WORKER"
    if counters.consumers is None and counters.waiting and not counters.in_flight:
        return "PERHAPS_NO_WORKER"
    return None
