"""
Plans browses that together read all messages of a queue; pure.

ActiveMQ returns one page per browse without telling that there are more. Measured: a selector
applies only to the messages that are paged in, and each browse pages in some more; a queue with
priorities is browsed in their order, of which the store keeps three classes. So the scan follows
the message times, for the whole queue and for each class, until it has seen as many messages as the
queue holds, or until no browse returns a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.ports.messages import QueuedMessage

#: The whole queue, and the priority classes of the store.
_FILTERS = ("", "JMSPriority > 4", "JMSPriority = 4", "JMSPriority < 4")
#: Each filter is tried twice, because the first browse may only page in more.
_QUIET_ROUNDS = 2 * len(_FILTERS)
#: Messages of concurrent producers are not exactly in the order of their time stamps.
_OVERLAP_MS = 5


@dataclass(frozen=True)
class ScanResult:
    """The messages that a scan of a queue of `size` messages has read."""

    messages: Sequence[QueuedMessage]  # oldest first
    size: int
    rounds: int
    stopped_early: bool  # after as many as the caller asked for

    @property
    def complete(self) -> bool:
        """True if all messages were read."""
        return len(self.messages) >= self.size

    @property
    def summary(self) -> str:
        """How many messages were read, and whether some are missing."""
        seen = f"seen {len(self.messages)} of {self.size}"
        return seen if self.complete or self.stopped_early else f"{seen}: INCOMPLETE"


class Scan:
    """
    A scan in progress: `next_selector` plans a browse, and `take` gets its page.

    Args:
        size: The number of messages in the queue.
        enough: Stop after this many messages; by default all.
    """

    def __init__(self, size: int, enough: int | None = None) -> None:
        self._size = size
        self._wanted = size if enough is None else min(size, enough)
        self._seen: dict[str, QueuedMessage] = {}
        self._since = [0] * len(_FILTERS)
        self._stage = 0
        self._quiet = 0
        self._rounds = 0

    def next_selector(self) -> str | None:
        """Return the selector of the next browse; None when the scan has ended."""
        if len(self._seen) >= self._wanted or self._quiet >= _QUIET_ROUNDS:
            return None
        since = self._since[self._stage]
        parts = [_FILTERS[self._stage], f"JMSTimestamp >= {since}" if since else ""]
        return " AND ".join(part for part in parts if part)

    def take(self, page: Sequence[QueuedMessage]) -> None:
        """Add the page of the browse that `next_selector` planned."""
        self._rounds += 1
        before = (len(self._seen), self._since[self._stage])
        self._seen.update({message.message_id: message for message in page})
        if page:
            times = sorted(message.timestamp_ms for message in page)
            self._since[self._stage] = max(before[1], _next_since(times))
        if (len(self._seen), self._since[self._stage]) != before:
            self._quiet = 0
        else:
            self._quiet += 1
            self._stage = (self._stage + 1) % len(_FILTERS)

    def result(self) -> ScanResult:
        """Return the messages read so far."""
        ordered = sorted(self._seen.values(), key=lambda message: message.timestamp_ms)
        early = self._wanted < self._size and len(self._seen) >= self._wanted
        return ScanResult(ordered, self._size, self._rounds, early)


def _next_since(times: Sequence[int]) -> int:
    """Continue a little before the last time, unless that would repeat most of the page."""
    early = times[-1] - _OVERLAP_MS
    moves_on = sum(time < early for time in times) * 2 >= len(times)
    return early if moves_on else times[-1]
