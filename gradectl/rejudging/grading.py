"""
Sends the requests of a rejudging, a few at a time, and waits for their results.

Nothing about a message is recorded: a request whose row has a result is done, one whose row is
held by a worker is being graded, and any other is sent. A message that is sent twice is graded
once. So a run that was interrupted anywhere goes on from the table of jobs alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, sleep

from gradectl.errors import GradectlError
from gradectl.queues.broker import Inspector
from gradectl.rejudging.comparison import is_worth_repeating
from gradectl.rejudging.queued import queued_messages
from gradectl.rejudging.request import (
    KnownLimits,
    Submission,
    rejudged_request,
    rejudging_headers,
)
from gradectl.rejudging.selection import batches
from gradectl.rejudging.state_file import StateFile
from grader.client.results import poll_intervals
from grader.contract.bucket import metadata_key
from grader.contract.messages import GradingRequest, JobResult
from grader.contract.names import REQUESTS_QUEUE
from grader.contract.rejudging import rejudged_id
from grader.errors import ObjectNotFoundError
from grader.ports.finished import FinishedJob, FinishedJobs
from grader.ports.jobs import JobRecord
from grader.ports.messages import MessageSender
from grader.ports.stores import ObjectStore

_PAGE = 50
_METADATA_BYTES = 1 << 20
#: Time between two looks at the queue: the number of workers changes.
_QUEUE_SECONDS = 5.0
_LONGEST_POLL_SECONDS = 0.5
#: Requests at a time where consumers are not counted.
UNCOUNTED_IN_FLIGHT = 2


@dataclass(frozen=True)
class Progress:
    """
    What was done so far.

    Attributes:
        graded: Requests with a new result.
        failed: Those whose second grading failed because of the problem or the platform.
        held_back: Those that could not be sent.
        consumers: Of the queue; None before the first look, and where they are not counted.
    """

    graded: int = 0
    failed: int = 0
    held_back: int = 0
    consumers: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to repeat, once the grading has ended."""
        return not (self.failed or self.held_back)


@dataclass(frozen=True)
class Services:
    """
    The parts of an environment that a rejudging uses.

    Attributes:
        bucket: Name of the grading bucket.
        objects: The bucket.
        jobs: The finished jobs.
        inspector: Reads the counters of the queue.
        sender: Sends to the queue.
    """

    bucket: str
    objects: ObjectStore
    jobs: FinishedJobs
    inspector: Inspector
    sender: MessageSender


