"""
Plans browses that together read all messages of a queue; pure.

ActiveMQ returns one page per browse without telling that there are more. Measured: a selector
applies only to the messages that are paged in, and each browse pages in 200 more while the memory
of the queue allows it; pages are ordered by priority, and within one by time. So the scan follows
the message times, for the whole queue and for each priority, and splits a millisecond that fills a
page by the last digits of the message ids. It ends when it has seen as many messages as the queue
holds, or when no browse returns a new one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from grader.ports.messages import QueuedMessage

#: The whole queue, and each priority, the most urgent first.
_FILTERS = ("", *(f"JMSPriority = {priority}" for priority in range(9, -1, -1)))
#: Each filter is tried twice, because the first browse may only page in more.
_QUIET_ROUNDS = 2 * len(_FILTERS)
#: Messages that a browse without a result pages in.
_PAGED_IN_PER_BROWSE = 200
#: Messages of concurrent producers are not exactly in the order of their time stamps.
_OVERLAP_MS = 5
#: Digits of message ids by which one millisecond is split: up to a million pages.
_MOST_DIGITS = 6


class StopReason(StrEnum):
    """Why a scan ended before it had seen all messages."""

    LIMIT = "--limit"
    FOUND = "found"
    SAMPLE = "a sample"
    TIME = "--timeout"
    CONSUMED = "consumed meanwhile"
    MILLISECOND = "one millisecond"
    MEMORY = "memory of the broker"
    ORDER = "order of times"
    NO_BROWSING = "no browsing"
    IN_FLIGHT = "in flight"
    RECEIVED = "--sample"


_EXPLANATIONS = {
    StopReason.LIMIT: "stopped by --limit",
    StopReason.FOUND: "stopped when it was found",
    StopReason.SAMPLE: "a sample: the first of the queue by priority and age",
    StopReason.TIME: "INCOMPLETE: stopped by --timeout",
    StopReason.CONSUMED: "INCOMPLETE: messages were consumed meanwhile",
    StopReason.MILLISECOND: "INCOMPLETE: more than a page of the broker has the same millisecond",
    StopReason.MEMORY: "INCOMPLETE, a sample: the broker has no memory to page in more of this"
    " queue, it shows the first by priority and age",
    StopReason.ORDER: "INCOMPLETE: the times of the messages are not in the order of the queue",
    StopReason.NO_BROWSING: "INCOMPLETE: Amazon SQS cannot be searched",
    StopReason.IN_FLIGHT: "INCOMPLETE: the others are in flight, with consumers or waiting for"
    " their next attempt",
    StopReason.RECEIVED: "a sample: what Amazon SQS gave out, in no order",
}


@dataclass(frozen=True)
class ScanResult:
    """
    How much a scan of a queue of `size` messages has read, and why not more.

    Attributes:
        seen: The number of messages that it read; with a selector only those that match.
        size: The number of messages in the queue.
        rounds: The number of browses.
        reason: Why it has not read all; None if it has.
        is_selected: Whether it had a selector.
    """

    seen: int
    size: int
    rounds: int = 0
    reason: StopReason | None = None
    is_selected: bool = False

    @property
    def complete(self) -> bool:
        """True if all messages were read, of those that the caller's selector chooses."""
        return self.reason is None

    @property
    def stopped_early(self) -> bool:
        """True if it ended because the caller had asked for fewer messages."""
        return self.reason in (StopReason.LIMIT, StopReason.FOUND, StopReason.RECEIVED)

    @property
    def summary(self) -> str:
        """How many messages were read, and why some are missing."""
        selected = " that match the selector," if self.is_selected else ""
        seen = f"seen {self.seen}{selected} of {self.size}"
        if self.reason is None:
            return f"{seen} (complete)"
        return f"{seen}: {_EXPLANATIONS[self.reason]}"


