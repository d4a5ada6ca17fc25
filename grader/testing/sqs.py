"""
In-memory queues with the rules of SQS, and a consumer's source on them.

Tests control what SQS leaves open: when a message becomes visible again, which one comes first, and
that one is delivered twice.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from grader.errors import ConnectionLostError, GraderError
from grader.ports.messages import Delivery, Outgoing

_MOST_SECONDS_IN_FLIGHT = 43_200
_MOST_DELAY_SECONDS = 900


@dataclass
class _Copy:
    """One stored copy of a message; at-least-once delivery can make several."""

    queue: str
    message_id: str
    body: bytes
    headers: Mapping[str, str]
    visible_at: float
    receives: int = 0
    handle: str = ""  # of the last receipt
    received_at: float = 0.0


@dataclass(frozen=True)
class MemoryReceipt:
    """
    A received message.

    Attributes:
        queue: Name of its queue.
        message_id: Id of the message, the same for each receipt.
        handle: Receipt handle, new for each receipt.
        body: Its body.
        headers: Its attributes.
        receives: How often it was received, this time included.
    """

    queue: str
    message_id: str
    handle: str
    body: bytes
    headers: Mapping[str, str]
    receives: int


@dataclass
class MemorySqsQueues:
    """
    Standard queues of SQS.

    Args:
        now: The clock, in seconds.
        choose: Picks one of some visible messages by index; SQS promises no order.
        on_call: Called before each call with its name (`send`, `receive`, `delete`, `hide`) and the
            queue. What it raises, the call raises instead of having an effect.
    """

    now: Callable[[], float] = monotonic
    choose: Callable[[int], int] = lambda _count: 0
    on_call: Callable[[str, str], None] = lambda _call, _queue: None
    _copies: list[_Copy] = field(default_factory=list, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), init=False)

    def send(self, message: Outgoing) -> None:
        """Send a message to its queue."""
        self.on_call("send", message.queue)
        delay_seconds = min(-(-message.delay_ms // 1000), _MOST_DELAY_SECONDS)
        with self._changed:
            self._copies.append(
                _Copy(
                    message.queue,
                    f"message-{next(self._numbers)}",
                    message.body,
                    dict(message.headers),
                    self.now() + delay_seconds,
                )
            )
            self._changed.notify_all()

    def receive(self, queue: str, visibility_seconds: float) -> MemoryReceipt | None:
        """Receive a visible message and hide it; None if there is none."""
        self.on_call("receive", queue)
        with self._changed:
            visible = self._visible(queue)
            if not visible:
                return None
            copy = visible[self.choose(len(visible))]
            copy.receives += 1
            copy.handle = f"{copy.message_id}/{next(self._numbers)}"
            copy.received_at = self.now()
            copy.visible_at = copy.received_at + visibility_seconds
            return MemoryReceipt(
                queue, copy.message_id, copy.handle, copy.body, copy.headers, copy.receives
            )

    def await_visible(self, queues: Sequence[str], timeout_seconds: float) -> None:
        """Wait until one of some queues has a visible message, or a time is over."""
        deadline = self.now() + timeout_seconds
        with self._changed:
            while not any(self._visible(queue) for queue in queues):
                remaining = deadline - self.now()
                if remaining <= 0:
                    return
                due = [each.visible_at - self.now() for each in self._copies]
                self._changed.wait(max(min([remaining, *due]), 0.001))

    def delete(self, queue: str, handle: str) -> None:
        """Delete a message; without effect if it was received again since."""
        self.on_call("delete", queue)
        with self._changed:
            self._copies = [each for each in self._copies if each.handle != handle]

    def hide(self, queue: str, handle: str, seconds: float) -> bool:
        """
        Hide a message from now on; 0 makes it visible.

        Returns:
            False if the handle no longer holds it, or 12 h after the receipt would be exceeded.
        """
        self.on_call("hide", queue)
        with self._changed:
            now = self.now()
            for copy in self._copies:
                ends = copy.received_at + _MOST_SECONDS_IN_FLIGHT
                if copy.handle == handle and now < copy.visible_at and now + seconds <= ends:
                    copy.visible_at = now + seconds
                    self._changed.notify_all()
                    return True
        return False

    def expire(self, queue: str) -> None:
        """Make all messages of a queue visible, as if their time in flight were over."""
        with self._changed:
            for copy in self._copies:
                if copy.queue == queue:
                    copy.visible_at = min(copy.visible_at, self.now())
            self._changed.notify_all()

    def duplicate(self, receipt: MemoryReceipt | Delivery) -> None:
        """Have a received message delivered once more, whether it is held, deleted or waits."""
        with self._changed:
            self._copies.append(
                _Copy(
                    receipt.queue,
                    receipt.message_id,
                    receipt.body,
                    receipt.headers,
                    self.now(),
                    receipt.receives,
                )
            )
            self._changed.notify_all()

    def purge(self, queue: str) -> None:
        """Delete all messages of a queue, those in flight too."""
        with self._changed:
            self._copies = [each for each in self._copies if each.queue != queue]

    def messages(self, queue: str) -> list[Outgoing]:
        """List all messages of a queue: visible, in flight and delayed."""
        with self._changed:
            return [
                Outgoing(queue, each.body, each.headers)
                for each in self._copies
                if each.queue == queue
            ]

    def waiting(self, queue: str) -> list[Outgoing]:
        """List the visible messages of a queue."""
        with self._changed:
            return [Outgoing(queue, each.body, each.headers) for each in self._visible(queue)]

    def _visible(self, queue: str) -> list[_Copy]:
        now = self.now()
        return [each for each in self._copies if each.queue == queue and each.visible_at <= now]


class MemorySqsJobSource:
    """
    A source on `MemorySqsQueues`, which works on the calling thread.

    Args:
        queues: The queues.
        names: Names of the request queues, the most urgent first.
        visibility_seconds: How long a delivery is held.
    """

    def __init__(
        self, queues: MemorySqsQueues, names: Sequence[str], visibility_seconds: float = 120.0
    ) -> None:
        self._queues = queues
        self._names = tuple(names)
        self._visibility_seconds = visibility_seconds
        self._in_work: dict[str, Delivery] = {}
        self._received_at: dict[str, float] = {}
        self._expires: dict[str, float] = {}  # as this source knows it
        self._closed = False
        self._failure: GraderError | None = None
        self._on_confirmed: Callable[[], None] = lambda: None

    def receive(self, timeout_seconds: float) -> Delivery | None:
        """Wait for the next message, the most urgent queue first; None after the timeout."""
        self._check()
        receipt = self._take()
        if receipt is None and timeout_seconds > 0:
            self._queues.await_visible(self._names, timeout_seconds)
            receipt = self._take()
        if receipt is None:
            self.confirm()
            return None
        delivery = Delivery(
            queue=receipt.queue,
            message_id=receipt.message_id,
            body=receipt.body,
            headers=receipt.headers,
            redelivered=receipt.receives > 1,
            ack_id=receipt.handle,
            receives=receipt.receives,
        )
        self._in_work[receipt.handle] = delivery
        now = self._queues.now()
        self._received_at[receipt.handle] = now
        self._expires[receipt.handle] = now + self._visibility_seconds
        return delivery

    def prepare(self, delivery: Delivery, outgoing: Sequence[Outgoing]) -> None:
        """Do nothing: there are no transactions."""

    def withdraw(self) -> None:
        """Do nothing."""

    def settle(
        self,
        delivery: Delivery,
        outgoing: Sequence[Outgoing],
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Send `outgoing` and then delete the message; an error of it is raised by `confirm`.

        A message that was received again meanwhile is settled too: neither source notices.
        """

        def work() -> None:
            for message in outgoing:
                self._queues.send(message)
            self._queues.delete(delivery.queue, delivery.ack_id)

        self._settle(delivery, work, on_confirmed)

    def postpone(
        self,
        delivery: Delivery,
        copy: Outgoing,
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Hide the message for the delay of `copy`."""

        def work() -> None:
            ends = self._received_at[delivery.ack_id] + _MOST_SECONDS_IN_FLIGHT
            seconds = min(-(-copy.delay_ms // 1000), ends - self._queues.now())
            if not self._queues.hide(delivery.queue, delivery.ack_id, seconds):
                raise ConnectionLostError("the message is no longer held", where=delivery.queue)

        self._settle(delivery, work, on_confirmed)

    @property
    def hold_seconds(self) -> float | None:
        """The visibility timeout."""
        return self._visibility_seconds

    def extend(self, delivery: Delivery) -> bool:
        """Hide a delivery for another `hold_seconds`, at most until 12 h after its receipt."""
        if delivery.ack_id not in self._in_work:
            return False
        now = self._queues.now()
        ends = self._received_at[delivery.ack_id] + _MOST_SECONDS_IN_FLIGHT
        seconds = min(self._visibility_seconds, ends - now)
        held = seconds > 0 and self._queues.hide(delivery.queue, delivery.ack_id, seconds)
        if held:
            self._expires[delivery.ack_id] = now + seconds
        else:
            del self._in_work[delivery.ack_id]
        return held

    def pause(self) -> None:
        """Do nothing: a message is taken by `receive` only."""

    def confirm(self) -> None:
        """Confirm the last settlement, or raise its error."""
        self._check()
        done, self._on_confirmed = self._on_confirmed, lambda: None
        done()

    def close(self) -> None:
        """Make unsettled messages visible."""
        self._closed = True
        for delivery in self._in_work.values():
            self._queues.hide(delivery.queue, delivery.ack_id, 0)
        self._in_work.clear()

    def _take(self) -> MemoryReceipt | None:
        for name in self._names:
            receipt = self._queues.receive(name, self._visibility_seconds)
            if receipt is not None:
                return receipt
        return None

    def _settle(
        self, delivery: Delivery, work: Callable[[], None], on_confirmed: Callable[[], None]
    ) -> None:
        self.confirm()
        if not self._is_held(delivery):
            raise ConnectionLostError("the message is no longer held", where=delivery.queue)
        try:
            work()
        except GraderError as error:
            self._failure = error
            return
        del self._in_work[delivery.ack_id]
        self._on_confirmed = on_confirmed

    def _is_held(self, delivery: Delivery) -> bool:
        """Ask only if the time is over that this source knows of."""
        known = delivery.ack_id in self._in_work
        in_time = known and self._queues.now() < self._expires[delivery.ack_id]
        return in_time or (known and self.extend(delivery))

    def _check(self) -> None:
        if self._closed:
            raise ConnectionLostError("the source is closed", where="memory")
        if self._failure is not None:
            raise self._failure
