"""
Receives the requests of one consumer.

A consumer holds the message it processes, and the next one of that queue from when it prepares the
settlement: within a transaction the broker delivers one more to a subscription. The broker delivers
one message for each queue, so a message of another queue that arrives meanwhile would wait behind
the running job although other workers are free. It is returned at once by ending its subscription,
which is renewed before the next message is received. The subscription of the running job is never
ended, because its message would be processed twice; so the next one of that queue is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

from grader.adapters.activemq.connection import Connection
from grader.adapters.activemq.frames import Frame
from grader.adapters.activemq.outbox import Transaction, outgoing_headers
from grader.errors import GraderError
from grader.ports.messages import Delivery, Outgoing

#: Time for the next message of an urgent queue, after its subscription or its last message.
_GRACE_SECONDS = 0.1
#: Longest messages of a prepared transaction: writing more could block on a broker that is full.
_PREPARED_BYTES = 1 << 16


class ActiveMqJobSource:
    """
    `grader.ports.messages.JobSource` over one connection, which it owns.

    Args:
        connection: Open, and not shared with other users.
        queues: Queue names, the most urgent first.
    """

    def __init__(self, connection: Connection, queues: Sequence[str]) -> None:
        """Prepare; `receive` subscribes to the queues."""
        self._connection = connection
        *self._urgent, self._ordinary = queues
        self._lock = threading.Lock()
        self._queue_of: dict[str, str] = {}  # subscription -> queue
        self._in_work = ""  # subscription of the message being processed
        self._last = ""  # queue of the last message
        self._held: dict[str, list[Frame]] = {}  # queue -> messages that arrived and wait
        self._prepared: Transaction | None = None  # written, and neither committed nor aborted
        self._receipt = ""  # of the last settlement, until it is confirmed
        self._on_confirmed: Callable[[], None] = lambda: None
        self._connection.watch(self._on_arrival)

    def receive(self, timeout_seconds: float) -> Delivery | None:
        """Wait for the next message, the most urgent queue first; None after the timeout."""
        deadline = monotonic() + timeout_seconds
        with self._lock:
            self._in_work = ""
        self._collect(0.0)
        if self._subscribe(self._urgent) or self._last in self._urgent:
            self._await_urgent(monotonic() + _GRACE_SECONDS)
            self._last = ""
        if not self._held:
            self._subscribe([self._ordinary])
        while not self._held:
            remaining = deadline - monotonic()
            if remaining <= 0:
                return None
            self._collect(remaining)
        return self._begin()

    def prepare(self, delivery: Delivery, outgoing: Sequence[Outgoing]) -> None:
        """Write the transaction of a settlement without its COMMIT, if it fits into the buffers."""
        if sum(len(message.body) for message in outgoing) <= _PREPARED_BYTES:
            with suppress(GraderError):
                self._prepared = self._stage(delivery, outgoing)

    def withdraw(self) -> None:
        """Abort the prepared transaction, as a lost connection does."""
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            with suppress(GraderError):
                self._connection.abort(prepared)

    def settle(
        self,
        delivery: Delivery,
        outgoing: Sequence[Outgoing],
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Commit the prepared transaction, or a new one, without waiting for the receipt."""
        self.confirm()
        transaction = self._prepared or self._stage(delivery, outgoing)
        self._prepared = None
        self._receipt = self._connection.commit(transaction)
        self._on_confirmed = on_confirmed

    def postpone(
        self,
        delivery: Delivery,
        copy: Outgoing,
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Send the delayed copy instead of the message."""
        self.settle(delivery, (copy,), on_confirmed)

    @property
    def hold_seconds(self) -> float | None:
        """None: the broker redelivers a message when its connection ends."""
        return None

    def extend(self, delivery: Delivery) -> bool:  # noqa: ARG002 - the port's
        """Do nothing: the connection holds the message."""
        return True

    def pause(self) -> None:
        """End the subscriptions, which returns their messages; `receive` renews them."""
        self.confirm()
        with self._lock:
            self._in_work = ""
            for subscription in list(self._queue_of):
                self._return(subscription)
        self._held.clear()

    def confirm(self) -> None:
        """Wait until the broker has confirmed the last settlement."""
        if self._receipt:
            self._connection.confirm(self._receipt)
            self._receipt = ""
            self._on_confirmed()

    def _stage(self, delivery: Delivery, outgoing: Sequence[Outgoing]) -> Transaction:
        transaction = self._connection.begin()
        for message in outgoing:
            transaction.send(message.queue, message.body, outgoing_headers(message))
        transaction.ack(delivery.ack_id)
        self._connection.stage(transaction)
        return transaction

    def close(self) -> None:
        """Disconnect; an unsettled message is redelivered."""
        self._connection.close()

    def _begin(self) -> Delivery:
        queue = next(name for name in (*self._urgent, self._ordinary) if name in self._held)
        frame, *second = self._held.pop(queue)
        self._last = queue
        with self._lock:
            self._in_work = frame.subscription
        self._collect(0.0)  # messages that arrived before `_in_work` was set
        second += self._held.pop(queue, [])
        with self._lock:
            for other in self._held.values():
                self._return(other[0].subscription)
        self._held = {queue: second} if second else {}
        return Delivery(
            queue=queue,
            message_id=frame.message_id,
            body=frame.body,
            headers=frame.headers,
            redelivered=frame.headers.get("redelivered") == "true",
            ack_id=frame.ack_id,
        )

    def _subscribe(self, queues: Sequence[str]) -> bool:
        """Subscribe to those `queues` without a subscription; returns whether there were any."""
        with self._lock:
            missing = [name for name in queues if name not in self._queue_of.values()]
        for queue in missing:
            subscription = self._connection.subscribe(queue)
            with self._lock:
                self._queue_of[subscription] = queue
        return bool(missing)

    def _await_urgent(self, deadline: float) -> None:
        """Wait for urgent messages in transit before an ordinary one is started."""
        while not any(name in self._held for name in self._urgent):
            remaining = deadline - monotonic()
            if remaining <= 0:
                return
            self._collect(remaining)

    def _collect(self, timeout_seconds: float) -> None:
        """Collect arrived messages; waits at most `timeout_seconds` for the first."""
        try:
            awaited = self._receipt if timeout_seconds > 0 else ""
            frame = self._connection.next_frame(timeout_seconds, receipt=awaited)
        except GraderError:
            self.confirm()  # knows the reason if the broker refused the last settlement
            raise
        if frame is None and timeout_seconds > 0:
            self.confirm()
        while frame is not None:
            with self._lock:
                queue = self._queue_of.get(frame.subscription)
            if queue is not None:  # else it was returned meanwhile
                self._held.setdefault(queue, []).append(frame)
            frame = self._connection.next_frame(0.0)

    def _on_arrival(self, frame: Frame) -> None:
        """Return a message that arrives during a job; called on the reading thread."""
        with self._lock:
            if self._in_work and frame.subscription != self._in_work:
                self._return(frame.subscription)

    def _return(self, subscription: str) -> None:
        if self._queue_of.pop(subscription, None) is not None:
            self._connection.unsubscribe(subscription)
