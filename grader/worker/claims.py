"""
Renews the claims of running jobs, and gives them back when the worker has to leave.

A claim is a lease: without renewal it ends after a few minutes, and the request may be claimed by
another message. So a worker that died holds a request for minutes, and a living one holds it as
long as its job takes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from grader.errors import AccessError, GraderError
from grader.logs import Logger
from grader.ports.jobs import JobStore
from grader.worker.activity import ActiveJobs, ClaimedJob
from grader.worker.background import in_background

#: Renewals that may fail before a claim ends.
_INTERVALS_PER_LEASE = 3
_JOIN_SECONDS = 2.0


def lease_of(interval_seconds: float) -> timedelta:
    """Return how long a claim holds that is renewed at this interval."""
    return timedelta(seconds=interval_seconds * _INTERVALS_PER_LEASE)


@dataclass(frozen=True)
class ClaimRenewer:
    """
    Renews all claims of a worker with one statement per interval, or gives them back.

    Args:
        jobs: The table of jobs.
        active: The running jobs.
        worker_id: Owner of the claims.
        interval_seconds: Time between two renewals.
        refresh: Called when the database refuses the login: the password may have been changed.
        log: Log of the worker.
    """

    jobs: JobStore
    active: ActiveJobs
    worker_id: str
    interval_seconds: float
    refresh: Callable[[], None]
    log: Logger

    def in_background(self) -> AbstractContextManager[None]:
        """Renew on a background thread while the block runs, also during a shutdown."""
        return in_background("claims", self.run, join_seconds=_JOIN_SECONDS)

    def run(self, ended: threading.Event) -> None:
        """Renew until `ended` is set; an error is logged, and the next renewal is on time."""
        while not ended.wait(self.interval_seconds):
            try:
                self.renew()
            except AccessError as error:
                self._warn(error)
                self.refresh()
            except Exception as error:  # noqa: BLE001 - jobs do not depend on one renewal
                self._warn(error)

    def renew(self) -> None:
        """Renew the claims of the running jobs once; raises as the table of jobs."""
        claimed = self.active.claimed()
        if claimed:
            self.jobs.renew(self.worker_id, claimed, lease_of(self.interval_seconds))

    def give_back(self) -> None:
        """
        Give back the requests whose jobs still run, then their messages; an error is logged.

        Their attempts are not counted.
        """
        jobs = self.active.give_back()
        for job in jobs:
            try:
                given = self.jobs.give_back(self.worker_id, job.request_id, job.attempt)
                message = "Request given back" if given else "Request was taken over already"
                self.log.warning(message, request_id=job.request_id, attempt=job.attempt)
            except Exception as error:  # noqa: BLE001 - the worker leaves anyway
                self._warn(error, "Request not given back, its attempt counts")
        threads = [threading.Thread(target=self._release, args=(job,), daemon=True) for job in jobs]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    def _release(self, job: ClaimedJob) -> None:
        try:
            job.release()
        except Exception as error:  # noqa: BLE001 - the queue returns the message by itself
            self._warn(error, "Message not returned to its queue")

    def _warn(self, error: Exception, message: str = "Claims not renewed") -> None:
        expected = isinstance(error, GraderError)
        self.log.warning(message, reason=str(error), exc_info=None if expected else error)
