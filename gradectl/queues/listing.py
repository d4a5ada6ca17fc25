"""Collects what is shown of a queue while it is read, in bounded memory; pure."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from gradectl.queues.message_view import MessageView
from grader.ports.messages import QueuedMessage

#: Messages shown without a limit; more are counted only.
MOST_SHOWN = 1_000

#: Names of groups, and the member of a message that they group by.
GROUPS: dict[str, Callable[[MessageView], str]] = {
    "reason": lambda view: view.reason,
    "language": lambda view: view.language,
    "problem": lambda view: view.problem,
    "user": lambda view: view.user,
}


@dataclass
class Listing:
    """
    The oldest messages of a queue, or the sizes of groups of them.

    Args:
        now_ms: The time of the broker's clock.
        since_ms: Ignore older messages, by the time of sending; 0 for none.
        group_by: A key of `GROUPS`; None to collect messages.
        most: The number of messages to keep.
    """

    now_ms: int
    since_ms: int = 0
    group_by: str | None = None
    most: int = MOST_SHOWN
    matched: int = 0
    groups: Counter[str] = field(default_factory=Counter)
    _oldest: list[tuple[int, str, MessageView]] = field(default_factory=list)

    def add(self, message: QueuedMessage) -> None:
        """Count a message, and keep its summary if it is one of the oldest."""
        sent_ms = message.timestamp_ms
        if sent_ms < self.since_ms:
            return
        self.matched += 1
        if self.group_by:
            self.groups[GROUPS[self.group_by](MessageView.of(message, self.now_ms))] += 1
        elif len(self._oldest) < self.most or -sent_ms > self._oldest[0][0]:
            view = MessageView.of(message, self.now_ms)
            heapq.heappush(self._oldest, (-sent_ms, message.message_id, view))
            if len(self._oldest) > self.most:
                heapq.heappop(self._oldest)

    def views(self) -> list[MessageView]:
        """Return the summaries that were kept, the oldest first."""
        ordered = sorted(self._oldest, key=lambda kept: (-kept[0], kept[1]))
        return [view for _, _, view in ordered]
