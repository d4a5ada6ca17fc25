"""
Protects the task from scale-in while a long job runs.

Only a job that has run for some seconds asks for protection. Shorter ones end within the drain
anyway, and a worker that is protected without a break could never be replaced: ECS waits for
protected tasks also during a deployment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import monotonic

from grader.adapters.ecs_agent import EcsAgent
from grader.errors import GraderError
from grader.logs import Logger
from grader.worker.activity import ActiveJobs
from grader.worker.background import in_background

#: Age from which on a job protects its task.
AFTER_SECONDS = 5.0
#: The protection of a worker that died ends after this time.
_MINUTES = 10
_RENEWAL_SECONDS = _MINUTES * 60 / 2
_RETRY_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_JOIN_SECONDS = 6.0  # longer than a call of the agent takes


@dataclass
class ScaleInProtection:
    """
    Turns the protection on while a job is older than five seconds, and off when none is.

    The agent is asked on a thread of its own; its errors never stop a job.

    Args:
        agent: The agent of ECS.
        active: The running jobs.
        log: Log of the worker.
        clock: Monotonic time, seconds.
    """

    agent: EcsAgent
    active: ActiveJobs
    log: Logger
    clock: Callable[[], float] = monotonic
    _protected: bool = field(default=False, init=False)
    _warned: bool = field(default=False, init=False)
    _renew_at: float = field(default=0.0, init=False)
    _retry_at: float = field(default=0.0, init=False)

    def in_background(self) -> AbstractContextManager[None]:
        """Look once a second while the block runs; then end the protection."""
        return in_background("protection", self._run, join_seconds=_JOIN_SECONDS)

    def _run(self, ended: threading.Event) -> None:
        while not ended.wait(_LOOK_SECONDS):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - later jobs need the protection too
                self._put_off(error)
        if self._protected:
            self._ask(protect=False)

    def look(self) -> None:
        """Turn the protection on or off, or renew it, if that is due."""
        wanted = self.active.longest_seconds() >= AFTER_SECONDS
        now = self.clock()
        due = now >= self._renew_at if wanted and self._protected else wanted != self._protected
        if due and now >= self._retry_at:
            self._ask(protect=wanted)

    def _ask(self, *, protect: bool) -> None:
        """Ask the agent; the first of several errors is logged."""
        try:
            if protect:
                self.agent.protect(_MINUTES)
            else:
                self.agent.release()
        except GraderError as error:
            self._put_off(error)
        else:
            self._protected, self._warned = protect, False
            self._renew_at = self.clock() + _RENEWAL_SECONDS

    def _put_off(self, error: Exception) -> None:
        self._retry_at = self.clock() + _RETRY_SECONDS
        if not self._warned:
            expected = isinstance(error, GraderError)
            self.log.warning(
                "Scale-in protection not changed",
                reason=str(error),
                exc_info=None if expected else error,
            )
        self._warned = True
