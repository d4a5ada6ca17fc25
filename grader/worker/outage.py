"""Logs an outage of something that no job waits for."""

from __future__ import annotations

import threading

from grader.errors import GraderError
from grader.logs import Logger


class Outage:
    """
    Logs the begin and the end of an outage once each.

    Args:
        log: Log of the worker.
        what: What is not passed on meanwhile, such as ``Results``.
        where: Where it would go, such as ``Redis``.
    """

    def __init__(self, log: Logger, what: str, where: str) -> None:
        self._log = log
        self._what = f"{what} not passed on to {where}"
        self._again = f"{what} passed on to {where} again"
        self._lock = threading.Lock()
        self._lasts = False
        self._dropped = 0

    def dropped(self, count: int = 1) -> None:
        """Count what could not be passed on."""
        with self._lock:
            self._dropped += count

    def failed(self, reason: str, error: Exception | None = None) -> None:
        """
        Note a failure.

        Args:
            reason: Why.
            error: What was raised, if anything; one that is not ours is logged with its traceback.
        """
        if not self._lasts:
            self._lasts = True
            unexpected = None if isinstance(error, GraderError) else error
            self._log.warning(self._what, reason=reason, exc_info=unexpected)

    def over(self) -> None:
        """Note a success."""
        if self._lasts:
            self._lasts = False
            self._log.warning(self._again, dropped=self._counted())

    def closed(self, left: int) -> None:
        """Note the end of the worker, and how many are left."""
        self.dropped(left)
        if dropped := self._counted():
            self._log.warning(self._what, dropped=dropped)

    def _counted(self) -> int:
        """Return the number that was dropped since the last call."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
            return dropped
