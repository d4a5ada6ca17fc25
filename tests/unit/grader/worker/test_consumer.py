"""A consumer with its processor and recorder, over in-memory fakes."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

import pytest

from grader.contract.messages import (
    Failure,
    Grade,
    GradingRequest,
    GradingResult,
    JobRequest,
    JobResult,
)
from grader.contract.names import (
    ATTEMPT_HEADER,
    EXPIRES_HEADER,
    FIRST_SEEN_HEADER,
    ORIGINAL_ID_HEADER,
    REASON_CODE_HEADER,
    REASON_HEADER,
)
from grader.contract.verdicts import ErrorCode, Fault, Status, Verdict
from grader.errors import (
    AccessError,
    ConnectionLostError,
    RequestError,
    SandboxError,
    TemporaryError,
    TrustError,
)
from grader.logs import Logger
from grader.ports.handlers import JobHandler
from grader.ports.jobs import Claim, ClaimOutcome, Granted, JobRecord
from grader.ports.messages import Delivery, JobSource, Outgoing
from grader.testing import MemoryJobSource, MemoryJobStore, MemoryObjectStore, MemoryQueues
from grader.worker.activity import ActiveJobs
from grader.worker.consumer import Consumer
from grader.worker.processor import JobProcessor
from grader.worker.recorder import ResultRecorder
from grader.worker.retry import Retrier
from grader.worker.settlement import DeliveryPolicy

NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)
POLICY = DeliveryPolicy("bucket", "results", "dlq", max_attempts=2, retry_delay_ms=0)
REQUEST = {
    "requestId": "req_1",
    "userId": "user_001",
    "problemId": "prob_001",
    "language": "python",
    "sourceFile": "s3://bucket/submissions/req_1/solution.py",
    "timeLimit": 5000,
    "memoryLimit": 256,
    "timestamp": "2024-08-20T12:00:00Z",
}


def accept(request: GradingRequest) -> GradingResult:
    """Accept every submission."""
    grade = Grade(verdict=Verdict.ACCEPTED, score=100, execution_time=1, memory_usage=1)
    return GradingResult(
        request_id=request.request_id, status=Status.COMPLETED, result=grade, timestamp=NOW
    )


def raising(error: Exception) -> JobHandler[GradingRequest]:
    """A handler that raises this error."""

    def handler(_request: GradingRequest) -> GradingResult:
        raise error

    return handler


class FlakyJobStore(MemoryJobStore):
    """A table whose first claim fails."""

    def __init__(self, error: Exception) -> None:
        """Nothing was asked yet."""
        super().__init__()
        self.errors = [error]

    def claim(self, claim: Claim) -> ClaimOutcome:
        """Fail once."""
        if self.errors:
            raise self.errors.pop()
        return super().claim(claim)


@dataclass
class Bench:
    """A consumer on in-memory fakes; it stops when the request queue is empty."""

    retrier: Retrier
    log: Logger
    stopping: threading.Event
    handler: JobHandler[Any] = accept
    request_model: type[JobRequest] = GradingRequest
    jobs: MemoryJobStore = field(default_factory=MemoryJobStore)
    objects: MemoryObjectStore = field(default_factory=MemoryObjectStore)
    queues: MemoryQueues = field(default_factory=MemoryQueues)
    policy: DeliveryPolicy = POLICY
    active: ActiveJobs = field(default_factory=ActiveJobs)
    refreshed: int = 0

    def send(self, **changes: object) -> None:
        """Send a request."""
        self.queues.send(Outgoing("requests", json.dumps({**REQUEST, **changes}).encode()))

    def refresh(self) -> None:
        """Count."""
        self.refreshed += 1

    def run(self, open_source: Callable[[], JobSource] | None = None) -> None:
        """Run until the request queue is empty."""
        processor = JobProcessor(
            jobs=self.jobs,
            request_model=self.request_model,
            handler=self.handler,
            policy=self.policy,
            worker_id="worker",
            retrier=self.retrier,
            refresh=self.refresh,
            log=self.log,
            clock=lambda: NOW,
        )
        Consumer(
            name="broker",
            open_source=open_source or (lambda: UntilEmpty(self.queues, self.stopping)),
            processor=processor,
            policy=self.policy,
            recorder=ResultRecorder(self.jobs, self.objects, self.retrier, self.refresh),
            retrier=self.retrier,
            stopping=self.stopping,
            log=self.log,
            active=self.active,
            clock=lambda: NOW,
        ).run()

    def results(self) -> list[GradingResult]:
        """Read the result queue."""
        return [GradingResult.from_json(item.body) for item in self.queues.waiting("results")]


class UntilEmpty(MemoryJobSource):
    """Stops the consumer when the queue is empty."""

    def __init__(self, queues: MemoryQueues, stopping: threading.Event) -> None:
        """Receive from one queue."""
        super().__init__(queues, ["requests"])
        self._stopping = stopping

    def receive(self, timeout_seconds: float) -> Delivery | None:
        """Receive the next message."""
        delivery = super().receive(min(timeout_seconds, 0.0))
        if delivery is None:
            self._stopping.set()
        return delivery


@pytest.fixture
def bench(retrier: Retrier, log: Logger, stopping: threading.Event) -> Bench:
    """A consumer whose handler accepts everything."""
    return Bench(retrier, log, stopping)


def test_request_is_answered_stored_and_logged(bench: Bench, log_stream: io.StringIO) -> None:
    """Message, row, and the log lines in order."""
    bench.send()

    bench.run()

    assert [result.status for result in bench.results()] == ["completed"]
    assert bench.jobs.get("req_1").status == "completed"
    lines = [line[22:] for line in log_stream.getvalue().splitlines()]
    assert lines == ["INFO: Processing request req_1", "INFO: Result sent to queue"]


def test_second_message_of_a_request_gets_the_stored_result(bench: Bench) -> None:
    """It is graded once."""
    bench.send()
    bench.send()

    bench.run()

    assert len(bench.results()) == 2
    assert bench.jobs.get("req_1").attempts == 1


def test_rejected_request_has_a_result_file_too(bench: Bench) -> None:
    """The handler has not written result.json."""
    bench.handler = raising(RequestError(ErrorCode.UNKNOWN_LANGUAGE, "unknown language"))
    bench.send()

    bench.run()

    (dead,) = bench.queues.waiting("dlq")
    assert dead.headers[REASON_CODE_HEADER] == "UNKNOWN_LANGUAGE"
    assert b"UNKNOWN_LANGUAGE" in bench.objects.objects["results/req_1/result.json"]
    assert bench.jobs.get("req_1").result.to_json() == bench.results()[0].to_json()


def test_unreadable_body_is_dead_lettered(bench: Bench) -> None:
    """A message without a request id is not retried."""
    bench.queues.send(Outgoing("requests", b"nonsense"))

    bench.run()

    assert [item.body for item in bench.queues.waiting("dlq")] == [b"nonsense"]
    assert bench.results() == []


def test_request_with_an_invalid_id_is_answered_but_not_stored(bench: Bench) -> None:
    """Its producer gets the reason; the id is good for neither a row nor an object key."""
    bench.send(requestId="../req 1")

    bench.run()

    (result,) = bench.results()
    assert (result.request_id, result.error.code) == ("../req 1", "INVALID_REQUEST")
    assert bench.jobs.get("../req 1") is None
    assert bench.objects.objects == {}


def test_expired_request_fails_and_is_not_graded(bench: Bench) -> None:
    """Also as a delayed copy, which the broker does not expire."""
    bench.handler = raising(AssertionError("graded"))
    body = json.dumps(REQUEST).encode()
    bench.queues.send(Outgoing("requests", body, {EXPIRES_HEADER: "1724155214999"}))

    bench.run()

    assert bench.results()[0].error == Failure(
        code=ErrorCode.EXPIRED,
        message="the request expired before it was graded",
        fault=Fault.PLATFORM,
    )
    assert bench.jobs.get("req_1").status == "failed"
    assert bench.queues.waiting("dlq")[0].headers[REASON_CODE_HEADER] == "EXPIRED"


def test_expired_duplicate_gets_the_stored_result(bench: Bench) -> None:
    """It was graded in time."""
    bench.send()
    bench.queues.send(
        Outgoing("requests", json.dumps(REQUEST).encode(), {"expires": "1724155214999"})
    )

    bench.run()

    assert [result.status for result in bench.results()] == ["completed"] * 2


def test_failing_requests_do_not_starve_sound_ones(bench: Bench) -> None:
    """Each leaves the queue after one attempt, and carries why and since when."""
    bench.policy = replace(POLICY, retry_delay_ms=3_600_000, retry_max_delay_ms=7_200_000)

    def only_the_sound_one(request: GradingRequest) -> GradingResult:
        if request.request_id != "req_sound":
            raise TemporaryError("SlowDown", where="s3://bucket")
        return accept(request)

    bench.handler = only_the_sound_one
    for number in range(20):
        bench.send(requestId=f"req_{number}")
    bench.send(requestId="req_sound")

    bench.run()

    assert [result.request_id for result in bench.results()] == ["req_sound"]
    waiting = bench.queues.waiting("requests")
    assert len(waiting) == 20
    assert waiting[0].headers[REASON_HEADER] == "TemporaryError: s3://bucket: SlowDown"
    assert waiting[0].headers[FIRST_SEEN_HEADER] == "2024-08-20T12:00:15Z"


def test_invalid_request_is_not_claimed(bench: Bench) -> None:
    """It fails without a counted attempt."""
    bench.send(timeLimit=-1)

    bench.run()

    assert bench.jobs.get("req_1").attempts == 0
    assert bench.results()[0].error.code == "INVALID_REQUEST"


@pytest.mark.parametrize("error", [SandboxError("no box"), OSError("disk full"), KeyError("bug")])
def test_failed_attempts_are_repeated_up_to_the_limit(bench: Bench, error: Exception) -> None:
    """Whatever a handler raises, the worker continues and the request fails visibly."""
    bench.handler = raising(error)
    bench.send()

    bench.run()

    (dead,) = bench.queues.waiting("dlq")
    assert dead.headers[ATTEMPT_HEADER] == "2"
    assert dead.headers[ORIGINAL_ID_HEADER] == "ID:1"
    assert bench.jobs.get("req_1").attempts == 2
    assert bench.results()[0].error.code == "INTERNAL_ERROR"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "NoneType instead of a JobResult"),
        ({"status": "completed"}, "dict instead of a JobResult"),
        (
            JobResult(request_id="req_2", status=Status.COMPLETED, timestamp=NOW),
            "of another request: 'req_2'",
        ),
        (
            JobResult(request_id="req_1", status=Status.COMPLETED, result=object(), timestamp=NOW),
            "Unable to serialize",
        ),
        (
            JobResult(
                request_id="req_1", status=Status.COMPLETED, result_file="s" * 1025, timestamp=NOW
            ),
            "longer than 1024",
        ),
        (
            JobResult(
                request_id="req_1", status=Status.COMPLETED, result="s" * (8 << 20), timestamp=NOW
            ),
            "put the rest into the bucket",
        ),
    ],
    ids=["nothing", "a dict", "another's", "no JSON", "long URL", "large"],
)
def test_invalid_return_value_of_a_handler_is_a_failed_attempt(
    bench: Bench, given: object, reason: str
) -> None:
    """It is a failed attempt; the user sees a platform fault, operators the reason."""
    bench.handler = lambda _request: given
    bench.send()

    bench.run()

    (dead,) = bench.queues.waiting("dlq")
    assert reason in dead.headers[REASON_HEADER]
    assert bench.results()[0].error == Failure(
        code=ErrorCode.INTERNAL_ERROR,
        message="the grading system could not grade this request",
        fault=Fault.PLATFORM,
    )
    assert bench.jobs.get("req_2") is None


def test_rejection_with_an_unpublished_code_is_a_failed_attempt(bench: Bench) -> None:
    """Programs that read results know only the published codes."""
    bench.handler = raising(RequestError("TOO_FUNNY", "we laughed"))
    bench.send()

    bench.run()

    assert bench.results()[0].error.code == "INTERNAL_ERROR"
    assert "TOO_FUNNY" in bench.queues.waiting("dlq")[0].headers[REASON_HEADER]


def test_other_handlers_have_their_own_requests_and_results(bench: Bench) -> None:
    """It needs only a request id, and its result is sent unchanged."""

    class Translation(JobRequest):
        text: str

    def translate(request: Translation) -> JobResult:
        result = {"text": request.text[::-1], "notes": None}
        return JobResult(
            request_id=request.request_id, status=Status.COMPLETED, result=result, timestamp=NOW
        )

    bench.request_model, bench.handler = Translation, translate
    body = b'{"requestId": "t_1", "text": "abc"}'
    for _ in range(2):
        bench.queues.send(Outgoing("requests", body))

    bench.run()

    first, again = bench.queues.waiting("results")
    assert json.loads(first.body)["result"] == {"text": "cba", "notes": None}
    assert again.body == first.body
    assert bench.jobs.get("t_1").attempts == 1


def test_failing_request_model_rejects_the_request(bench: Bench) -> None:
    """It is not retried: it would fail again."""

    class Careless(JobRequest):
        @classmethod
        def from_json(cls, body: bytes) -> Self:
            raise KeyError(body)

    bench.request_model = Careless
    bench.send()

    bench.run()

    assert bench.results()[0].error.code == "INTERNAL_ERROR"
    assert len(bench.queues.waiting("dlq")) == 1


def test_request_held_by_another_message_is_retried(bench: Bench, log_stream: io.StringIO) -> None:
    """It is delayed, and answered when the other one has finished."""
    request = GradingRequest.model_validate(REQUEST)
    bench.jobs.claim(Claim(request, "ID:other", "requests", "another worker"))
    bench.send()

    class FinishLater(UntilEmpty):
        def settle(self, *args: object) -> None:
            super().settle(*args)
            bench.jobs.finish(accept(request), attempt=1)

    bench.run(lambda: FinishLater(bench.queues, bench.stopping))

    assert "held by another message" in log_stream.getvalue()
    assert [result.status for result in bench.results()] == ["completed"]


def taken_over(bench: Bench, *, finished: bool) -> Callable[[], Granted]:
    """A later attempt of another worker, which may have finished."""
    request = GradingRequest.model_validate(REQUEST)

    def take_over() -> Granted:
        granted = bench.jobs.claim(Claim(request, "ID:1", "requests", "another worker"))
        if finished:
            theirs = accept(request).model_copy(update={"result_file": "theirs"})
            bench.jobs.finish(theirs, attempt=granted.attempt)
        return granted

    return take_over


def test_worker_whose_claim_was_taken_over_sends_the_stored_result(
    bench: Bench, log_stream: io.StringIO
) -> None:
    """It does not overwrite it: a request has one result, also when two workers graded it."""
    take_over = taken_over(bench, finished=True)

    def slow(request: GradingRequest) -> GradingResult:
        take_over()
        return accept(request)

    bench.handler = slow
    bench.send()

    bench.run()

    assert [result.result_file for result in bench.results()] == ["theirs"]
    assert bench.jobs.get("req_1").result.result_file == "theirs"
    assert "Claim was taken over" in log_stream.getvalue()


def test_discarded_result_does_not_stay_in_the_bucket(bench: Bench) -> None:
    """Its handler may have replaced the file of the result that counts."""
    key = "results/req_1/result.json"

    def slow(request: GradingRequest) -> GradingResult:
        granted = bench.jobs.claim(Claim(request, "ID:1", "requests", "another worker"))
        theirs = accept(request).model_copy(update={"result_file": f"s3://bucket/{key}"})
        bench.jobs.finish(theirs, attempt=granted.attempt)
        bench.objects.put(key, b"mine", content_type="application/json")
        return accept(request)

    bench.handler = slow
    bench.send()

    bench.run()

    assert bench.objects.objects[key] == bench.jobs.get("req_1").result.to_json()


def test_effects_come_in_the_order_bucket_row_message(bench: Bench) -> None:
    """A crash between any two of them leaves nothing that was announced and is missing."""
    effects: list[str] = []

    class Bucket(MemoryObjectStore):
        def put(self, key: str, body: bytes, *, content_type: str) -> None:
            effects.append("bucket")
            super().put(key, body, content_type=content_type)

    class Table(MemoryJobStore):
        def claim(self, claim: Claim) -> ClaimOutcome:
            effects.append("claim")
            return super().claim(claim)

        def finish(self, result: JobResult, *, attempt: int = 0) -> bool:
            effects.append("row")
            return super().finish(result, attempt=attempt)

    class Broker(UntilEmpty):
        def settle(self, delivery: Delivery, outgoing: Sequence[Outgoing]) -> None:
            effects.append("message")
            super().settle(delivery, outgoing)

    def handle(request: GradingRequest) -> GradingResult:
        effects.append("work")
        bench.objects.put("results/req_1/result.json", b"{}", content_type="application/json")
        return accept(request)

    bench.objects, bench.jobs, bench.handler = Bucket(), Table(), handle
    bench.send()
    bench.send(requestId="req_2", language=7)

    bench.run(lambda: Broker(bench.queues, bench.stopping))

    assert effects == ["claim", "work", "bucket", "row", "message", "bucket", "row", "message"]


def test_worker_whose_claim_was_taken_over_leaves_a_running_attempt_alone(bench: Bench) -> None:
    """Its message waits; the failure is stored neither in the row nor in the bucket."""
    take_over = taken_over(bench, finished=False)
    taken: list[Granted] = []

    def slow(_request: GradingRequest) -> GradingResult:
        if not taken:
            taken.append(take_over())
            raise RequestError(ErrorCode.UNKNOWN_LANGUAGE, "unknown language")
        raise AssertionError("the next attempt is this message's own, as it was redelivered")

    bench.handler = slow
    bench.send()
    waiting: list[tuple[JobRecord | None, list[str]]] = []

    class LookAfterFirst(UntilEmpty):
        def settle(self, *args: Any) -> None:
            super().settle(*args)
            waiting.append((bench.jobs.get("req_1"), list(bench.objects.objects)))
            bench.jobs.finish(accept(GradingRequest.model_validate(REQUEST)), attempt=2)

    bench.run(lambda: LookAfterFirst(bench.queues, bench.stopping))

    row, objects = waiting[0]
    assert (row.attempts, row.result, row.worker_id) == (2, None, "another worker")
    assert objects == []
    assert [result.status for result in bench.results()] == ["completed"]


@pytest.mark.parametrize("error", [TemporaryError("unreachable"), AccessError("refused")])
def test_database_calls_are_retried(bench: Bench, error: Exception) -> None:
    """After a refused login the parameters are read again."""
    bench.jobs = FlakyJobStore(error)
    bench.send()

    bench.run()

    assert bench.jobs.get("req_1").attempts == 1
    assert bench.refreshed == isinstance(error, AccessError)


def test_lost_connection_is_opened_again(bench: Bench) -> None:
    """The unsettled message is redelivered and answered once."""
    bench.send()
    lost = UntilEmpty(bench.queues, bench.stopping)
    sources = iter([lost, UntilEmpty(bench.queues, bench.stopping)])

    def lose_then_accept(request: GradingRequest) -> GradingResult:
        lost.lose()
        return accept(request)

    bench.handler = lose_then_accept
    bench.run(lambda: next(sources))

    assert len(bench.results()) == 1
    assert bench.jobs.get("req_1").status == "completed"


class LostAtSettle(UntilEmpty):
    """Loses the connection once, when a message is to be settled."""

    def settle(self, delivery: Delivery, outgoing: Sequence[Outgoing]) -> None:
        """Lose it before anything is sent or acknowledged."""
        self.lose()
        super().settle(delivery, outgoing)


def test_connection_lost_between_record_and_settle_sends_the_stored_result(bench: Bench) -> None:
    """The redelivered message finds its row finished; it is not graded again."""
    bench.send()
    seen: list[tuple[str, int]] = []
    sources = iter(
        [LostAtSettle(bench.queues, bench.stopping), UntilEmpty(bench.queues, bench.stopping)]
    )

    def open_source() -> JobSource:
        row = bench.jobs.get("req_1")
        if row is not None:
            seen.append((row.status, len(bench.results())))
        return next(sources)

    bench.run(open_source)

    assert seen == [("completed", 0)]
    (sent,) = bench.results()
    assert sent.to_json() == bench.jobs.get("req_1").result.to_json()
    assert bench.jobs.get("req_1").attempts == 1


def test_rejection_lost_between_record_and_settle_keeps_its_result(bench: Bench) -> None:
    """The stored failure is sent again, and the handler is not called again."""
    calls: list[str] = []

    def reject(request: GradingRequest) -> GradingResult:
        calls.append(request.request_id)
        raise RequestError(ErrorCode.UNKNOWN_LANGUAGE, "unknown language")

    bench.handler = reject
    bench.send()
    sources = iter(
        [LostAtSettle(bench.queues, bench.stopping), UntilEmpty(bench.queues, bench.stopping)]
    )

    bench.run(lambda: next(sources))

    assert calls == ["req_1"]
    assert [result.error.code for result in bench.results()] == ["UNKNOWN_LANGUAGE"]


def test_result_that_cannot_be_recorded_is_not_sent(bench: Bench) -> None:
    """The message stays for another worker."""

    class Unreachable(MemoryJobStore):
        def finish(self, _result: JobResult, *, attempt: int = 0) -> bool:  # noqa: ARG002 - parameter of the port
            bench.stopping.set()
            raise TemporaryError("unreachable")

    bench.jobs = Unreachable()
    bench.send()

    bench.run()

    assert bench.results() == []
    assert len(bench.queues.waiting("requests")) == 1
    assert bench.jobs.get("req_1").status == "running"


def test_unreachable_broker_is_retried(bench: Bench) -> None:
    """Until it is reachable."""
    bench.send()
    tries = iter([ConnectionLostError("refused"), None])

    def open_source() -> JobSource:
        if (error := next(tries)) is not None:
            raise error
        return UntilEmpty(bench.queues, bench.stopping)

    bench.run(open_source)

    assert len(bench.results()) == 1


def test_login_that_worked_before_is_tried_again_after_a_refusal(bench: Bench) -> None:
    """While a password is changed, broker and parameter differ for a while."""
    bench.send()
    lost = LostAtSettle(bench.queues, bench.stopping)
    answers = iter([lost, AccessError("refused"), UntilEmpty(bench.queues, bench.stopping)])

    def open_source() -> JobSource:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    bench.run(open_source)

    assert len(bench.results()) == 1


def test_request_that_was_given_back_is_not_settled(bench: Bench, log_stream: io.StringIO) -> None:
    """Its message stays for another worker, whose attempt has the same number."""

    def leave_meanwhile(request: GradingRequest) -> GradingResult:
        bench.active.give_back()
        return accept(request)

    bench.handler = leave_meanwhile
    bench.send()

    bench.run()

    assert bench.results() == []
    assert len(bench.queues.waiting("requests")) == 1
    assert bench.jobs.get("req_1").result is None
    assert "given back" in log_stream.getvalue()


def test_untrusted_broker_ends_the_consumer(bench: Bench) -> None:
    """Retrying would not fix it."""

    def open_source() -> JobSource:
        raise TrustError("not trusted")

    with pytest.raises(TrustError):
        bench.run(open_source)
    assert b"not trusted" in bench.retrier.health.report()[1]


def test_missing_right_ends_the_consumer_also_after_settled_messages(bench: Bench) -> None:
    """The connection is not opened again; the health page has the reason."""

    class Forbidding(UntilEmpty):
        def settle(self, delivery: Delivery, *args: Any) -> None:
            if b"req_2" in delivery.body:
                raise AccessError("user 'worker' may not write to queue://results")
            super().settle(delivery, *args)

    bench.send()
    bench.send(requestId="req_2")

    with pytest.raises(AccessError):
        bench.run(lambda: Forbidding(bench.queues, bench.stopping))

    assert [result.request_id for result in bench.results()] == ["req_1"]
    healthy, page = bench.retrier.health.report()
    assert not healthy
    assert b"may not write" in page


def test_stopping_takes_no_next_message(bench: Bench) -> None:
    """The running request finishes, and the next one stays in the queue."""

    def stop_meanwhile(request: GradingRequest) -> GradingResult:
        bench.stopping.set()
        return accept(request)

    bench.handler = stop_meanwhile
    bench.send()
    bench.send(requestId="req_2")

    bench.run()

    assert [result.request_id for result in bench.results()] == ["req_1"]
    assert len(bench.queues.waiting("requests")) == 1
