"""Checks that a job of the urgent queue starts before ordinary jobs that wait longer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import sleep

from gradectl.errors import CheckFailedError
from gradectl.smoke.check import Check
from gradectl.smoke.environment import PROGRAM, SmokeJob, request_of
from gradectl.smoke.probe import check_result
from gradectl.smoke.report import FAILED, NOT_OBSERVABLE, PASSED, PRIORITY
from grader.client.submission import upload_source
from grader.contract.messages import GradingResult
from grader.contract.names import PRIORITY_QUEUE, REQUESTS_QUEUE
from grader.ports.jobs import JobRecord, JobStore
from grader.ports.messages import Outgoing

#: Ordinary jobs per consumer: other requests wait for about so many short jobs.
_JOBS_PER_CONSUMER = 3
_MOST_JOBS = 60
#: Ordinary jobs where consumers are not counted.
_JOBS_WITHOUT_COUNT = 40
#: A busy worker on SQS looks at the urgent queue once a second, between two jobs.
_LOOKS_WITHIN = timedelta(seconds=2)
_POLL_SECONDS = 0.02


class PriorityCheck(Check):
    """
    Sends ordinary jobs and then an urgent one, in one transaction, and compares their starts.

    While workers are idle every job starts at once, and the order says nothing. So only ordinary
    jobs count that had not started when the urgent one was in its queue, and there must be twice as
    many as consumers: in the order of sending, all but one per consumer would start before it.

    SQS counts no consumers and keeps no order. There, the urgent job must start soon after the
    first of those that waited with it, while others still wait.
    """

    name = PRIORITY

    def _observe(self, deadline: float) -> tuple[str, str]:
        jobs = self._environment.jobs
        if jobs is None:
            text = "the database, which has the times of the starts, cannot be reached from here"
            return NOT_OBSERVABLE, text
        consumers = self._consumers()
        if consumers is None:
            return NOT_OBSERVABLE, f"there is no queue {PRIORITY_QUEUE}"
        is_counted = self._environment.broker.inspector.can_browse
        count = min(_JOBS_PER_CONSUMER * consumers + 2, _MOST_JOBS)
        if not is_counted:
            count = _JOBS_WITHOUT_COUNT
        ordinary = [
            self._make_job(REQUESTS_QUEUE, f"ordinary-{number}") for number in range(1, count + 1)
        ]
        urgent = self._make_job(PRIORITY_QUEUE, "urgent")
        self._send([*ordinary, urgent])
        # The last one first: the others may start meanwhile.
        waiting = [job for job in reversed(ordinary) if jobs.get(job.request_id) is None]
        self._say(f"{len(waiting)} of {count} ordinary jobs wait with the urgent one")
        missing = self._await_results(jobs, [urgent, *ordinary], deadline)
        if missing:
            return FAILED, missing
        starts, urgent_start = [_started(jobs, job) for job in waiting], _started(jobs, urgent)
        if not is_counted:
            return judge_by_time(starts, urgent_start)
        consumers = max(consumers, self._consumers() or 0)
        return judge(starts, urgent_start, sent=count, consumers=consumers)

    def _consumers(self) -> int | None:
        """Return the number of consumers, at least 1; None without an urgent queue."""
        queues = (REQUESTS_QUEUE, PRIORITY_QUEUE)
        found = self._environment.broker.inspector.statistics(queues)
        if PRIORITY_QUEUE not in found:
            return None
        return max(1, *(each.consumers or 0 for each in found.values()))

    def _send(self, jobs: Sequence[SmokeJob]) -> None:
        requests = [request_of(self._environment.bucket, job) for job in jobs]
        for request in requests:
            upload_source(self._environment.store, request, PROGRAM)
        messages = []
        for job, request in zip(jobs, requests, strict=True):
            job.sent = True
            headers = {"correlation-id": job.request_id}
            messages.append(Outgoing(job.queue, request.to_json(), headers))
        self._environment.broker.send_all(messages)

    def _await_results(self, jobs: JobStore, sent: Sequence[SmokeJob], deadline: float) -> str:
        """Wait until each job has its result; returns what is wrong, empty for nothing."""
        left = list(sent)
        while left:
            row = jobs.get(left[0].request_id)
            if row is not None and row.result is not None:
                job = left.pop(0)
                job.finished = True
                try:
                    check_result(GradingResult.from_json(row.result.to_json()), job)
                except CheckFailedError as error:
                    return f"{job.request_id}: {error.what}"
            elif self._clock() > deadline:
                left[0].out_of_time = True
                return f"{len(left)} of {len(sent)} jobs got no result in time"
            else:
                sleep(_POLL_SECONDS)
        return ""


def _started(jobs: JobStore, job: SmokeJob) -> datetime:
    """Return when a worker claimed a finished job, by the worker's clock."""
    row: JobRecord | None = jobs.get(job.request_id)
    return (row and row.created_at) or datetime.min.replace(tzinfo=UTC)


def judge(
    waiting: Sequence[datetime], urgent: datetime, *, sent: int, consumers: int
) -> tuple[str, str]:
    """
    Decide from the starts whether the urgent job overtook.

    Each consumer may have had one ordinary job in transit, which it then processes first.

    Args:
        waiting: Starts of the ordinary jobs that waited when the urgent one was in its queue.
        urgent: Start of the urgent one.
        sent: Number of ordinary jobs that were sent.
        consumers: Number of consumers.

    Returns:
        The outcome, and what was seen.
    """
    if len(waiting) < 2 * consumers:
        text = f"only {len(waiting)} of {sent} ordinary jobs still waited for {consumers} consumers"
        return NOT_OBSERVABLE, f"workers were idle: {text}"
    before = sum(start < urgent for start in waiting)
    if before > consumers:
        text = f"{before} of {len(waiting)} waiting ordinary jobs started before the urgent one"
        return FAILED, f"{text}; in transit to {consumers} consumers were at most {consumers}"
    overtaken = len(waiting) - before
    return PASSED, f"the urgent job overtook {overtaken} of {len(waiting)} waiting ordinary jobs"


def judge_by_time(waiting: Sequence[datetime], urgent: datetime) -> tuple[str, str]:
    """
    Decide from the starts whether the urgent job was taken as soon as workers look for it.

    Args:
        waiting: Starts of the ordinary jobs that waited when the urgent one was in its queue.
        urgent: Start of the urgent one.

    Returns:
        The outcome, and what was seen.
    """
    lasted = max(waiting) - min(waiting) if waiting else timedelta()
    if lasted <= _LOOKS_WITHIN:
        text = f"{len(waiting)} ordinary jobs that waited with the urgent one started within"
        return NOT_OBSERVABLE, f"workers were idle: {text} {_LOOKS_WITHIN.total_seconds():.0f} s"
    seconds = (urgent - min(waiting)).total_seconds()
    overtaken = sum(start > urgent for start in waiting)
    text = f"overtook {overtaken} of {len(waiting)} waiting ordinary jobs"
    if seconds <= _LOOKS_WITHIN.total_seconds():
        return PASSED, f"the urgent job {text}"
    return FAILED, f"the urgent job started {seconds:.1f} s after the first that waited, and {text}"
