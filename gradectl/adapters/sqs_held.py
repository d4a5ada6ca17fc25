"""Holds messages of a queue of SQS, so that they can be read, chosen and moved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from gradectl.adapters.aws.queues import Queues
from gradectl.errors import GradectlError
from grader.adapters.sqs.client import MOST_AT_ONCE, ReceivedMessage, SqsClient
from grader.errors import GraderError

#: How long messages stay hidden if this program is killed; renewed at every third of it.
HOLD_SECONDS = 300
#: A message is not moved any more when so little of its time is left.
_MARGIN_SECONDS = 30
#: A long poll asks all servers of a queue, a short one only some.
_WAIT_SECONDS = 1
#: Empty polls in a row after which a queue whose counters say otherwise counts as empty.
_MOST_EMPTY = 5


@dataclass
class _Held:
    """A message, and when its time is over, by the monotonic clock."""

    message: ReceivedMessage
    until: float


class HeldMessages:
    """
    The messages of one queue that this program holds; thread-safe.

    Receiving happens in a thread: a signal interrupts only the main thread, and the messages of
    an interrupted receipt would be lost to this program, and hidden until their time is over.

    Args:
        client: The queues.
        queues: Calls in batches.
        queue: Name of the queue.
        hold_seconds: How long a message stays hidden without being renewed.
        clock: Seconds of a monotonic clock.
    """

    def __init__(
        self,
        client: SqsClient,
        queues: Queues,
        queue: str,
        *,
        hold_seconds: int = HOLD_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._client = client
        self._queues = queues
        self._queue = queue
        self._url = client.urls[queue]
        self._hold_seconds = hold_seconds
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._receiving = ThreadPoolExecutor(1)
        self._receipts = 0  # under way
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_end, daemon=True)

    def start(self) -> None:
        """Begin to renew what is held, in the background."""
        self._thread.start()

    def fill(self, most: int, report: Callable[[int], object]) -> None:
        """
        Receive messages until the queue is empty, or `most` are held.

        Raises:
            ConnectionLostError: SQS does not answer.
        """
        empty = 0
        while (left := most - self.count) > 0 and empty < _MOST_EMPTY:
            if self.receive(min(left, MOST_AT_ONCE), _WAIT_SECONDS):
                empty = 0
                report(self.count)
                continue
            empty += 1
            attributes = self._client.attributes(self._queue)
            if not int(attributes.get("ApproximateNumberOfMessages", 0)):
                return

    def receive(self, count: int, wait_seconds: int) -> int:
        """Receive at most `count` messages, and return how many came."""
        return self._receiving.submit(self._receive, count, wait_seconds).result()

    def _receive(self, count: int, wait_seconds: int) -> int:
        with self._lock:
            if self._ended.is_set():
                return 0
            self._receipts += 1
        batch: list[ReceivedMessage] = []
        began = self._clock()
        try:
            batch = self._client.receive(
                self._queue,
                count=count,
                wait_seconds=wait_seconds,
                visibility_seconds=self._hold_seconds,
            )
        finally:
            with self._changed:
                until = began + self._hold_seconds
                self._held |= {each.message_id: _Held(each, until) for each in batch}
                self._receipts -= 1
                self._changed.notify_all()
        return len(batch)

    @property
    def count(self) -> int:
        """Number of messages held."""
        with self._lock:
            return len(self._held)

    def messages(self) -> list[ReceivedMessage]:
        """Return what is held, the oldest first."""
        with self._lock:
            found = [each.message for each in self._held.values()]
        return sorted(found, key=lambda each: each.sent_ms)

    def safe(self, message_ids: Sequence[str]) -> list[ReceivedMessage]:
        """Return those of the messages that are held for some time yet."""
        limit = self._clock() + min(_MARGIN_SECONDS, self._hold_seconds / 3)
        with self._lock:
            found = [self._held[each] for each in message_ids if each in self._held]
        return [each.message for each in found if each.until > limit]

    def delete(self, messages: Sequence[ReceivedMessage]) -> list[ReceivedMessage]:
        """Delete messages; returns those that were deleted."""
        failed = {each.message_id for each in self._queues.delete(self._url, messages)}
        with self._lock:
            for each in messages:
                self._held.pop(each.message_id, None)
        return [each for each in messages if each.message_id not in failed]

    def release(self) -> None:
        """
        Return what is held to the queue, also what an interrupted call receives yet.

        What cannot be returned, because SQS does not answer, comes back when its time is over.
        """
        with self._changed:  # a signal may end `receive` before the executor knows its thread
            self._ended.set()
            self._changed.wait_for(lambda: not self._receipts)
        self._receiving.shutdown()
        if self._thread.is_alive():
            self._thread.join()
        messages = self.messages()
        with self._lock:
            self._held.clear()
        with suppress(GradectlError, GraderError):
            self._queues.hide(self._url, messages, 0)

    def renew(self) -> None:
        """Hide what is held for another `hold_seconds`, and forget what is not held any more."""
        messages = self.messages()
        for start in range(0, len(messages), MOST_AT_ONCE):
            if self._ended.is_set():
                return
            batch = messages[start : start + MOST_AT_ONCE]
            until = self._clock() + self._hold_seconds
            lost = {
                each.message_id for each in self._queues.hide(self._url, batch, self._hold_seconds)
            }
            with self._lock:
                for each in batch:
                    held = self._held.get(each.message_id)
                    if held is None or held.message.handle != each.handle:
                        continue
                    if each.message_id in lost:
                        del self._held[each.message_id]
                    else:
                        held.until = until

    def _renew_until_end(self) -> None:
        while not self._ended.wait(self._hold_seconds / 3):
            try:
                self.renew()
            except (GradectlError, GraderError):
                continue  # the next try may succeed; `safe` drops what was not renewed in time
