"""Waits until a transport is empty and unused, and moves its results and dead letters over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from gradectl.errors import TryAgainError
from gradectl.queues.broker import Broker
from gradectl.queues.journal import Journal
from gradectl.queues.message_view import MessageView
from gradectl.transports.draining import (
    REQUEST_QUEUES,
    Counts,
    DrainWatch,
    QueueCount,
    queue_counts,
    summary,
)
from gradectl.transports.forwarding import Recipient, forward
from gradectl.transports.state import other, title
from grader.contract.names import DEAD_LETTER_QUEUE, QUEUES, RESULTS_QUEUE, TransportName

#: Delayed messages that are counted, at least.
_MOST_DELAYED = 1_000


@dataclass
class Drained:
    """
    What a drain has done so far.

    Attributes:
        counts: The latest counts of the old transport.
        arrived: New requests that came into the old transport meanwhile, at least, by queue.
        quiet_seconds: How long it has been empty and unused; None while it is not.
        stalled_seconds: How long nothing has changed although messages are left.
        examples: Id of one of the new requests by queue, where it could be read.
        began_ms: When the drain began, by the clock of the transport.
    """

    counts: Counts = field(default_factory=dict)
    arrived: dict[str, int] = field(default_factory=dict)
    quiet_seconds: float | None = None
    stalled_seconds: float = 0.0
    examples: dict[str, str] = field(default_factory=dict)
    began_ms: int = 0


def read_counts(broker: Broker) -> dict[str, QueueCount]:
    """Count the messages of a transport, delayed ones included."""
    delayed = Counter(each.queue for each in broker.inspector.delayed(_MOST_DELAYED))
    return queue_counts(broker.inspector.statistics(QUEUES), delayed)


@dataclass(frozen=True)
class Drain:
    """
    Drains a transport whose requests the workers consume.

    Args:
        old: The transport to drain.
        new: Opens the one that results and dead letters are moved to; called when there are some.
        journal: Opens the journal of the moved messages; called for each queue that has some.
        quiet_seconds: How long the old one must stay empty, without a new request.
        report: Called with the progress in each round.
        pause: Pauses between two rounds; False when the time to wait is over.
        clock: Seconds of a monotonic clock.
        moved: Counts the moved messages by queue, also of a drain that is interrupted.
    """

    old: Broker
    new: Callable[[], Recipient]
    journal: Callable[[], Journal]
    quiet_seconds: float
    report: Callable[[Drained], None]
    pause: Callable[[], bool]
    clock: Callable[[], float]
    moved: Counter[str]

    def run(self, name: TransportName) -> Drained:
        """
        Return after the transport has been empty and unused for the quiet time.

        Args:
            name: The old transport, for the error.

        Raises:
            TryAgainError: The time is over; the error has what is left and who may still send.
            ConnectionLostError: A transport was lost; everything is in one of both.
        """
        watch, drained = DrainWatch(self.quiet_seconds), Drained()
        found = self.old.inspector.statistics(QUEUES)
        drained.began_ms = max((each.taken_at_ms for each in found.values()), default=0)
        while True:
            drained.counts = read_counts(self.old)
            is_over = watch.look(drained.counts, self.clock())
            if watch.arrived != drained.arrived:
                drained.arrived = dict(watch.arrived)
                self._find_examples(drained)
            drained.quiet_seconds = watch.quiet_for(self.clock())
            drained.stalled_seconds = watch.stalled_for(self.clock())
            self.report(drained)
            if is_over:
                return drained
            self._move(drained)
            if not self.pause():
                raise _not_empty(name, drained)

    def _find_examples(self, drained: Drained) -> None:
        """Look for the id of a request of this drain that still waits in a queue."""
        if not self.old.inspector.can_browse:
            return
        for queue in drained.arrived:
            condition = f"JMSTimestamp >= {drained.began_ms}"
            for message in self.old.inspector.peek(queue, 1, condition):
                view = MessageView.of(message, message.timestamp_ms)
                drained.examples[queue] = view.request_id

    def _move(self, drained: Drained) -> None:
        """
        Move results and dead letters that have no consumer in the old transport.

        One with consumers that take nothing for the quiet time is moved as well, and so are results
        where consumers are not counted; dead letters have none.
        """
        for queue in (RESULTS_QUEUE, DEAD_LETTER_QUEUE):
            count = drained.counts[queue]
            unused = count.consumers == 0 or (count.consumers is None and queue != RESULTS_QUEUE)
            if count.waiting and (unused or drained.stalled_seconds >= self.quiet_seconds):
                self._forward(queue)

    def _forward(self, queue: str) -> None:
        """Move the messages of a queue, and count them batch by batch."""
        before = self.moved[queue]

        def count(moved: int) -> None:
            self.moved[queue] = before + moved

        forward(self.old, self.new(), queue, self.journal(), count)


def _not_empty(name: TransportName, drained: Drained) -> TryAgainError:
    """The error for a transport that did not become empty in time."""
    return TryAgainError(
        f"{title(name)} is not empty and unused yet: {summary(drained.counts)}",
        where=name.value,
        next_step="; ".join(hints(name, drained)) or "run the same command again",
    )


def hints(name: TransportName, drained: Drained) -> list[str]:
    """Say what keeps a transport from becoming empty, with the next step."""
    found = []
    for queue, number in drained.arrived.items():
        producers = drained.counts[queue].producers
        request_id = drained.examples.get(queue)
        example = f", such as {request_id}" if request_id else ""
        known = f" ({producers} connected)" if producers else ""
        found.append(
            f"{number} new requests came into {queue} of {title(name)}{example}: a producer{known}"
            f" still sends there; let it send to {title(other(name))}"
        )
    stuck = [each for each in REQUEST_QUEUES if drained.counts[each].waiting]
    if drained.stalled_seconds and stuck:
        found.append(f"nothing has left {stuck[0]} for {drained.stalled_seconds:.0f} s")
    for queue in (RESULTS_QUEUE, DEAD_LETTER_QUEUE):
        count = drained.counts[queue]
        if count.total and count.consumers:
            found.append(f"{queue} of {title(name)} still has {count.consumers} consumers")
    return found
