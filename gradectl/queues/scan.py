"""
How to see all of a queue, when the broker shows one page of it at a time and does not say so.

What ActiveMQ does, measured: a browse ends normally after a page; its selector is applied only to
what the broker has paged in so far, and each browse pages in some more; a queue with priorities is
shown in their order, of which the store keeps three classes.  So the queue is walked along the
messages' times, as a whole and class by class, until as many were seen as the queue holds, or
until nothing new comes any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.ports.messages import QueuedMessage

#: The whole queue, and the classes of priority that the store keeps apart.
_FILTERS = ("", "JMSPriority > 4", "JMSPriority = 4", "JMSPriority < 4")
#: Each filter gets a second chance, because the first may only have paged in more.
_QUIET_ROUNDS = 2 * len(_FILTERS)
#: Producers side by side are not queued exactly in the order of their time stamps.
_OVERLAP_MS = 5


@dataclass(frozen=True)
class ScanResult:
    """What a scan saw of a queue of `size` messages."""

    messages: Sequence[QueuedMessage]  # oldest first
    size: int
    rounds: int
    stopped_early: bool  # as many as the caller wanted

    @property
    def complete(self) -> bool:
        """Whether everything that was there was seen."""
        return len(self.messages) >= self.size

    @property
    def summary(self) -> str:
        """Tell how much was seen, always."""
        seen = f"seen {len(self.messages)} of {self.size}"
        return seen if self.complete or self.stopped_early else f"{seen}: INCOMPLETE"


class Scan:
    """
    A scan under way: says which page to ask for next, and takes the page.

    Args:
        size: How many messages the queue holds.
        enough: Stop when this many were seen; by default all.
    """

    def __init__(self, size: int, enough: int | None = None) -> None:
        """Start before the first page."""
        self._size = size
        self._wanted = size if enough is None else min(size, enough)
        self._seen: dict[str, QueuedMessage] = {}
        self._since = [0] * len(_FILTERS)
        self._stage = 0
        self._quiet = 0
        self._rounds = 0

    def next_selector(self) -> str | None:
        """Give the selector of the page to ask for, or None when there is no use in another."""
        if len(self._seen) >= self._wanted or self._quiet >= _QUIET_ROUNDS:
            return None
        since = self._since[self._stage]
        parts = [_FILTERS[self._stage], f"JMSTimestamp >= {since}" if since else ""]
        return " AND ".join(part for part in parts if part)

    def take(self, page: Sequence[QueuedMessage]) -> None:
        """Learn from the page that `next_selector` asked for."""
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
        """Sum up what was seen so far."""
        ordered = sorted(self._seen.values(), key=lambda message: message.timestamp_ms)
        early = self._wanted < self._size and len(self._seen) >= self._wanted
        return ScanResult(ordered, self._size, self._rounds, early)


def _next_since(times: Sequence[int]) -> int:
    """Go on a little before the page's end, unless that would show the same page again."""
    early = times[-1] - _OVERLAP_MS
    moves_on = sum(time < early for time in times) * 2 >= len(times)
    return early if moves_on else times[-1]
