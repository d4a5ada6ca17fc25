"""A smoke test detects a broken environment, and leaves no trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from gradectl.errors import DeadlineError, StoppedError, UnreachableError
from gradectl.queues.testing import MemoryBroker
from gradectl.smoke.environment import SmokeEnvironment
from gradectl.smoke.priority_check import judge
from gradectl.smoke.report import (
    FAILED,
    GRADE,
    NOT_OBSERVABLE,
    PASSED,
    POISON,
    PRIORITY,
    RESULT,
    ROW,
    SEND,
    UPLOAD,
    SmokeReport,
    next_step,
)
from gradectl.smoke.smoke_test import SmokePlan, SmokeTest
from grader.contract.bucket import result_key
from grader.contract.messages import (
    Failure,
    Grade,
    GradingRequest,
    GradingResult,
    JobResult,
    readable_request_id,
)
from grader.contract.names import PRIORITY_QUEUE, QUEUES, REQUESTS_QUEUE
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.errors import RequestError, TemporaryError
from grader.ports.jobs import Claim
from grader.testing import MemoryJobStore, MemoryObjectStore

#: Headers of the dead letter of an invalid request.
AS_A_WORKER_WRITES = {
    "x-gradectl-reason-code": "INVALID_REQUEST",
    "x-gradectl-reason": "userId: Field required",
    "x-gradectl-original-queue": REQUESTS_QUEUE,
}


class FakeEnvironment:
    """An in-memory environment with a configurable worker."""

    def __init__(self, queues: tuple[str, ...] = QUEUES) -> None:
        self.store = MemoryObjectStore()
        self.jobs = MemoryJobStore()
        self.broker = MemoryBroker(queues, on_send=self._worker)
        self.verdict: Verdict | None = Verdict.ACCEPTED
        self.has_worker = True
        self.sends_message = True
        self.dead_letter: dict[str, str] | None = dict(AS_A_WORKER_WRITES)
        self.takes_dead_letters = False
        self.web_tier = False  # consumes each result message immediately
        self.on_request: Callable[[], None] = lambda: None
        self.before_clean_up: Callable[[], None] = lambda: None
        self._ticks = count()

    def clock(self) -> float:
        """A clock that advances 10 ms per call."""
        return next(self._ticks) / 100

    def run(
        self,
        seconds: float = 5.0,
        *,
        rows: bool = True,
        count: int = 1,
        checks: tuple[str, ...] = (),
    ) -> SmokeReport:
        """Run a smoke test."""
        jobs = self.jobs if rows else None
        parts = SmokeEnvironment("b", self.store, self.broker, jobs)
        self.messages: list[str] = []
        self.smoke = SmokeTest(parts, SmokePlan(seconds, count, checks), self.clock)
        return self.smoke.run(self.messages.append, self.before_clean_up)

    def traces(self) -> list[str]:
        """Objects, messages and rows that are left."""
        ids = [job.request_id for job in self.smoke.jobs]
        messages = [
            f"{queue}: {message.headers.get('correlation-id')}"
            for queue in QUEUES
            for message in self.broker.messages(queue)
            if message.headers.get("correlation-id") in ids
        ]
        rows = [each for each in ids if self.jobs.get(each)]
        return [*self.store.objects, *messages, *rows]

    def _worker(self, queue: str, body: bytes) -> None:
        if queue not in (REQUESTS_QUEUE, PRIORITY_QUEUE) or not self.has_worker:
            return
        self.on_request()
        try:
            request = GradingRequest.from_json(body)
        except RequestError as error:
            self._refuse(queue, body, error)
            return
        self.broker.take(queue, request.request_id)
        assert request.source_url("b").key in self.store.objects
        self.jobs.claim(Claim(request, "ID:1", queue, "w"))
        result = self._result(request.request_id)
        self.store.objects[result_key(request.request_id)] = result.to_json()
        self.jobs.finish(result, attempt=1)
        headers = {"correlation-id": request.request_id}
        if result.error:
            self.broker.send("grading-dlq", body, headers)
        if self.sends_message:
            self.broker.send("grading-results", result.to_json(), headers)
        if self.web_tier:
            self.broker.take("grading-results", request.request_id)

    def _refuse(self, queue: str, body: bytes, error: RequestError) -> None:
        request_id = readable_request_id(body) or ""
        self.broker.take(queue, request_id)
        failure = Failure(code=ErrorCode(error.code), message=error.what)
        result = GradingResult(
            request_id=request_id, status=Status.FAILED, error=failure, timestamp=datetime.now(UTC)
        )
        self.store.objects[result_key(request_id)] = result.to_json()
        self.jobs.finish(result)
        headers = {"correlation-id": request_id}
        self.broker.send("grading-results", result.to_json(), headers)
        if self.dead_letter is not None:
            self.broker.send("grading-dlq", body, {**headers, **self.dead_letter})
        if self.takes_dead_letters:
            self.broker.take("grading-dlq", request_id)

    def _result(self, request_id: str) -> GradingResult:
        now = datetime.now(UTC)
        if self.verdict is None:
            failure = Failure(code=ErrorCode.UNKNOWN_LANGUAGE, message="unknown language 'python'")
            return GradingResult(
                request_id=request_id, status=Status.FAILED, error=failure, timestamp=now
            )
        grade = Grade(verdict=self.verdict, score=100, execution_time=1, memory_usage=1)
        return GradingResult(
            request_id=request_id, status=Status.COMPLETED, result=grade, timestamp=now
        )


ALL_HOPS = [UPLOAD, SEND, GRADE, RESULT, ROW]


@pytest.fixture
def environment() -> FakeEnvironment:
    """A healthy environment."""
    return FakeEnvironment()


def test_a_healthy_environment_passes(environment: FakeEnvironment) -> None:
    """For both queues, with the time of each hop, and without a trace."""
    report = environment.run()

    assert report.passed
    assert [probe.queue for probe in report.probes] == [REQUESTS_QUEUE, PRIORITY_QUEUE]
    assert {probe.proof for probe in report.probes} == {"result message, by its correlation id"}
    for probe in report.probes:
        assert [hop.name for hop in probe.hops] == ALL_HOPS
    assert str(report.dead_letters) == "unchanged, 0"
    assert environment.traces() == []


def test_messages_of_others_are_not_touched(environment: FakeEnvironment) -> None:
    """Messages that were in the queues stay."""
    for queue in QUEUES:
        environment.has_worker = False
        environment.broker.send(queue, b"theirs", {"correlation-id": "theirs"})
    environment.has_worker = True

    assert environment.run().passed
    for queue in QUEUES:
        assert [each.body for each in environment.broker.messages(queue)] == [b"theirs"]


def test_the_row_is_the_proof_if_another_consumer_takes_the_message(
    environment: FakeEnvironment,
) -> None:
    """A web tier may be faster; the report names the proof."""
    environment.web_tier = True

    report = environment.run()

    assert report.passed
    for probe in report.probes:
        assert probe.proof.startswith("stored row; another consumer took the message")
        assert "+1 enqueued" in probe.proof
    assert environment.traces() == []


def test_the_stored_result_is_the_proof_without_the_database(environment: FakeEnvironment) -> None:
    """The report lists the rows as left behind."""
    environment.web_tier = True

    report = environment.run(rows=False)

    assert report.passed
    assert report.probes[0].proof.startswith("stored result.json")
    assert any("rows" in each for each in report.left_behind)


def test_a_missing_result_message_fails_the_result_hop(environment: FakeEnvironment) -> None:
    """The counters show that no message was sent for the stored result."""
    environment.sends_message = False

    report = environment.run()

    assert not report.passed
    assert report.failed_hop == RESULT
    assert "no message was sent to grading-results" in report.failure
    assert environment.traces() == []


def test_without_a_worker_grading_fails_and_the_messages_are_removed(
    environment: FakeEnvironment,
) -> None:
    """No job must be graded after the test has ended."""
    environment.has_worker = False

    report = environment.run(seconds=1.0)

    assert [probe.failed_hop for probe in report.probes] == [GRADE]
    assert "no result within 1 s: no worker is connected to grading-requests" in report.failure
    assert environment.traces() == []
    assert report.left_behind == ()


def test_a_wrong_verdict_fails(environment: FakeEnvironment) -> None:
    """Although every message arrived."""
    environment.verdict = Verdict.RUNTIME_ERROR

    report = environment.run()

    assert "a correct program got RE" in report.failure
    assert environment.traces() == []


def test_a_failed_job_and_its_dead_letter_are_reported_and_removed(
    environment: FakeEnvironment,
) -> None:
    """With the reason of the worker."""
    environment.verdict = None

    report = environment.run()

    assert "UNKNOWN_LANGUAGE" in report.failure
    assert report.dead_letters.after == 2
    assert report.dead_letters.ours
    assert environment.traces() == []


def test_other_dead_letters_do_not_fail_the_test(environment: FakeEnvironment) -> None:
    """They may arrive at any time; the report mentions them."""
    environment.on_request = lambda: environment.broker.send("grading-dlq", b"theirs", {})

    report = environment.run()

    assert report.passed
    assert str(report.dead_letters) == "from 0 to 2, none from this test"


def test_the_priority_queue_is_optional() -> None:
    """A message to a missing queue would create it."""
    environment = FakeEnvironment(tuple(name for name in QUEUES if name != PRIORITY_QUEUE))

    report = environment.run()

    assert report.passed
    assert [probe.queue for probe in report.probes] == [REQUESTS_QUEUE]
    assert environment.broker.statistics([PRIORITY_QUEUE]) == {}


def test_a_missing_request_queue_fails_and_is_not_created() -> None:
    """Sending would create a queue without the policies of the module."""
    environment = FakeEnvironment(("grading-results", "grading-dlq"))

    report = environment.run()

    assert report.failed_hop == SEND
    assert "the queue does not exist" in report.failure
    assert environment.broker.statistics([REQUESTS_QUEUE]) == {}
    assert environment.traces() == []


def test_a_failing_bucket_fails_the_upload_hop(environment: FakeEnvironment) -> None:
    """With the reason."""

    class FailingStore(MemoryObjectStore):
        def put(self, key: str, body: bytes, *, content_type: str) -> None:
            if key.startswith("submissions/"):
                raise TemporaryError("the bucket is unavailable", where="s3://b")
            super().put(key, body, content_type=content_type)

    environment.store = FailingStore()

    report = environment.run()

    assert report.failed_hop == UPLOAD
    assert "the bucket is unavailable" in report.failure
    assert environment.traces() == []


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), StoppedError(15)])
def test_an_interrupted_test_cleans_up(
    environment: FakeEnvironment, interruption: BaseException
) -> None:
    """No objects and no messages are left after Ctrl-C."""

    def interrupt() -> None:
        environment.on_request = lambda: None
        raise interruption

    environment.on_request = interrupt

    with pytest.raises(type(interruption)):
        environment.run()

    assert environment.traces() == []
    assert "cleaning up" in environment.messages


def test_a_timeout_names_the_current_hop(environment: FakeEnvironment) -> None:
    """After --timeout the second queue is not tested."""

    def expire() -> None:
        raise DeadlineError("the --timeout expired")

    environment.on_request = expire

    report = environment.run()

    assert [probe.failed_hop for probe in report.probes] == [SEND]
    assert environment.traces() == []


def test_a_timeout_does_not_interrupt_the_clean_up(environment: FakeEnvironment) -> None:
    """The clean-up gets time of its own before it begins."""
    running = True

    class ExpiringStore(MemoryObjectStore):
        def delete(self, keys: Sequence[str]) -> None:
            if running:
                raise DeadlineError("the --timeout expired")
            super().delete(keys)

    def stop() -> None:
        nonlocal running
        running = False

    environment.store = ExpiringStore()
    environment.before_clean_up = stop

    assert environment.run().passed
    assert environment.traces() == []


def test_a_lost_broker_is_unreachable(environment: FakeEnvironment) -> None:
    """The exit code differs from that of a failed test."""

    def leave() -> None:
        raise UnreachableError("the broker does not answer")

    environment.on_request = leave

    with pytest.raises(UnreachableError):
        environment.run()


def test_each_hop_has_a_next_step() -> None:
    """Commands include the environment."""
    steps = {hop: next_step(hop, "local", "gradectl local status") for hop in (UPLOAD, GRADE)}

    assert "bucket" in steps[UPLOAD]
    assert "gradectl queue list -e local" in steps[GRADE]
    assert "gradectl queue inspect grading-results -e local" in next_step(RESULT, "local", "")


def test_several_jobs_are_sent_one_after_the_other(environment: FakeEnvironment) -> None:
    """Others wait for one at most; the traces of finished jobs are removed meanwhile."""
    most = 0

    def measure() -> None:
        nonlocal most
        submissions = {key.split("/")[1] for key in environment.store.objects if "solution" in key}
        most = max(most, len(submissions))
        assert len(environment.broker.messages(REQUESTS_QUEUE)) <= 1

    environment.on_request = measure

    report = environment.run(seconds=1000.0, count=50)

    assert report.passed
    assert len({probe.request_id for probe in report.probes}) == len(report.probes) == 100
    assert most == 20
    assert environment.traces() == []


def test_a_slow_job_ends_a_test_of_many(environment: FakeEnvironment) -> None:
    """Without a worker it does not wait for each of them."""
    environment.has_worker = False

    report = environment.run(seconds=1000.0, count=50)

    assert [probe.failed_hop for probe in report.probes] == [GRADE]
    assert "no result within 60 s" in report.failure
    assert environment.traces() == []


def test_a_missing_row_fails_the_row_hop(environment: FakeEnvironment) -> None:
    """The worker saves it before it sends the result, so it is lost."""

    class ForgettingStore(MemoryJobStore):
        def finish(self, result: JobResult, *, attempt: int = 0) -> bool:  # noqa: ARG002 - port
            return False

    environment.jobs = ForgettingStore()

    report = environment.run()

    assert report.failed_hop == ROW
    assert "its row in the database has no result" in report.failure
    assert environment.traces() == []


def test_poison_arrives_with_reason_and_origin_and_only_it_is_removed(
    environment: FakeEnvironment,
) -> None:
    """Neighbours stay, also those with the same reason."""
    environment.broker.send("grading-dlq", b"theirs", {**AS_A_WORKER_WRITES})

    report = environment.run(checks=(POISON,))

    (check,) = report.checks
    assert (check.outcome, report.passed) == (PASSED, True), check
    assert check.detail == (
        "in grading-dlq from grading-requests, INVALID_REQUEST: userId: Field required"
    )
    assert [each.body for each in environment.broker.messages("grading-dlq")] == [b"theirs"]
    assert environment.traces() == []


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        (None, "it was refused, but is not in grading-dlq"),
        (
            {**AS_A_WORKER_WRITES, "x-gradectl-reason-code": "EXPIRED"},
            "the reason code 'EXPIRED' instead of INVALID",
        ),
        ({}, "the reason code '' instead of INVALID_REQUEST"),
        (
            {**AS_A_WORKER_WRITES, "x-gradectl-original-queue": "others"},
            "names 'others' as its origin",
        ),
    ],
)
def test_a_wrong_dead_letter_fails_the_check_and_is_removed(
    environment: FakeEnvironment, headers: dict[str, str] | None, detail: str
) -> None:
    """On-call needs reason and origin to repair it."""
    environment.dead_letter = headers

    report = environment.run(checks=(POISON,))

    assert (report.checks[0].outcome, report.passed) == (FAILED, False)
    assert detail in report.checks[0].detail
    assert "check 'poison' failed" in report.failure
    assert environment.traces() == []


def test_dead_letters_that_another_consumer_takes_are_not_observable(
    environment: FakeEnvironment,
) -> None:
    """It may forward them to elsewhere, which is not a failure."""
    environment.takes_dead_letters = True

    report = environment.run(checks=(POISON,))

    assert (report.checks[0].outcome, report.passed) == (NOT_OBSERVABLE, True)
    assert "another consumer of grading-dlq" in report.checks[0].detail


@pytest.mark.parametrize("job", ["ordinary-1", "ordinary-3", "urgent", "poison"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), UnreachableError("the broker has gone")])
def test_an_interrupted_check_cleans_up(
    environment: FakeEnvironment, job: str, error: BaseException
) -> None:
    """Also when only a part of its messages has been sent."""
    sent: list[str] = []

    def interrupt() -> None:
        waiting = [
            message.headers["correlation-id"]
            for queue in (REQUESTS_QUEUE, PRIORITY_QUEUE)
            for message in environment.broker.messages(queue)
        ]
        if waiting[-1].endswith(job):
            environment.on_request = lambda: None
            sent.append(waiting[-1])
            raise error

    environment.on_request = interrupt

    with pytest.raises(type(error)):
        environment.run(checks=(PRIORITY, POISON))

    assert len(sent) == 1
    assert environment.traces() == []


@pytest.mark.parametrize(
    ("check", "detail"),
    [(PRIORITY, "6 of 6 jobs got no result in time"), (POISON, "it got no result in time")],
)
def test_a_check_without_a_worker_fails_and_is_removed(
    environment: FakeEnvironment, check: str, detail: str
) -> None:
    """No message of it must be processed after the test has ended."""
    requests = 0

    def stop_after_the_probes() -> None:
        nonlocal requests
        requests += 1
        environment.has_worker = requests < 2

    environment.on_request = stop_after_the_probes

    report = environment.run(seconds=1.5, checks=(check,))

    assert [probe.passed for probe in report.probes] == [True, True]
    assert [(each.outcome, each.detail) for each in report.checks] == [(FAILED, detail)]
    assert environment.traces() == []


def test_idle_workers_do_not_prove_that_urgent_jobs_overtake(environment: FakeEnvironment) -> None:
    """Each job starts at once, in any system; that is neither success nor failure."""
    report = environment.run(checks=(PRIORITY,))

    (check,) = report.checks
    assert (check.outcome, report.passed) == (NOT_OBSERVABLE, True)
    assert "workers were idle: only 0 of 5 ordinary jobs" in check.detail
    assert environment.traces() == []


def test_priority_is_not_observable_without_the_database_or_the_queue() -> None:
    """The report says which is missing."""
    without_rows = FakeEnvironment().run(rows=False, checks=(PRIORITY,))
    names = tuple(name for name in QUEUES if name != PRIORITY_QUEUE)
    without_queue = FakeEnvironment(names).run(checks=(PRIORITY,))

    assert [each.checks[0].outcome for each in (without_rows, without_queue)] == [
        NOT_OBSERVABLE,
        NOT_OBSERVABLE,
    ]
    assert "the database" in without_rows.checks[0].detail
    assert "no queue grading-priority" in without_queue.checks[0].detail


START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("consumers", "waiting", "urgent", "outcome"),
    [
        (1, [1, 2, 3, 4], 0, PASSED),
        (1, [1, 2, 3, 4], 1.5, PASSED),  # one was in transit
        (1, [1, 2, 3, 4], 2.5, FAILED),
        (1, [1, 2], 9, FAILED),  # the order of sending
        (1, [1], 0, NOT_OBSERVABLE),
        (4, [1, 2, 3, 4, 5, 6, 7, 8], 7.5, FAILED),
        (4, [1, 2, 3, 4, 5, 6, 7, 8], 4.5, PASSED),
        (4, [1, 2, 3, 4, 5, 6, 7], 0, NOT_OBSERVABLE),
    ],
)
def test_the_urgent_job_must_start_before_all_but_one_for_each_consumer(
    consumers: int, waiting: list[float], urgent: float, outcome: str
) -> None:
    """In the order of sending, more would start before it; with fewer jobs nobody can tell."""
    starts = [START + timedelta(seconds=each) for each in waiting]
    found, detail = judge(
        starts, START + timedelta(seconds=urgent), sent=len(starts), consumers=consumers
    )

    assert found == outcome, detail
