"""Sends one job through one queue, measures each hop and verifies the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gradectl.errors import (
    CheckFailedError,
    DeadlineError,
    GradectlError,
    UnreachableError,
)
from gradectl.queues.broker import Broker, Watch
from gradectl.smoke.report import GRADE, RESULT, SEND, UPLOAD, Hop, ProbeResult
from grader.client.client import send_request
from grader.client.results import stored_result
from grader.client.submission import Limits, Source, make_request, upload_source
from grader.contract.messages import GradingRequest, GradingResult
from grader.contract.names import RESULTS_QUEUE
from grader.contract.verdicts import Verdict
from grader.errors import AccessError, GraderError
from grader.ports.jobs import JobStore
from grader.ports.messages import QueueStatistics
from grader.ports.stores import ObjectStore

_PROGRAM = Source("smoke.py", b"print(sum(map(int, input().split())))\n")
_LIMITS = Limits(time_ms=5000, memory_mb=128)
_POLL_SECONDS = 0.01
#: The message follows the stored result; after this time another consumer must have taken it.
_MESSAGE_SECONDS = 2.0


@dataclass
class SmokeJob:
    """A job of a smoke test with its progress, which the clean-up needs."""

    queue: str
    request_id: str
    problem_id: str
    sent: bool = False
    finished: bool = False  # it has a result, so no worker holds it
    received: bool = False  # the prober consumed the result message
    accepted: bool = False  # the verdict is AC, so there is no dead letter
    out_of_time: bool = False


class Prober:
    """
    Sends a job and waits for its result.

    Args:
        bucket: Name of the grading bucket.
        store: The bucket.
        broker: The queues.
        jobs: The table of jobs; None if the database cannot be reached.
        clock: Clock for latencies, in seconds.
    """

    def __init__(
        self,
        bucket: str,
        store: ObjectStore,
        broker: Broker,
        jobs: JobStore | None,
        clock: Callable[[], float],
    ) -> None:
        self._bucket = bucket
        self._store = store
        self._broker = broker
        self._jobs = jobs
        self._clock = clock
        self._hops: list[Hop] = []
        self._hop = UPLOAD

    def run(self, job: SmokeJob, seconds: float) -> ProbeResult:
        """
        Send the job and wait for its result.

        Raises:
            UnreachableError: The broker cannot be reached.
            AccessError: This user lacks a right that a smoke test needs.
        """
        try:
            proof = self._follow(job, seconds)
        except (UnreachableError, AccessError):
            raise
        except (GraderError, GradectlError, DeadlineError) as error:
            job.out_of_time = job.out_of_time or isinstance(error, DeadlineError)
            hops = tuple(self._hops)
            return ProbeResult(job.queue, job.request_id, hops, "", self._hop, str(error))
        return ProbeResult(job.queue, job.request_id, tuple(self._hops), proof)

    def _follow(self, job: SmokeJob, seconds: float) -> str:
        """Run the hops, and return the proof that the job was graded."""
        request = make_request(
            bucket=self._bucket,
            problem_id=job.problem_id,
            language="python",
            source=_PROGRAM,
            limits=_LIMITS,
            user_id="gradectl-smoke",
            request_id=job.request_id,
        )
        before = self._counters(RESULTS_QUEUE)
        with self._broker.watch(RESULTS_QUEUE, job.request_id) as watch:
            with self._timed(UPLOAD):
                upload_source(self._store, request, _PROGRAM)
            with self._timed(SEND):
                self._send(job, request)
            with self._timed(GRADE):
                body = self._await_grade(watch, job, seconds)
                job.finished = True
            with self._timed(RESULT):
                body = body or self._await_message(watch, job, seconds)
                job.received = body is not None
                if body is None:
                    return self._other_proof(job, before)
                _check(GradingResult.from_json(body), job)
                return "result message, by its correlation id"

    def _send(self, job: SmokeJob, request: GradingRequest) -> None:
        """Send the request; on an error other than a missing right it may have been stored."""
        if self._counters(job.queue) is None:
            raise CheckFailedError("the queue does not exist")
        job.sent = True
        try:
            send_request(self._broker, job.queue, request)
        except AccessError:
            job.sent = False
            raise

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        """Record the current hop and its duration."""
        self._hop = name
        start = self._clock()
        yield
        self._hops.append(Hop(name, (self._clock() - start) * 1000))

    def _await_grade(self, watch: Watch, job: SmokeJob, seconds: float) -> bytes | None:
        """Wait until the result is stored; returns its message if that arrives first."""
        deadline = self._clock() + seconds
        while self._clock() < deadline:
            body = watch.take(_POLL_SECONDS)
            if body is not None:
                return body
            if stored_result(self._store, job.request_id) is not None:
                return None
        job.out_of_time = True
        raise CheckFailedError(f"no result within {seconds:.0f} s: {self._who_holds(job.queue)}")

    def _who_holds(self, queue: str) -> str:
        """Say why a request was not graded, by the counters of its queue."""
        counters = self._counters(queue)
        if counters is None:
            return f"{queue} does not exist any more"
        state = f"{counters.consumers} consumers, {counters.waiting} waiting"
        if counters.in_flight:
            return f"a worker holds a message of {queue} ({counters.in_flight} in flight, {state})"
        if not counters.consumers:
            return f"no worker is connected to {queue} ({state})"
        return f"the workers do not take it from {queue} ({state})"

    def _await_message(self, watch: Watch, job: SmokeJob, seconds: float) -> bytes | None:
        """
        Wait for the result message; None if another consumer must have taken it.

        A selective consumer gets only messages that the broker has paged in: 200 if the queue has
        no other consumer. Each browse pages in more.
        """
        deadline = self._clock() + seconds
        message_deadline = self._clock() + _MESSAGE_SECONDS
        while self._clock() < deadline:
            body = watch.take(_POLL_SECONDS)
            if body is not None:
                return body
            page = self._broker.inspector.browse(RESULTS_QUEUE)
            is_queued = len(page) < self._size(RESULTS_QUEUE) or any(
                message.headers.get("correlation-id") == job.request_id for message in page
            )
            if self._clock() > message_deadline and not is_queued:
                return None
        return None

    def _other_proof(self, job: SmokeJob, before: QueueStatistics | None) -> str:
        """Verify the stored result, and by counters that its message was sent."""
        after = self._counters(RESULTS_QUEUE)
        enqueued = (after.enqueued if after else 0) - (before.enqueued if before else 0)
        dequeued = (after.dequeued if after else 0) - (before.dequeued if before else 0)
        if enqueued < 1:
            raise CheckFailedError(f"graded, but no message was sent to {RESULTS_QUEUE}")
        row = self._jobs.get(job.request_id) if self._jobs else None
        row_result = row.result if row else None
        source = "stored row" if row_result else "stored result.json"
        result = (
            GradingResult.from_json(row_result.to_json())
            if row_result
            else stored_result(self._store, job.request_id)
        )
        if result is None:
            raise CheckFailedError("neither a row nor a result.json is stored")
        _check(result, job)
        counters = f"{RESULTS_QUEUE} {enqueued:+d} enqueued, {dequeued:+d} dequeued"
        return f"{source}; another consumer took the message ({counters})"

    def _counters(self, queue: str) -> QueueStatistics | None:
        return self._broker.inspector.statistics([queue]).get(queue)

    def _size(self, queue: str) -> int:
        counters = self._counters(queue)
        return counters.size if counters else 0


def _check(result: GradingResult, job: SmokeJob) -> None:
    """
    Check that a result is the expected one, and mark the job as accepted.

    Raises:
        CheckFailedError: It is of another request, or its verdict is not AC.
    """
    if result.request_id != job.request_id:
        raise CheckFailedError(f"got the result of another request: {result.request_id}")
    if result.result is None:
        error = f"{result.error.code}: {result.error.message}" if result.error else ""
        raise CheckFailedError(f"status {result.status}: {error}")
    if result.result.verdict is not Verdict.ACCEPTED:
        verdict, message = result.result.verdict, result.result.message or ""
        raise CheckFailedError(f"a correct program got {verdict} {message}".strip())
    job.accepted = True
