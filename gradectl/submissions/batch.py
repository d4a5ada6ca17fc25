"""Submits many programs, with a bounded number of them ungraded at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic, sleep

from gradectl.submissions.folder import Program
from grader.client.results import poll_intervals
from grader.contract.messages import GradingRequest, GradingResult
from grader.errors import NoResultError


@dataclass
class Entry:
    """
    One submission of a batch.

    Args:
        program: The program.
        request: Its request.
        result: Its result; None while there is none.
        sent: Whether this run has sent it.
    """

    program: Program
    request: GradingRequest
    result: GradingResult | None = None
    sent: bool = False

    @property
    def state(self) -> str:
        """Say how far it is."""
        if self.result is not None:
            return str(self.result.status)
        return "sent" if self.sent else "not sent"


@dataclass(frozen=True)
class Batch:
    """
    Sends the submissions that have no result yet.

    Args:
        send: Stores and sends one.
        find: Reads the result of a request id; None while there is none.
        tell: Takes an entry whenever it was sent or has got its result.
        most: How many may be without a result at a time, where results are waited for.
        patience_seconds: How long to wait for the next result.
    """

    send: Callable[[Entry], None]
    find: Callable[[str], GradingResult | None]
    tell: Callable[[Entry], None]
    most: int = 16
    patience_seconds: float = 300.0
    pause: Callable[[float], None] = sleep
    clock: Callable[[], float] = monotonic

    def run(self, entries: Sequence[Entry], *, wait: bool) -> None:
        """
        Submit all, and wait for all results if asked to.

        Raises:
            NoResultError: No result came for `patience_seconds`; the requests stay queued.
        """
        waiting: list[Entry] = []
        for entry in entries:
            if self._look(entry):
                continue
            if wait and len(waiting) >= self.most:
                self._until_fewer(waiting, self.most)
            self.send(entry)
            entry.sent = True
            self.tell(entry)
            waiting.append(entry)
        if wait:
            self._until_fewer(waiting, 1)

    def _look(self, entry: Entry) -> bool:
        """Ask for the result of an entry once."""
        entry.result = self.find(entry.request.request_id)
        if entry.result is not None:
            self.tell(entry)
        return entry.result is not None

    def _until_fewer(self, waiting: list[Entry], count: int) -> None:
        """Wait until fewer than `count` entries have no result."""
        intervals, deadline = poll_intervals(), self.clock() + self.patience_seconds
        while len(waiting) >= count:
            left = [entry for entry in waiting if not self._look(entry)]
            if len(left) < len(waiting):
                waiting[:] = left
                intervals, deadline = poll_intervals(), self.clock() + self.patience_seconds
            elif self.clock() >= deadline:
                text = f"no result within {self.patience_seconds:g} s; the requests stay queued"
                raise NoResultError(text, where=f"{len(waiting)} requests")
            else:
                self.pause(next(intervals))


def unfinished(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield the ids of requests that were sent and have no result."""
    return (each.request.request_id for each in entries if each.sent and each.result is None)