class Grading:
    """
    One run of the second grading.

    Args:
        services: The environment.
        state: The file of the rejudging.
        limits: For submissions without metadata.json.
        in_flight: Most requests that wait or run at a time; None for half of the consumers, or two
            where these are not counted.
        report: Called after each step.
        pause: Waits for so many seconds.
        clock: Seconds.
        now: The time that the ends of claims are compared with.
    """

    def __init__(  # noqa: PLR0913 - three of them only for tests
        self,
        services: Services,
        state: StateFile,
        *,
        limits: KnownLimits | None = None,
        in_flight: int | None = None,
        report: Callable[[Progress], None] = lambda _progress: None,
        pause: Callable[[float], None] = sleep,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._services = services
        self._state = state
        self._limits = limits
        self._in_flight = in_flight
        self._report = report
        self._pause = pause
        self._clock = clock
        self._now = now
        self._window: dict[str, GradingRequest] = {}
        self._intervals = _short_intervals()
        self._proven = False
        self._graded = self._failed = self._held_back = 0
        self._consumers: int | None = None
        self._has_looked = False
        self._looked_at = 0.0
        self._queued: Mapping[str, str] = {}

    def run(self) -> Progress:
        """
        Grade everything that has no result yet.

        Raises:
            GradectlError: The workers do not know rejudgings, and send the results as usual.
        """
        self._queued = queued_messages(self._services.inspector, self._state.name)
        for page in batches(self._state.selected(), _PAGE):
            derived = [self._derived(job) for job in page]
            rows = self._services.jobs.records(derived)
            for job in page:
                self._one(job, rows.get(self._derived(job)))
        while self._window:
            self._poll()
        progress = self._progress()
        self._state.set_state("graded" if progress.is_complete else "grading")
        return progress

    def _one(self, job: FinishedJob, row: JobRecord | None) -> None:
        """Send one request, unless it has a result."""
        if row is not None and row.result is not None:
            self._check(row.result)
            if not is_worth_repeating(row.result):
                self._graded += 1
                return
            self._services.jobs.remove([row.request_id])
            row = None
        request = self._request(job)
        if isinstance(request, str):
            self._held_back += 1
            self._state.hold_back(job.request_id, request)
            return
        is_unclaimed = self._is_unclaimed(row)
        while len(self._window) >= self._room():
            self._poll()
        self._window[request.request_id] = request
        if is_unclaimed and request.request_id not in self._queued:
            self._send(request)

    def _request(self, job: FinishedJob) -> GradingRequest | str:
        objects = self._services.objects
        metadata, sources = None, []
        try:
            metadata = objects.get(metadata_key(job.request_id), max_bytes=_METADATA_BYTES)
        except ObjectNotFoundError:
            prefix = f"submissions/{job.request_id}/"
            sources = [each.key for each in objects.list(prefix)]
        submission = Submission(metadata, sources)
        bucket, name = self._services.bucket, self._state.name
        return rejudged_request(job, submission, bucket, name, self._limits)

    def _send(self, request: GradingRequest) -> None:
        headers = rejudging_headers(request, self._state.name)
        self._services.sender.send(REQUESTS_QUEUE, request.to_json(), headers)

    def _room(self) -> int:
        """
        Return how many requests may be in flight.

        Until a first result proves that the workers know rejudgings, it is one.
        """
        if not self._proven:
            return 1
        if self._in_flight is not None:
            return self._in_flight
        if not self._has_looked:
            self._look_at_queue()
        return UNCOUNTED_IN_FLIGHT if self._consumers is None else max(self._consumers // 2, 1)

    def _poll(self) -> None:
        """Wait a moment, and take the finished requests out of the window."""
        self._pause(next(self._intervals))
        if self._clock() - self._looked_at >= _QUEUE_SECONDS:
            self._look_at_queue()
        done = False
        for row in self._services.jobs.records(list(self._window)).values():
            if row.result is not None:
                self._check(row.result)
                del self._window[row.request_id]
                if is_worth_repeating(row.result):
                    self._failed += 1
                else:
                    self._graded += 1
                done = True
        if done:
            self._intervals = _short_intervals()
            self._report(self._progress())

    def _look_at_queue(self) -> None:
        """Read the consumers; send again what is neither in the queue nor held by a worker."""
        found = self._services.inspector.statistics([REQUESTS_QUEUE]).get(REQUESTS_QUEUE)
        self._looked_at, self._has_looked = self._clock(), True
        self._consumers = found.consumers if found else 0
        self._report(self._progress())
        if found is not None and found.size == 0 and self._window:
            rows = self._services.jobs.records(list(self._window))
            for request_id, request in self._window.items():
                if self._is_unclaimed(rows.get(request_id)):
                    self._send(request)

    def _is_unclaimed(self, row: JobRecord | None) -> bool:
        """Whether a request has no result, and no worker that will store one."""
        return row is None or (row.result is None and not row.is_held(self._now()))

    def _check(self, result: JobResult) -> None:
        if result.rejudging != self._state.name:
            raise GradectlError(
                "the workers are of a release that does not know rejudgings: they sent this result"
                " to grading-results, too",
                where=result.request_id,
                next_step="deploy the workers of this release, then run the same command again"
                " with another --name",
            )
        self._proven = True

    def _derived(self, job: FinishedJob) -> str:
        return rejudged_id(job.request_id, self._state.name)

    def _progress(self) -> Progress:
        return Progress(self._graded, self._failed, self._held_back, self._consumers)


def _short_intervals() -> Iterator[float]:
    """Yield the seconds between looks: 20 ms, growing to half a second."""
    return (min(each, _LONGEST_POLL_SECONDS) for each in poll_intervals())
