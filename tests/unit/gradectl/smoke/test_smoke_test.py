"""A smoke test tells a healthy environment from a broken one, and leaves it as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import pytest

from gradectl.errors import DeadlineError, StoppedError, UnreachableError
from gradectl.queues.testing import MemoryBroker
from gradectl.smoke.report import GRADE, RESULT, SEND, UPLOAD, SmokeReport, next_step
from gradectl.smoke.smoke_test import Smoke, SmokeWorld
from grader.contract.bucket import result_key
from grader.contract.messages import Failure, Grade, GradingRequest, GradingResult
from grader.contract.names import PRIORITY_QUEUE, QUEUES, REQUESTS_QUEUE
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.errors import TemporaryError
from grader.ports.jobs import Claim
from grader.testing import MemoryJobStore, MemoryObjectStore


class Environment:
    """An environment whose worker does what a test says."""

    def __init__(self, queues: tuple[str, ...] = QUEUES) -> None:
        """Begin healthy."""
        self.store = MemoryObjectStore()
        self.jobs = MemoryJobStore()
        self.broker = MemoryBroker(queues, on_send=self._worker)
        self.verdict: Verdict | None = Verdict.ACCEPTED
        self.alive = True
        self.sends_message = True
        self.web_tier = False  # takes each result message at once
        self.on_request: Callable[[], None] = lambda: None
        self._ticks = count()

    def clock(self) -> float:
        """A clock on which each look takes ten milliseconds."""
        return next(self._ticks) / 100

    def run(self, seconds: float = 5.0, *, rows: bool = True) -> SmokeReport:
        """Run a smoke test."""
        jobs = self.jobs if rows else None
        world = SmokeWorld("b", self.store, self.broker, jobs)
        self.said: list[str] = []
        self.smoke = Smoke(world, seconds=seconds, clock=self.clock)
        return self.smoke.run(self.said.append)

    def traces(self) -> list[str]:
        """What is left of any smoke test."""
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
        if queue not in (REQUESTS_QUEUE, PRIORITY_QUEUE) or not self.alive:
            return
        self.on_request()
        request = GradingRequest.from_json(body)
        self.broker.take(queue, request.request_id)
        assert request.source_url("b").key in self.store.objects
        self.jobs.claim(Claim(request, "ID:1", queue, "w"))
        result = self._result(request.request_id)
        self.store.objects[result_key(request.request_id)] = result.to_json()
        self.jobs.finish(result)
        headers = {"correlation-id": request.request_id}
        if result.error:
            self.broker.send("grading-dlq", body, headers)
        if self.sends_message:
            self.broker.send("grading-results", result.to_json(), headers)
        if self.web_tier:
            self.broker.take("grading-results", request.request_id)

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


@pytest.fixture
def environment() -> Environment:
    """A healthy environment."""
    return Environment()


def test_a_healthy_environment_passes_by_its_messages(environment: Environment) -> None:
    """Both queues are proved, each hop has a time, and no trace stays."""
    report = environment.run()

    assert report.passed
    assert [probe.queue for probe in report.probes] == [REQUESTS_QUEUE, PRIORITY_QUEUE]
    assert {probe.proof for probe in report.probes} == {"result message, by its correlation id"}
    for probe in report.probes:
        assert [hop.name for hop in probe.hops] == [UPLOAD, SEND, GRADE, RESULT]
    assert str(report.dead_letters) == "unchanged, 0"
    assert environment.traces() == []


def test_messages_of_others_are_not_touched(environment: Environment) -> None:
    """Before, between and after: what was in the queues stays in them."""
    for queue in QUEUES:
        environment.alive = False
        environment.broker.send(queue, b"theirs", {"correlation-id": "theirs"})
    environment.alive = True

    assert environment.run().passed
    for queue in QUEUES:
        assert [each.body for each in environment.broker.messages(queue)] == [b"theirs"]


def test_when_another_consumer_takes_the_message_the_row_proves_it(
    environment: Environment,
) -> None:
    """A web tier is faster; the report says which proof it used."""
    environment.web_tier = True

    report = environment.run()

    assert report.passed
    for probe in report.probes:
        assert probe.proof.startswith("stored row; another consumer took the message")
        assert "+1 enqueued" in probe.proof
    assert environment.traces() == []


def test_without_the_database_the_stored_result_proves_it(environment: Environment) -> None:
    """From outside the network rows can neither be read nor removed, and that is said."""
    environment.web_tier = True

    report = environment.run(rows=False)

    assert report.passed
    assert report.probes[0].proof.startswith("stored result.json")
    assert any("rows" in each for each in report.left_behind)


def test_a_result_that_is_never_told_fails_at_the_result_hop(environment: Environment) -> None:
    """It was graded, yet nobody would hear of it: the counters give that away."""
    environment.sends_message = False

    report = environment.run()

    assert not report.passed
    assert report.failed_hop == RESULT
    assert "no message was sent to grading-results" in report.failure
    assert environment.traces() == []


def test_without_a_worker_it_fails_at_grading_and_takes_its_messages_back(
    environment: Environment,
) -> None:
    """Nothing must be graded later, when nobody waits for it any more."""
    environment.alive = False

    report = environment.run(seconds=1.0)

    assert [probe.failed_hop for probe in report.probes] == [GRADE, GRADE]
    assert "no result within 1 s" in report.failure
    assert environment.traces() == []
    assert report.left_behind == ()


def test_a_wrong_verdict_fails_although_everything_flows(environment: Environment) -> None:
    """A right program that is not accepted is the worst of failures: a silent one."""
    environment.verdict = Verdict.RUNTIME_ERROR

    report = environment.run()

    assert "a right program got RE" in report.failure
    assert environment.traces() == []


def test_a_failed_job_and_its_dead_letter_are_reported_and_removed(
    environment: Environment,
) -> None:
    """The reason is the worker's own, and the dead-letter queue is as before."""
    environment.verdict = None

    report = environment.run()

    assert "UNKNOWN_LANGUAGE" in report.failure
    assert report.dead_letters.after == 2
    assert report.dead_letters.ours
    assert environment.traces() == []


