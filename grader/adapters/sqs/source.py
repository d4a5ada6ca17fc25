"""
Receives the requests of one consumer from SQS.

Long polls run on threads of their own, so that the consumer notices a shutdown at once. An idle
source has one poll of 20 s in flight for each of its queues. A source whose consumer works starts
none; what a poll brings that was in flight is held for a second, in case the job ends, and then
made visible for other workers.

A busy source polls the urgent queues once a second at most, because each poll is paid for: a short
job costs a receipt, a result and a deletion. While urgent messages keep coming, one message of ten
is an ordinary one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from grader.adapters.sqs.client import (
    MOST_SECONDS_IN_FLIGHT,
    MOST_WAIT_SECONDS,
    NotInFlightError,
    ReceivedMessage,
    SqsClient,
    after_opening,
)
from grader.adapters.sqs.settling import Settler
from grader.contract.names import DEAD_LETTER_QUEUE
from grader.errors import ConnectionLostError, GraderError
from grader.ports.messages import Delivery, Outgoing

#: How long a message stays hidden after its receipt or the last `extend`.
VISIBILITY_SECONDS = 120
#: How long a message that arrives during a job waits for its end.
_HELD_SECONDS = 1.0
#: A message received more often is kept until the job ends: busy workers would pass it around.
_MOST_RETURNS = 5
#: A queue that has not answered after this time is empty.
_EMPTY_SECONDS = 0.25
#: Between two polls of an urgent queue while the consumer is busy.
_URGENT_SECONDS = 1.0
#: Urgent messages in a row after which an ordinary one is next, if there is one.
_MOST_URGENT = 9
#: Before the fixed limit of the time in flight.
_MARGIN_SECONDS = 5.0
#: How long a message stays hidden whose job was abandoned: the process ends within this time, and
#: until then the job may still write its files.
_ABANDONED_SECONDS = 10
#: Time beyond a long poll, for its answer, when the source is closed.
_CLOSE_SECONDS = 5.0


@dataclass
class _Held:
    """A message in flight, and until when, by the clock of the source."""

    message: ReceivedMessage
    arrived: float
    expires: float
    taken: bool = False  # by the consumer
    lost: bool = False

    @property
    def ends(self) -> float:
        """When SQS makes the message visible whatever is done."""
        return self.arrived + MOST_SECONDS_IN_FLIGHT - _MARGIN_SECONDS


class SqsJobSource:
    """
    `grader.ports.messages.JobSource` over SQS.

    Args:
        client: The queues; may be shared between sources.
        queues: Queue names, the most urgent first.
        wait_seconds: Longest long poll, 1 to 20.
        visibility_seconds: `hold_seconds`; more than a network failure lasts.
        dead_letter_queue: Name of the queue whose messages are sent after all others.
        clock: Seconds from some moment on.
    """

    def __init__(  # noqa: PLR0913 - the last one is for tests
        self,
        client: SqsClient,
        queues: Sequence[str],
        *,
        wait_seconds: int = MOST_WAIT_SECONDS,
        visibility_seconds: int = VISIBILITY_SECONDS,
        dead_letter_queue: str = DEAD_LETTER_QUEUE,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._client = client
        self._clock = clock
        self._queues = tuple(queues)
        *self._urgent, self._ordinary = queues
        self._wait_seconds = wait_seconds
        self._visibility_seconds = visibility_seconds
        self._settler = Settler(client, dead_letter_queue, self._wake)
        self._changed = threading.Condition()
        self._polling: set[str] = set()
        self._arrived: dict[str, _Held] = {}  # queue -> the message that waits for the consumer
        self._in_work: dict[str, _Held] = {}  # receipt handle -> a delivery that is not settled
        self._failure: Exception | None = None  # of a poll
        self._busy_since: float | None = None
        self._urgent_since = float("-inf")  # when the urgent queues were found empty
        self._urgent_in_a_row = 0  # since the last ordinary message, or the last look for one
        self._idle = False  # the ordinary queue was empty at the last poll
        self._closed = False
        self._consumer = 0  # its thread

    def receive(self, timeout_seconds: float) -> Delivery | None:
        """Wait for the next message, the most urgent queue first; None after the timeout."""
        deadline = self._clock() + timeout_seconds
        self._consumer = threading.get_ident()
        self._settler.check()
        with self._changed:
            self._check()
            self._busy_since = None
        if not self._idle:
            if not self._is_ordinary_due():
                self._poll_urgent()
            self._idle = not self._await_arrival(
                [self._ordinary], min(deadline, self._clock() + _EMPTY_SECONDS)
            )
            if self._idle:
                self._urgent_in_a_row = 0
        if not self._idle or self._await_arrival(self._queues, deadline):
            return self._begin()
        self.confirm()
        return None

    def prepare(self, delivery: Delivery, outgoing: Sequence[Outgoing]) -> None:
        """Do nothing: SQS has no transactions."""

    def withdraw(self) -> None:
        """Do nothing, as `prepare`."""

    def settle(
        self,
        delivery: Delivery,
        outgoing: Sequence[Outgoing],
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Send `outgoing`, dead letters last, and then delete the message, on a thread of its own.

        A failure between two of these calls repeats what was sent before, because the message is
        delivered again.
        """
        held = self._settled(delivery)
        self._settler.settle(held.message, outgoing, self._confirmed(held, on_confirmed))

    def postpone(
        self,
        delivery: Delivery,
        copy: Outgoing,
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Hide the message for the delay of `copy`, at most until 12 h after its receipt."""
        held = self._settled(delivery)
        most_seconds = max(int(held.ends - self._clock()), 0)
        seconds = min(-(-copy.delay_ms // 1000), most_seconds)
        self._settler.postpone(held.message, seconds, self._confirmed(held, on_confirmed))

    def pause(self) -> None:
        """Start no poll, and return to its queue what polls in flight bring."""
        with self._changed:
            self._busy_since = self._clock()
            self._changed.notify_all()

    def confirm(self) -> None:
        """Wait until the last settlement is done."""
        self._settler.confirm()

    @property
    def hold_seconds(self) -> float | None:
        """The visibility timeout."""
        return float(self._visibility_seconds)

    def extend(self, delivery: Delivery) -> bool:
        """
        Hide a delivery for another `hold_seconds`, at most until 12 h after its receipt.

        Raises:
            ConnectionLostError: SQS does not answer; the delivery is held until its time is over.
        """
        with self._changed:
            held = self._in_work.get(delivery.ack_id)
        return held is not None and self._extend(held)

    def close(self) -> None:
        """
        Return what is not settled.

        Another thread than that of the consumer calls it for a job that is abandoned because the
        worker ends; its message becomes visible ten seconds later.

        If there was nothing to return, polls in flight are waited for, because what they bring
        would stay hidden for `hold_seconds` if the process ended before. A consumer that lost
        its connection does not wait either.
        """
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        with suppress(Exception):  # `confirm` has raised it, or does
            self._settler.confirm()
        with self._changed:
            unsettled = list(self._in_work.values())
            self._in_work.clear()
        is_abandoned = threading.get_ident() != self._consumer
        for held in unsettled:
            if not held.lost:
                self._return(held.message, _ABANDONED_SECONDS if is_abandoned else 0)
        if not unsettled and self._failure is None:
            with self._changed:
                wait_seconds = self._wait_seconds + _CLOSE_SECONDS
                self._changed.wait_for(lambda: not self._polling, wait_seconds)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectionLostError("the source is closed", where=self._ordinary)

    def _check(self) -> None:
        self._check_open()
        if self._failure is not None:
            raise self._failure

    def _await_arrival(self, queues: Sequence[str], deadline: float) -> bool:
        """Wait for a message with a long poll of each queue in flight; False after the deadline."""
        with self._changed:
            while not self._arrived:
                self._check()
                self._settler.check()
                remaining = deadline - self._clock()
                if remaining <= 0:
                    return False
                self._start_polls(queues)
                self._changed.wait(remaining)
        return True

    def _begin(self) -> Delivery:
        with self._changed:
            due = [self._ordinary] if self._urgent_in_a_row >= _MOST_URGENT else []
            queue = next(name for name in (*due, *self._queues) if name in self._arrived)
            held = self._arrived.pop(queue)
            held.taken = True
            self._idle = False
            self._urgent_in_a_row = self._urgent_in_a_row + 1 if queue in self._urgent else 0
            self._in_work[held.message.handle] = held
            self._busy_since = self._clock()
            if queue in self._urgent:
                self._urgent_since = float("-inf")
            self._changed.notify_all()
        message = held.message
        return Delivery(
            queue=queue,
            message_id=message.message_id,
            body=message.body,
            headers=message.headers,
            redelivered=message.receives > 1,
            ack_id=message.handle,
            receives=message.receives,
            first_received_ms=message.first_received_ms,
        )

    def _is_ordinary_due(self) -> bool:
        """Whether urgent messages have had their share; a poll in flight knows of no other one."""
        with self._changed:
            return self._urgent_in_a_row >= _MOST_URGENT and self._ordinary not in self._polling

    def _poll_urgent(self) -> None:
        """Look into the urgent queues, unless they were empty within the last second."""
        with self._changed:
            if self._arrived and min(map(self._queues.index, self._arrived)) == 0:
                return
            if self._clock() - self._urgent_since < _URGENT_SECONDS:
                return
            queues = [queue for queue in self._urgent if queue not in self._polling]
        for queue in queues:
            for message in self._receive(queue, 0):
                with self._changed:
                    self._arrived[queue] = self._held(message)
                return
        self._urgent_since = self._clock()

    def _start_polls(self, queues: Sequence[str]) -> None:
        """Start a long poll of each queue that has none; called with the lock."""
        missing = [queue for queue in queues if queue not in self._polling]
        self._polling.update(missing)
        for queue in missing:
            name = f"sqs-poll-{queue}"
            threading.Thread(target=self._poll, args=(queue,), name=name, daemon=True).start()

    def _poll(self, queue: str) -> None:
        """Receive once, and guard what came until the consumer takes it."""
        failure: Exception | None = None
        try:
            for message in self._receive(queue, self._wait_seconds):
                self._guard(message)
        except Exception as error:  # noqa: BLE001 - raised by the next `receive`
            failure = error
        finally:
            with self._changed:
                self._failure = self._failure or failure
                self._polling.discard(queue)
                self._changed.notify_all()

    def _receive(self, queue: str, wait_seconds: int) -> list[ReceivedMessage]:
        with after_opening():
            return self._client.receive(
                queue,
                count=1,
                wait_seconds=wait_seconds,
                visibility_seconds=self._visibility_seconds,
            )

    def _held(self, message: ReceivedMessage) -> _Held:
        now = self._clock()
        return _Held(message, now, now + self._visibility_seconds)

    def _guard(self, message: ReceivedMessage) -> None:
        """Offer a message to the consumer; return it to its queue if that is busy for long."""
        held = self._held(message)
        with self._changed:
            if not self._closed:
                self._arrived[message.queue] = held
                self._changed.notify_all()
        while self._waits_for_long(held) and message.receives > _MOST_RETURNS:
            with suppress(ConnectionLostError):
                if self._extend(held):
                    continue
            break
        with self._changed:
            if self._arrived.get(message.queue) is held:
                del self._arrived[message.queue]
            elif held.taken:
                return
        self._return(message)

    def _waits_for_long(self, held: _Held) -> bool:
        """Wait until a message was taken, or the source closed, or it has waited for too long."""
        with self._changed:
            while self._arrived.get(held.message.queue) is held and not self._closed:
                seconds = self._patience_seconds(held)
                if seconds is not None and seconds <= 0:
                    return True
                self._changed.wait(seconds)
        return False

    def _patience_seconds(self, held: _Held) -> float | None:
        """How long a message may still wait; None while the consumer is about to take it."""
        now = self._clock()
        if held.message.receives > _MOST_RETURNS:
            return held.expires - self._visibility_seconds * 2 / 3 - now
        if self._busy_since is None:
            return None
        limit = min(_HELD_SECONDS, self._visibility_seconds / 4)
        ends = max(held.arrived, self._busy_since) + limit
        return min(ends, held.arrived + self._visibility_seconds / 4) - now

    def _settled(self, delivery: Delivery) -> _Held:
        """Check that a delivery is held; raises `ConnectionLostError`."""
        self.confirm()
        with self._changed:
            self._check_open()  # a poll that failed does not matter here
            held = self._in_work.get(delivery.ack_id)
        if held is None or not self._is_held(held):
            raise ConnectionLostError(
                "the message is no longer held; it is delivered again",
                where=delivery.queue,
            )
        return held

    def _is_held(self, held: _Held) -> bool:
        if held.lost:
            return False
        return self._clock() < held.expires - 1 or self._extend(held)

    def _extend(self, held: _Held) -> bool:
        now = self._clock()
        seconds = min(self._visibility_seconds, int(held.ends - now))
        if seconds < 1:
            held.lost = True
        if held.lost:
            return False
        try:
            with after_opening():
                self._client.hide(held.message, seconds)
        except NotInFlightError:
            held.lost = True
            return False
        held.expires = now + seconds
        return True

    def _confirmed(self, held: _Held, on_confirmed: Callable[[], None]) -> Callable[[], None]:
        def done() -> None:
            with self._changed:
                self._in_work.pop(held.message.handle, None)
            on_confirmed()

        return done

    def _return(self, message: ReceivedMessage, seconds: int = 0) -> None:
        with suppress(GraderError):  # it becomes visible when its time is over
            self._client.hide(message, seconds)
