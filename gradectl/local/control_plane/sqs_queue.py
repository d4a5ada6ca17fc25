"""The queues of the emulated SQS, in place of those of moto."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from copy import copy
from functools import partial
from time import monotonic
from typing import Any
from uuid import uuid4

from moto.core.utils import unix_time_millis
from moto.sqs.exceptions import QueueDoesNotExist, SQSException
from moto.sqs.models import Message, Queue, SQSBackend, _filter_message_attributes

from gradectl.local.control_plane.call_lock import QUEUES_CHANGED
from gradectl.local.control_plane.sqs_messages import Entry, Messages, Place
from gradectl.local.control_plane.sqs_move_tasks import Move, MoveTask

#: Returns whether the client of the current call still waits for its answer.
client_waits: ContextVar[Callable[[], bool]] = ContextVar("client_waits", default=lambda: True)

#: A message also becomes visible by time: a wait looks again this often.
_LOOK_SECONDS = 0.1
_KEPT_TEXTS = {"RedrivePolicy": "redrive_text", "RedriveAllowPolicy": "redrive_allow_policy"}


class LocalMessage(Message):
    """A message; where and since when it is somewhere is known by the `Messages` of its queue."""

    delay_seconds = 0
    dead_letter_source = ""  # ARN of the queue whose redrive policy moved it

    def delay(self, delay_seconds: int) -> None:
        """Note the delay with which it is sent."""
        self.delay_seconds = delay_seconds


class LocalQueue(Queue):
    """A standard queue. Each method is called with the lock of API calls held."""

    BASE_ATTRIBUTES = [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"]  # noqa: RUF012 - as moto has it
    redrive_text: str | None = None
    redrive_allow_policy: str | None = None

    def __init__(self, name: str, region: str, account_id: str, **attributes: Any) -> None:  # noqa: ANN401 - as moto has it
        super().__init__(name, region, account_id, **attributes)
        if self.fifo_queue:
            raise SQSException("UnsupportedOperation", "The emulated SQS has no FIFO queues.")
        self.store: Messages[LocalMessage] = Messages(uuid4().hex)
        self.move_tasks: list[MoveTask] = []  # newest first

    def _set_attributes(self, attributes: dict[str, Any], now: float | None = None) -> None:
        policy = self.policy if "_policy_json" in vars(self) else None
        super()._set_attributes({"Policy": policy, **attributes}, now)  # moto removes the policy
        for name, kept in _KEPT_TEXTS.items():
            if name in attributes:
                setattr(self, kept, attributes[name] or None)

    @property
    def attributes(self) -> dict[str, Any]:
        """All attributes, as GetQueueAttributes returns them."""
        found: dict[str, Any] = super().attributes
        return {**found, "RedrivePolicy": self.redrive_text}

    @property
    def approximate_number_of_messages(self) -> int:
        """Messages that a receive may return."""
        return self._count(Place.VISIBLE)

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        """Messages in flight."""
        return self._count(Place.IN_FLIGHT)

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        """Messages that were sent with a delay that has not ended."""
        return self._count(Place.DELAYED)

    @property
    def max_bytes(self) -> int:
        """Size that a message may have."""
        return int(vars(self)["maximum_message_size"])

    def metrics(self) -> dict[str, float]:
        """Return the values of the metrics that CloudWatch has of this queue."""
        now = self._forget_old()
        return {
            "ApproximateNumberOfMessagesVisible": self.approximate_number_of_messages,
            "ApproximateNumberOfMessagesNotVisible": (
                self.approximate_number_of_messages_not_visible
            ),
            "ApproximateNumberOfMessagesDelayed": self.approximate_number_of_messages_delayed,
            "ApproximateAgeOfOldestMessage": now - (self.store.oldest_sent_at() or now),
        }

    def source_of(self, handle: str) -> str:
        """Return the ARN of the queue that dead-lettered a message; empty for one that was sent."""
        entry = self.store.find(handle)
        return entry.payload.dead_letter_source if entry else ""

    def add_message(self, message: LocalMessage) -> None:  # type: ignore[override]  # moto creates no other
        """Store a message that was sent, and end the waits for one."""
        self.store.add(message, monotonic(), delay=message.delay_seconds)
        notify_receivers()

    def receive(
        self, count: int, visibility: float, dead_letters: LocalQueue | None
    ) -> list[Message]:
        """
        Receive messages that are visible, without waiting.

        Args:
            count: How many at most.
            visibility: Seconds until they are visible again.
            dead_letters: Gets those that were received as often as the redrive policy allows.

        Raises:
            OverLimit: Too many messages are in flight.
        """
        now = self._forget_old()
        policy = self.redrive_policy or {}
        limit = int(policy["maxReceiveCount"]) if dead_letters else None
        answer = self.store.receive(count, visibility, now, limit)
        for entry in answer.exhausted:
            entry.payload.dead_letter_source = self.queue_arn
            if dead_letters:
                dead_letters.store.adopt(entry)
        return [_received(entry, handle) for entry, handle in answer.received]

    def delete_message(self, receipt_handle: str) -> None:
        """Handle DeleteMessage; an old handle has no effect."""
        self.store.delete(receipt_handle)

    def change_visibility(self, handle: str, visibility: int) -> None:
        """Handle ChangeMessageVisibility; raises `SQSException`."""
        now = self._forget_old()
        self.store.change_visibility(handle, visibility, now)
        if visibility == 0:
            notify_receivers()

    def advance_move_tasks(self, find_queue: Callable[[str], LocalQueue | None]) -> None:
        """
        Move what the tasks of this dead-letter queue may have moved until now.

        Args:
            find_queue: Returns the queue of an ARN.
        """
        for task in self.move_tasks:
            task.advance(monotonic(), partial(self._move, task.destination_arn, find_queue))

    def _move(self, arn: str, find_queue: Callable[[str], LocalQueue | None]) -> Move:
        """Move one visible message; it is a new one in the other queue."""
        now = monotonic()
        for entry in self.store.take(1, now):
            destination = find_queue(arn or entry.payload.dead_letter_source)
            if destination is None:
                self.store.adopt(entry)
                return Move.NO_DESTINATION
            moved = copy(entry.payload)
            moved.id, moved.dead_letter_source = str(uuid4()), ""
            moved.approximate_first_receive_timestamp = None
            moved.mark_sent()
            destination.store.add(moved, now)
            notify_receivers()
            return Move.DONE
        return Move.NO_MESSAGE

    def _count(self, place: Place) -> int:
        return self.store.counts(self._forget_old())[place]

    def _forget_old(self) -> float:
        """Forget messages whose retention has ended; returns the time."""
        now = monotonic()
        retention: int = vars(self)["message_retention_period"]
        self.store.forget_sent_before(now - retention)
        return now


def notify_receivers() -> None:
    """End the wait of each long poll, to look for a message again."""
    with QUEUES_CHANGED:
        QUEUES_CHANGED.notify_all()


def named_queue(backend: SQSBackend, name: str) -> LocalQueue:
    """Return the queue of a name; raises `QueueDoesNotExist`."""
    queue = backend.get_queue(name)
    if not isinstance(queue, LocalQueue):  # made before moto was patched
        raise QueueDoesNotExist
    return queue


def find_queue(backend: SQSBackend, arn: str) -> LocalQueue | None:
    """Return the queue of an ARN in this account and region; None if there is none."""
    queue = backend.queues.get(arn.rpartition(":")[2])
    return queue if isinstance(queue, LocalQueue) and queue.queue_arn == arn else None


def receive_message(  # noqa: PLR0913, PLR0917 - the signature of moto
    backend: SQSBackend,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Message]:
    """Handle ReceiveMessage; a long poll releases the lock between its looks."""
    is_waiting, end = client_waits.get(), monotonic() + wait_seconds_timeout
    with QUEUES_CHANGED:
        while is_waiting():
            queue = named_queue(backend, queue_name)
            policy = queue.redrive_policy or {}
            dead_letters = find_queue(backend, str(policy.get("deadLetterTargetArn", "")))
            found = queue.receive(count, visibility_timeout, dead_letters)
            left = end - monotonic()
            if found or left <= 0:
                for message in found:
                    _filter_message_attributes(message, message_attribute_names or [])
                return found
            QUEUES_CHANGED.wait(min(left, _LOOK_SECONDS))
    return []


def _received(entry: Entry[LocalMessage], handle: str) -> Message:
    """Return a message as the answer of one receive has it."""
    sent = entry.payload
    if sent.approximate_first_receive_timestamp is None:
        sent.approximate_first_receive_timestamp = int(unix_time_millis())
    message = copy(sent)
    message.receipt_handle = handle
    message.approximate_receive_count = entry.receives
    return message
