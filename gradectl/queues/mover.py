"""Carries out a planned transfer, batch by batch, with a journal and a guard against loops."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep

from gradectl.queues.broker import Broker, Inspector
from gradectl.queues.journal import Journal
from gradectl.queues.transfer import Move, TransferPlan, moved
from grader.contract.names import ORIGINAL_ID_HEADER
from grader.ports.messages import MOST_REPLACED, Outgoing, QueuedMessage, QueueMover

#: So many messages may come back before the rest stays; more only if most of them do not.
_MOST_BACK = 10


@dataclass
class Progress:
    """What a transfer has done so far."""

    taken: int = 0
    gone: int = 0  # planned, but consumed by others meanwhile
    came_back: int = 0
    stopped: str = ""  # why the rest of the plan was left
    first_ids: set[str] = field(default_factory=set)  # of the messages taken, which copies keep

    @property
    def done(self) -> int:
        """Number of planned messages that were looked at."""
        return self.taken + self.gone


def _nothing(_moves: Sequence[Move]) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Transfer:
    """
    How the messages of a plan are taken.

    Args:
        copy: Makes the message that is sent: from the message, its queue and the new queue.
        prepare: Called with each batch before it is taken, such as to reopen rows of the database.
        rate: Messages a second; None for as fast as the broker takes them.
        watch_returns: Stop when messages come straight back to their queue.
        report: Called with the progress after each batch.
        pause: Waits, for `rate`.
        clock: Seconds of a monotonic clock, for `rate`.
    """

    copy: Callable[[QueuedMessage, str, str], Outgoing] = moved
    prepare: Callable[[Sequence[Move]], None] = _nothing
    rate: float | None = None
    watch_returns: bool = False
    report: Callable[[Progress], None] = lambda _progress: None
    pause: Callable[[float], None] = sleep
    clock: Callable[[], float] = monotonic

    def run(self, plan: TransferPlan, broker: Broker, journal: Journal) -> Progress:
        """
        Take the planned messages, each batch in one transaction.

        Whatever ends it, each message is in exactly one queue, and the journal has it. Amazon SQS
        has no transactions: a message may be in both queues there, and is never in none.
        """
        progress = Progress()
        guard = _Returns(broker.inspector, plan.source)
        size = self._batch_size()
        with broker.mover() as mover:
            for start in range(0, len(plan.moves), size):
                began = self.clock()
                self._take(plan.source, plan.moves[start : start + size], mover, journal, progress)
                if self.watch_returns:
                    progress.came_back = guard.count(progress.first_ids)
                self.report(progress)
                if progress.came_back >= max(_MOST_BACK, progress.taken // 2):
                    progress.stopped = "the messages come straight back"
                    break
                if self.rate and progress.done < len(plan.moves):
                    self.pause(max(size / self.rate - (self.clock() - began), 0.0))
        return progress

    def _take(
        self,
        source: str,
        moves: Sequence[Move],
        mover: QueueMover,
        journal: Journal,
        progress: Progress,
    ) -> None:
        """Take one batch."""
        to = {move.view.message_id: move.destination for move in moves}

        def make(messages: Sequence[QueuedMessage]) -> list[Outgoing]:
            for each in messages:
                journal.taking(each, to[each.message_id])
            journal.flush()
            progress.first_ids.update(map(_first_id, messages))
            pairs = ((each, to[each.message_id]) for each in messages)
            return [self.copy(each, source, queue) for each, queue in pairs if queue]

        self.prepare(moves)
        taken = mover.replace(source, list(to), make)
        journal.taken(taken)
        progress.taken += len(taken)
        progress.gone += len(moves) - len(taken)

    def _batch_size(self) -> int:
        """Messages a transaction; with a rate at most those of one second."""
        return max(1, min(MOST_REPLACED, int(self.rate or MOST_REPLACED)))


class _Returns:
    """
    Counts the taken messages that are in their queue again, as copies with new ids.

    Args:
        inspector: Reads the queue.
        queue: The queue.
    """

    def __init__(self, inspector: Inspector, queue: str) -> None:
        self._inspector = inspector
        self._queue = queue
        self._since_ms = inspector.statistics([queue])[queue].taken_at_ms

    def count(self, first_ids: Collection[str]) -> int:
        """Count the messages with these first ids; at most a page of the queue is read."""
        page = self._inspector.sent_since(self._queue, self._since_ms)
        return sum(_first_id(each) in first_ids for each in page)


def _first_id(message: QueuedMessage) -> str:
    """The first id of a message, which copies keep."""
    return message.headers.get(ORIGINAL_ID_HEADER, message.message_id)
