"""Plans a transfer of selected messages: put back, moved or deleted; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gradectl.queues.message_view import MessageView
from grader.contract.headers import producer_headers
from grader.contract.names import (
    ATTEMPT_HEADER,
    FIRST_SEEN_HEADER,
    ORIGINAL_ID_HEADER,
    ORIGINAL_QUEUE_HEADER,
    REASON_CODE_HEADER,
    REASON_HEADER,
    REDRIVES_HEADER,
    RESULTS_QUEUE,
)
from grader.ports.messages import Outgoing, QueuedMessage

#: A message that came back so often is held back; --force puts it back all the same.
MOST_REDRIVES = 3
#: What a request put back begins anew with.
_OF_A_DEAD_LETTER = (
    ATTEMPT_HEADER,
    FIRST_SEEN_HEADER,
    REASON_CODE_HEADER,
    REASON_HEADER,
    "dlqDeliveryFailureCause",
)


@dataclass(frozen=True)
class Move:
    """A message and its new queue; an empty one deletes the message."""

    view: MessageView
    destination: str


@dataclass(frozen=True)
class HeldBack:
    """A selected message that stays, and why."""

    view: MessageView
    why: str


@dataclass(frozen=True)
class TransferPlan:
    """What happens to the selected messages of the queue `source`."""

    source: str
    moves: tuple[Move, ...]
    held_back: tuple[HeldBack, ...] = ()

    @property
    def destinations(self) -> Mapping[str, int]:
        """Number of messages by new queue."""
        return Counter(each.destination for each in self.moves)


@dataclass(frozen=True)
class RedriveRules:
    """
    Where dead letters are put back, and which stay.

    Args:
        existing: The queues of the broker; a message for another one is held back.
        to: The queue for all; by default the one that each message came from.
        force: Also put back what came back `MOST_REDRIVES` times.
    """

    existing: Collection[str]
    to: str = ""
    force: bool = False

    def plan(self, source: str, messages: Sequence[QueuedMessage], now_ms: int) -> TransferPlan:
        """
        Plan to put dead letters back.

        Args:
            source: The dead-letter queue.
            messages: The selected messages.
            now_ms: The time of the broker's clock.
        """
        moves, held_back = [], []
        for message in messages:
            view = MessageView.of(message, now_ms)
            destination = self.to or view.original_queue
            why = self._obstacle(message, destination, source)
            if why:
                held_back.append(HeldBack(view, why))
            else:
                moves.append(Move(view, destination))
        return TransferPlan(source, tuple(moves), tuple(held_back))

    def _obstacle(self, message: QueuedMessage, destination: str, source: str) -> str:
        """Why a dead letter cannot be put back; empty if it can."""
        before = redrives(message)
        if not destination:
            return "its queue is unknown: --to QUEUE"
        if destination == source:
            return f"it came from {source} itself: --to QUEUE"
        if destination == RESULTS_QUEUE:
            return "it is a result, not a request: --to QUEUE"
        if destination not in self.existing:
            return f"queue {destination} does not exist: --to QUEUE"
        if before >= MOST_REDRIVES and not self.force:
            return f"put back {before} times before: --force"
        return ""


def plan_move(
    source: str, messages: Sequence[QueuedMessage], now_ms: int, destination: str
) -> TransferPlan:
    """Plan to move messages to another queue; an empty `destination` deletes them."""
    views = (MessageView.of(message, now_ms) for message in messages)
    return TransferPlan(source, tuple(Move(view, destination) for view in views))


def redrives(message: QueuedMessage) -> int:
    """How often a message was put back before."""
    text = message.headers.get(REDRIVES_HEADER, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def redriven(message: QueuedMessage, source: str, queue: str) -> Outgoing:  # noqa: ARG001 - as `moved`
    """Return the copy that is put back: without reason and attempts, with one more redrive."""
    headers = producer_headers(message.headers)
    for name in _OF_A_DEAD_LETTER:
        headers.pop(name, None)
    headers.setdefault(ORIGINAL_ID_HEADER, message.message_id)
    headers[REDRIVES_HEADER] = str(redrives(message) + 1)
    return Outgoing(queue, message.body, headers)


def moved(message: QueuedMessage, source: str, queue: str) -> Outgoing:
    """Return the copy in another queue, which keeps where it came from."""
    headers = producer_headers(message.headers)
    headers.setdefault(ORIGINAL_ID_HEADER, message.message_id)
    headers.setdefault(ORIGINAL_QUEUE_HEADER, source)
    return Outgoing(queue, message.body, headers)
