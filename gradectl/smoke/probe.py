"""Sends one job through one queue, measures each hop and verifies the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from gradectl.errors import (
    CheckFailedError,
    DeadlineError,
    GradectlError,
    UnreachableError,
)
from gradectl.queues.broker import Watch
from gradectl.smoke.environment import PROGRAM, SmokeEnvironment, SmokeJob, request_of
from gradectl.smoke.report import (
    GRADE,
    GRADING,
    QUEUE_WAIT,
    RESULT,
    ROW,
    SEND,
    UPLOAD,
    Hop,
    ProbeResult,
)
from gradectl.smoke.sampling import POLL_SECONDS, take_or_pause, take_own, watching
from grader.client.client import send_request
from grader.client.results import stored_result
from grader.client.submission import upload_source
from grader.contract.messages import GradingRequest, GradingResult
from grader.contract.names import RESULTS_QUEUE
from grader.contract.verdicts import Verdict
from grader.errors import AccessError, GraderError
from grader.ports.jobs import JobRecord, JobStore
from grader.ports.messages import QueueStatistics

#: The message follows the stored result; after this time another consumer must have taken it.
_MESSAGE_SECONDS = 2.0


class Prober:
    """
    Sends a job and waits for its result.

    Args:
        environment: The environment under test.
        clock: Clock for latencies, in seconds.
    """

    def __init__(self, environment: SmokeEnvironment, clock: Callable[[], float]) -> None:
        self._bucket = environment.bucket
        self._store = environment.store
        self._broker = environment.broker
        self._jobs = environment.jobs
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
        request = request_of(self._bucket, job)
        before = self._counters(RESULTS_QUEUE)
        with watching(self._broker, job) as watch:
            with self._timed(UPLOAD):
                upload_source(self._store, request, PROGRAM)
            with self._timed(SEND):
                self._send(job, request)
            with self._timed(GRADE):
                body = self._await_grade(watch, job, seconds)
                job.finished = True
            with self._timed(RESULT):
                if watch is None:
                    body = take_own(self._broker, RESULTS_QUEUE, job)
                else:
                    body = body or self._await_message(watch, job, seconds)
                job.received = body is not None
                if body is None:
                    proof = self._other_proof(job, before)
                else:
                    check_result(GradingResult.from_json(body), job)
                    proof = "result message, by its correlation id"
        if self._jobs is not None:
            with self._timed(ROW):
                row = self._saved_row(self._jobs, job)
            self._hops = divided(self._hops, row)
        return proof

    def _saved_row(self, jobs: JobStore, job: SmokeJob) -> JobRecord:
        """Read the row of a graded job: the worker saves it before it sends the result."""
        row = jobs.get(job.request_id)
        if row is None or row.result is None:
            raise CheckFailedError("graded, but its row in the database has no result")
        return row

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

    def _await_grade(self, watch: Watch | None, job: SmokeJob, seconds: float) -> bytes | None:
        """Wait until the result is stored; returns its message if that arrives first."""
        deadline = self._clock() + seconds
        while self._clock() < deadline:
            body = take_or_pause(watch)
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
        state = f"{counters.waiting} waiting"
        if counters.consumers is not None:
            state = f"{counters.consumers} consumers, {state}"
        if counters.in_flight:
            return f"a worker holds a message of {queue} ({counters.in_flight} in flight, {state})"
        if counters.consumers == 0:
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
            body = watch.take(POLL_SECONDS)
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
        if not self._broker.inspector.can_browse:
            return f"{self._stored(job)}; {self._not_sampled(job)}"
        after = self._counters(RESULTS_QUEUE)
        enqueued = (after.enqueued if after else 0) - (before.enqueued if before else 0)
        dequeued = (after.dequeued if after else 0) - (before.dequeued if before else 0)
        if enqueued < 1:
            raise CheckFailedError(f"graded, but no message was sent to {RESULTS_QUEUE}")
        counters = f"{RESULTS_QUEUE} {enqueued:+d} enqueued, {dequeued:+d} dequeued"
        return f"{self._stored(job)}; another consumer took the message ({counters})"

    def _not_sampled(self, job: SmokeJob) -> str:
        """Say that the message was not seen where no one can search for it."""
        job.sampled = True
        counters = self._counters(RESULTS_QUEUE)
        if counters is None:
            raise CheckFailedError(f"{RESULTS_QUEUE} does not exist")
        return (
            f"its message was not in a sample of {RESULTS_QUEUE}"
            f" ({counters.waiting} waiting, {counters.in_flight} in flight):"
            " not observable, Amazon SQS cannot be searched"
        )

    def _stored(self, job: SmokeJob) -> str:
        """Verify the stored result, and say where it is stored."""
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
        check_result(result, job)
        return source

    def _counters(self, queue: str) -> QueueStatistics | None:
        return self._broker.inspector.statistics([queue]).get(queue)

    def _size(self, queue: str) -> int:
        counters = self._counters(queue)
        return counters.size if counters else 0


def check_result(result: GradingResult, job: SmokeJob) -> None:
    """
    Check that a result is the expected one, and note that the job has no dead letter.

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
    job.buried = False


def divided(hops: Sequence[Hop], row: JobRecord) -> list[Hop]:
    """
    Divide the time in the queue and with the worker, if the row has the times of the worker.

    Grading lasts from the claim to the saved row, both by the clock of the worker, so clocks of
    different machines are not compared.
    """
    if row.created_at is None or row.updated_at is None:
        return list(hops)
    grading_ms = (row.updated_at - row.created_at).total_seconds() * 1000
    found = []
    for hop in hops:
        if hop.name != GRADE:
            found.append(hop)
            continue
        graded_ms = min(max(grading_ms, 0.0), hop.ms)
        found += [Hop(QUEUE_WAIT, hop.ms - graded_ms), Hop(GRADING, graded_ms)]
    return found
