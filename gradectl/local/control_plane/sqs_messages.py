"""The messages of a standard queue: which are visible, in flight or delayed; pure."""

from __future__ import annotations

import heapq
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Generic, TypeVar

from moto.sqs.exceptions import OverLimit, ReceiptHandleIsInvalid

from gradectl.local.control_plane.sqs_errors import (
    MAX_VISIBILITY_SECONDS,
    GoneError,
    NotInFlightError,
    TooLongError,
)

Payload = TypeVar("Payload")

#: Messages in flight that a standard queue may have.
MAX_IN_FLIGHT = 120_000


class Place(Enum):
    """Where a message is."""

    VISIBLE = "visible"
    IN_FLIGHT = "in flight"
    DELAYED = "delayed"


@dataclass(eq=False)
class Entry(Generic[Payload]):
    """
    A message in a queue. Times are those of the caller's clock, in seconds.

    Attributes:
        number: Its number in the queue.
        payload: What was sent.
        sent_at: When it was sent; its retention counts from then.
        hidden_until: When it becomes visible.
        place: Where it is.
        receives: How often it was received.
        received_at: When it was received last.
    """

    number: int
    payload: Payload
    sent_at: float
    hidden_until: float
    place: Place
    receives: int = 0
    received_at: float = 0.0


@dataclass
class Receipts(Generic[Payload]):
    """The answer to a receive: entries with their handles, and entries received too often."""

    received: list[tuple[Entry[Payload], str]] = field(default_factory=list)
    exhausted: list[Entry[Payload]] = field(default_factory=list)


