"""Moves messages from one transport to another, so that each is in at least one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
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
    with ExitStack() as stack:
        mover = None
        while page := source.inspector.browse(queue):
            mover = mover or stack.enter_context(source.mover())
            before = moved
            for start in range(0, len(page), MOST_REPLACED):
                ids = [each.message_id for each in page[start : start + MOST_REPLACED]]
                taken = mover.replace(queue, ids, _handing_over(to, queue, journal))
                journal.taken(taken)
                moved += len(taken)
                report(moved)
            if moved == before:  # consumers hold the rest
                break
    return moved


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
