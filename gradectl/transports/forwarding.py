"""Moves messages from one transport to another, so that each is in at least one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

from gradectl.queues.broker import Broker
from gradectl.queues.journal import Journal
from grader.contract.headers import producer_headers
from grader.contract.names import ORIGINAL_ID_HEADER
from grader.ports.messages import MOST_REPLACED, Outgoing, QueuedMessage


class Recipient(Protocol):
    """Stores messages in another transport."""

    def send_all(self, messages: Sequence[Outgoing]) -> None:
        """Send persistent messages; returns after they are stored."""
        ...


def copied(message: QueuedMessage, queue: str) -> Outgoing:
    """Return the copy for the same queue of another transport, which keeps its first id."""
    headers = producer_headers(message.headers)
    headers.setdefault(ORIGINAL_ID_HEADER, message.message_id)
    return Outgoing(queue, message.body, headers)


def forward(
    source: Broker,
    to: Recipient,
    queue: str,
    journal: Journal,
    report: Callable[[int], None] = lambda _moved: None,
) -> int:
    """
    Move the messages of a queue that no consumer holds.

    Each batch is written to the journal, stored in the new transport, and only then deleted from
    the old one: an interruption can repeat a batch, but never lose a message.

    Args:
        source: The old transport.
        to: The new one.
        queue: Name of the queue in both.
        journal: Has each message before it is taken.
        report: Called with the number of moved messages after each batch.

    Returns:
        The number of moved messages.
    """
    moved = 0
    hand_over = _handing_over(to, queue, journal)
    with ExitStack() as stack:
        mover = None
        while True:
            with _readable(source, queue) as page:
                ids = [each.message_id for each in page]
                before = moved
                for start in range(0, len(ids), MOST_REPLACED):
                    mover = mover or stack.enter_context(source.mover())
                    taken = mover.replace(queue, ids[start : start + MOST_REPLACED], hand_over)
                    journal.taken(taken)
                    moved += len(taken)
                    report(moved)
            if moved == before:  # the queue is empty, or consumers hold the rest
                return moved


@contextmanager
def _readable(source: Broker, queue: str) -> Iterator[Sequence[QueuedMessage]]:
    """Read some messages of a queue, and hold them for the block where they must be received."""
    if source.holder is None:
        yield source.inspector.browse(queue)
        return
    with source.holder.hold(queue, MOST_REPLACED) as held:
        yield held


def _handing_over(
    to: Recipient, queue: str, journal: Journal
) -> Callable[[Sequence[QueuedMessage]], list[Outgoing]]:
    """Make the function that stores a batch elsewhere, and sends nothing in its place."""

    def hand_over(messages: Sequence[QueuedMessage]) -> list[Outgoing]:
        for each in messages:
            journal.taking(each, queue)
        journal.flush()
        if messages:
            to.send_all([copied(each, queue) for each in messages])
        return []

    return hand_over