def test_dead_letters_of_others_do_not_fail_the_test(environment: Environment) -> None:
    """They may come at any time; the report mentions them."""
    environment.on_request = lambda: environment.broker.send("grading-dlq", b"theirs", {})

    report = environment.run()

    assert report.passed
    assert str(report.dead_letters) == "from 0 to 2, none of this test"


def test_a_system_without_the_priority_queue_is_tried_without_it() -> None:
    """It is optional, and a message to it would make it."""
    environment = Environment(tuple(name for name in QUEUES if name != PRIORITY_QUEUE))

    report = environment.run()

    assert report.passed
    assert [probe.queue for probe in report.probes] == [REQUESTS_QUEUE]
    assert environment.broker.statistics([PRIORITY_QUEUE]) == {}


def test_a_missing_request_queue_fails_and_is_not_made() -> None:
    """Sending would make a queue that no worker knows."""
    environment = Environment(("grading-results", "grading-dlq"))

    report = environment.run()

    assert report.failed_hop == SEND
    assert "there is no such queue" in report.failure
    assert environment.broker.statistics([REQUESTS_QUEUE]) == {}
    assert environment.traces() == []


def test_a_bucket_that_fails_is_a_failed_upload(environment: Environment) -> None:
    """The hop is named, and so is the reason."""

    class Refusing(MemoryObjectStore):
        def put(self, key: str, body: bytes, *, content_type: str) -> None:
            if key.startswith("submissions/"):
                raise TemporaryError("the bucket is away", where="s3://b")
            super().put(key, body, content_type=content_type)

    environment.store = Refusing()

    report = environment.run()

    assert report.failed_hop == UPLOAD
    assert "the bucket is away" in report.failure
    assert environment.traces() == []


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), StoppedError(15)])
def test_an_interrupted_test_cleans_up_and_then_ends(
    environment: Environment, interruption: BaseException
) -> None:
    """Ctrl-C in the middle leaves nothing behind, neither objects nor messages."""

    def interrupt() -> None:
        environment.on_request = lambda: None
        raise interruption

    environment.on_request = interrupt

    with pytest.raises(type(interruption)):
        environment.run()

    assert environment.traces() == []
    assert "cleaning up" in environment.said


def test_when_the_time_is_over_the_hop_that_took_it_is_named(environment: Environment) -> None:
    """--timeout ends the waiting, and the second queue is not tried any more."""

    def expire() -> None:
        raise DeadlineError("the time given with --timeout is over")

    environment.on_request = expire

    report = environment.run()

    assert [probe.failed_hop for probe in report.probes] == [SEND]
    assert environment.traces() == []


def test_a_broker_that_goes_away_is_unreachable(environment: Environment) -> None:
    """That is another exit code than a system that does not grade."""

    def leave() -> None:
        raise UnreachableError("the broker does not answer")

    environment.on_request = leave

    with pytest.raises(UnreachableError):
        environment.run()


def test_each_hop_leads_to_a_next_step() -> None:
    """The step is a command with the environment in it, where there is one."""
    steps = {hop: next_step(hop, "local", "gradectl local status") for hop in (UPLOAD, GRADE)}

    assert "bucket" in steps[UPLOAD]
    assert "gradectl queue list -e local" in steps[GRADE]
    assert "gradectl queue inspect grading-results -e local" in next_step(RESULT, "local", "")
