"""Queues in memory with the abilities of Amazon SQS: no browsing, no consumers, no order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

from gradectl.errors import UsageError
from gradectl.queues.testing import MemoryBroker
from grader.contract.names import TransportName
from grader.ports.messages import QueuedMessage, QueueStatistics


class UnsearchableBroker(MemoryBroker):
    """
    See `gradectl.queues.broker.Broker`; counts how often each message was received by `hold`.

    A watch is one of `MemoryBroker`: the real one returns the messages of others.
    """

    transport = TransportName.SQS
    can_browse = False
    receives: dict[str, int]

    @property
    def holder(self) -> UnsearchableBroker:  # type: ignore[override]  # the other fake has none
        """This object."""
        return self

    @contextmanager
    def hold(
        self, queue: str, most: int, report: Callable[[int], object] = lambda _count: None
    ) -> Iterator[Sequence[QueuedMessage]]:
        """Hold the first messages of a queue for the block."""
        held = self.messages(queue)[:most]
        self.__dict__.setdefault("receives", {})
        for each in held:
            self.receives[each.message_id] = self.receives.get(each.message_id, 0) + 1
        report(len(held))
        yield held

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """Counters without consumers and totals."""
        found = super().statistics(queues)
        return {
            name: replace(each, consumers=None, enqueued=0, dequeued=0, delayed=0)
            for name, each in found.items()
        }

    def browse(self, queue: str, selector: str = "") -> NoReturn:  # noqa: ARG002 - the port's
        """Refuse it."""
        raise UsageError("Amazon SQS cannot show messages without receiving them", where=queue)

    def peek(self, queue: str, count: int, selector: str = "") -> NoReturn:  # noqa: ARG002 - the port's
        """Refuse it."""
        raise UsageError("Amazon SQS cannot show messages without receiving them", where=queue)