class Messages(Generic[Payload]):
    """
    The messages of one queue. No call takes longer because more of them wait.

    Args:
        queue: Distinguishes the handles of this queue from those of others.
    """

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._entries: dict[int, Entry[Payload]] = {}
        self._last_number = 0
        self._visible: OrderedDict[int, None] = OrderedDict()
        self._delayed = 0
        # heaps of a time and a number; an item whose entry has another time by now does not count
        self._hidden: list[tuple[float, int]] = []
        self._sent: list[tuple[float, int]] = []

    def __iter__(self) -> Iterator[Entry[Payload]]:
        """Iterate over all messages, in the order in which they were added."""
        return iter(self._entries.values())

    def add(self, payload: Payload, now: float, delay: float = 0) -> None:
        """
        Add a message.

        Args:
            payload: What was sent.
            now: The time.
            delay: Seconds until it becomes visible for the first time.
        """
        place = Place.DELAYED if delay > 0 else Place.VISIBLE
        self._insert(Entry(0, payload, now, now + delay, place))

    def adopt(self, entry: Entry[Payload]) -> None:
        """Add a visible message of another queue; it keeps its age and its receives."""
        self._insert(replace(entry, place=Place.VISIBLE))

    def receive(
        self, count: int, visibility: float, now: float, max_receives: int | None = None
    ) -> Receipts[Payload]:
        """
        Receive messages that are visible, the longest visible ones first.

        Args:
            count: How many at most.
            visibility: Seconds until they become visible again.
            now: The time.
            max_receives: Messages that were received this often are removed; None for no limit.

        Raises:
            OverLimit: The queue has its most messages in flight.
        """
        self._reveal(now)
        answer: Receipts[Payload] = Receipts()
        if self._in_flight >= MAX_IN_FLIGHT:
            raise OverLimit(self._in_flight)
        while self._visible and len(answer.received) < count:
            number, _ = self._visible.popitem(last=False)
            entry = self._entries[number]
            if max_receives is not None and entry.receives >= max_receives:
                del self._entries[number]
                answer.exhausted.append(entry)
                continue
            entry.receives += 1
            entry.received_at = now
            self._hide(entry, now + visibility)
            answer.received.append((entry, self._handle(entry)))
        return answer

    def delete(self, handle: str) -> None:
        """
        Delete the message of a handle; the handle of an earlier receive has no effect.

        Raises:
            ReceiptHandleIsInvalid: This queue did not give the handle.
        """
        if entry := self.find(handle):
            self._remove(entry)

    def change_visibility(self, handle: str, visibility: float, now: float) -> None:
        """
        Hide the message of a handle for so many seconds from now; 0 makes it visible.

        Raises:
            ReceiptHandleIsInvalid: This queue did not give the handle.
            GoneError: The message was deleted or received again.
            NotInFlightError: The message is visible again.
            TooLongError: It would be hidden for more than 12 h.
        """
        self._reveal(now)
        entry = self.find(handle)
        if entry is None:
            raise GoneError(handle)
        if entry.place is not Place.IN_FLIGHT:
            raise NotInFlightError(handle)
        if now + visibility - entry.received_at > MAX_VISIBILITY_SECONDS:
            raise TooLongError(visibility)
        self._hide(entry, now + visibility)
        self._reveal(now)

    def find(self, handle: str) -> Entry[Payload] | None:
        """Return the message of a handle; None if it was deleted or received again."""
        number, receives = self._parse(handle)
        entry = self._entries.get(number)
        return entry if entry and entry.receives == receives else None

    def take(self, count: int, now: float) -> list[Entry[Payload]]:
        """Remove up to `count` visible messages, and return them."""
        self._reveal(now)
        taken: list[Entry[Payload]] = []
        while self._visible and len(taken) < count:
            number, _ = self._visible.popitem(last=False)
            taken.append(self._entries.pop(number))
        return taken

    def counts(self, now: float) -> dict[Place, int]:
        """Return how many messages are in each place."""
        self._reveal(now)
        return {
            Place.VISIBLE: len(self._visible),
            Place.IN_FLIGHT: self._in_flight,
            Place.DELAYED: self._delayed,
        }

    def forget_sent_before(self, time: float) -> None:
        """Remove messages whose retention has ended."""
        while self._sent and self._sent[0][0] <= time:
            _, number = heapq.heappop(self._sent)
            if entry := self._entries.get(number):
                self._remove(entry)

    def oldest_sent_at(self) -> float | None:
        """Return when the oldest message was sent; None without one."""
        while self._sent and self._sent[0][1] not in self._entries:
            heapq.heappop(self._sent)
        return self._sent[0][0] if self._sent else None

    def purge(self) -> None:
        """Remove all messages."""
        for entry in list(self):
            self._remove(entry)

    @property
    def _in_flight(self) -> int:
        return len(self._entries) - len(self._visible) - self._delayed

    def _insert(self, entry: Entry[Payload]) -> None:
        self._last_number += 1
        entry.number = self._last_number
        self._entries[entry.number] = entry
        heapq.heappush(self._sent, (entry.sent_at, entry.number))
        if entry.place is Place.VISIBLE:
            self._visible[entry.number] = None
        else:
            self._delayed += 1
            heapq.heappush(self._hidden, (entry.hidden_until, entry.number))

    def _hide(self, entry: Entry[Payload], until: float) -> None:
        entry.place, entry.hidden_until = Place.IN_FLIGHT, until
        heapq.heappush(self._hidden, (until, entry.number))

    def _reveal(self, now: float) -> None:
        """Make messages visible whose time has come."""
        while self._hidden and self._hidden[0][0] <= now:
            until, number = heapq.heappop(self._hidden)
            entry = self._entries.get(number)
            if entry and entry.place is not Place.VISIBLE and entry.hidden_until == until:
                self._delayed -= entry.place is Place.DELAYED
                entry.place = Place.VISIBLE
                self._visible[number] = None

    def _remove(self, entry: Entry[Payload]) -> None:
        del self._entries[entry.number]
        self._visible.pop(entry.number, None)
        self._delayed -= entry.place is Place.DELAYED

    def _handle(self, entry: Entry[Payload]) -> str:
        return b64encode(f"{self._queue} {entry.number} {entry.receives}".encode()).decode()

    def _parse(self, handle: str) -> tuple[int, int]:
        """Return the number of a message, and the number of its receive."""
        try:
            queue, number, receives = b64decode(handle, validate=True).decode().split(" ")
            parsed = int(number), int(receives)
        except (Base64Error, ValueError) as error:
            raise ReceiptHandleIsInvalid from error
        if queue != self._queue:
            raise ReceiptHandleIsInvalid
        return parsed