class Scan:
    """
    A scan in progress: `next_selector` plans a browse, and `take` gets its page.

    It keeps a hash of each message id and nothing else of the messages.

    Args:
        size: The number of messages in the queue.
        enough: Stop after this many messages; by default all.
        held: The number of messages that the broker may hold in memory without having paged them in
            for a browse; so many must be paged in before quiet rounds mean anything.
        condition: Selector that each browse has besides; then the scan cannot know how many
            messages there are, and ends by quiet rounds.
    """

    def __init__(
        self, size: int, enough: int | None = None, *, held: int = 0, condition: str = ""
    ) -> None:
        self._size = size
        self._condition = f"({condition})" if condition else ""
        self._wanted = size if enough is None else min(size, enough)
        self._seen: set[int] = set()
        self._since = [0] * len(_FILTERS)
        self._stage = 0
        self._quiet = 0
        self._held = min(held, size)
        self._rounds = 0
        self._largest_page = 0
        self._parts: deque[tuple[int, str]] = deque()  # milliseconds, and last digits of ids
        self._too_small: set[int] = set()  # milliseconds that could not be split

    @property
    def has_enough(self) -> bool:
        """True if as many messages were seen as the queue had, or as the caller wants."""
        return len(self._seen) >= self._wanted

    @property
    def missing(self) -> int:
        """How many messages the queue had more than were seen."""
        return self._size - len(self._seen)

    @property
    def saw_full_millisecond(self) -> bool:
        """True if a millisecond had more messages than any browse could show."""
        return bool(self._too_small)

    @property
    def _is_quiet(self) -> bool:
        """True if no browse has found anything for so long that the next ones will not either."""
        not_paged_in = max(self._held - len(self._seen), 0)
        return self._quiet >= _QUIET_ROUNDS + not_paged_in // _PAGED_IN_PER_BROWSE

    def next_selector(self) -> str | None:
        """Return the selector of the next browse; None when the scan has ended."""
        if self.has_enough or (self._is_quiet and not self._parts):
            return None
        if self._parts:
            time_ms, digits = self._parts[0]
            at = f"JMSTimestamp = {time_ms} AND JMSMessageID LIKE '%{digits}'"
        else:
            since = self._since[self._stage]
            at = f"JMSTimestamp >= {since}" if since else ""
        return " AND ".join(filter(None, (_FILTERS[self._stage], at, self._condition)))

    def take(self, page: Sequence[QueuedMessage]) -> list[QueuedMessage]:
        """Add the page of the browse that `next_selector` planned; returns what is new in it."""
        self._rounds += 1
        new = self._new(page)
        if self._parts:
            self._take_part(page)
        else:
            self._take_window(page, is_new=bool(new))
        self._largest_page = max(self._largest_page, len(page))
        return new

    def go_on(self) -> None:
        """Forget the quiet rounds, because the broker has paged in more since."""
        self._quiet = self._held = 0

    def result(self, reason: StopReason | None = None) -> ScanResult:
        """Return what was read so far; `reason` says why it is not all, if it is not."""
        if len(self._seen) >= self._size:
            reason = None
        is_selected = bool(self._condition)
        return ScanResult(len(self._seen), self._size, self._rounds, reason, is_selected)

    def _new(self, page: Sequence[QueuedMessage]) -> list[QueuedMessage]:
        """Return the messages of a page that were not seen before, and remember them."""
        new = []
        for message in page:
            key = hash(message.message_id)
            if key not in self._seen:
                self._seen.add(key)
                new.append(message)
        return new

    def _take_window(self, page: Sequence[QueuedMessage], *, is_new: bool) -> None:
        before = self._since[self._stage]
        times = sorted(message.timestamp_ms for message in page)
        if times:
            self._since[self._stage] = max(before, _next_since(times))
        if is_new or self._since[self._stage] != before:
            self._quiet = 0
        elif len(times) > 1 and times[0] == times[-1] and len(page) >= self._largest_page:
            self._split(times[0], "")
            self._since[self._stage] = times[0] + 1
        else:
            self._quiet += 1
            self._stage = (self._stage + 1) % len(_FILTERS)

    def _take_part(self, page: Sequence[QueuedMessage]) -> None:
        time_ms, digits = self._parts.popleft()
        if len(page) > 1 and len(page) >= self._largest_page:
            self._split(time_ms, digits)

    def _split(self, time_ms: int, digits: str) -> None:
        """Plan the ten parts of the messages of a millisecond whose ids end in `digits`."""
        if len(digits) >= _MOST_DIGITS:
            self._too_small.add(time_ms)
        else:
            self._parts.extend((time_ms, f"{digit}{digits}") for digit in range(10))


def _next_since(times: Sequence[int]) -> int:
    """Continue a little before the last time, unless that would repeat most of the page."""
    early = times[-1] - _OVERLAP_MS
    moves_on = sum(time < early for time in times) * 2 >= len(times)
    return early if moves_on else times[-1]
