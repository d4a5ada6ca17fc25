"""
Workers, queues, database and bucket of a model that takes every order of their steps.

The consumer, processor and recorder are the real ones, over the in-memory fakes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from schedules import Choices, Turn

from grader.contract.bucket import result_key
from grader.contract.messages import Grade, GradingRequest, GradingResult, JobResult
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.errors import RequestError, TemporaryError
from grader.logs import Logger
from grader.ports.jobs import Claim, ClaimOutcome
from grader.ports.messages import Delivery, JobSource, Outgoing
from grader.testing import (
    MemoryJobSource,
    MemoryJobStore,
    MemoryObjectStore,
    MemoryQueues,
)
from grader.worker.activity import ActiveJobs
from grader.worker.claims import ClaimRenewer
from grader.worker.consumer import Consumer
from grader.worker.health import Health
from grader.worker.processor import JobProcessor
from grader.worker.recorder import ResultRecorder
from grader.worker.retry import Retrier
from grader.worker.settlement import DeliveryPolicy

NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)
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
#: Ids of the messages of a case: one message.
ONE = ("req_1",)
Handler = Callable[[GradingRequest], GradingResult]


def accept(request: GradingRequest) -> GradingResult:
    """Accept the submission."""
    grade = Grade(verdict=Verdict.ACCEPTED, score=100, execution_time=1, memory_usage=1)
    return GradingResult(
        request_id=request.request_id, status=Status.COMPLETED, result=grade, timestamp=NOW
    )


def reject(_request: GradingRequest) -> GradingResult:
    """Find the request invalid."""
    raise RequestError(ErrorCode.UNKNOWN_LANGUAGE, "unknown language")


def fail(_request: GradingRequest) -> GradingResult:
    """Fail for a reason of the platform."""
    raise TemporaryError("the bucket is away")


class DelayingQueues(MemoryQueues):
    """Queues whose delayed messages wait until `release`: a delay outlasts a running job."""

    def __init__(self) -> None:
        super().__init__()
        self.delayed: list[Outgoing] = []

    def send(self, message: Outgoing) -> None:
        """Send a message, or keep it until its delay is over."""
        if message.delay_ms:
            self.delayed.append(replace(message, delay_ms=0))
        else:
            super().send(message)

    def release(self) -> None:
        """Send the delayed messages."""
        due, self.delayed = self.delayed, []
        for message in due:
            super().send(message)


@dataclass
class World:
    """The broker, the database and the bucket, and how much may go wrong."""

    handler: Handler
    log: Logger
    policy: DeliveryPolicy
    crashes: int
    lease_ends: int
    leaves: int
    losses: int = 0
    ids: tuple[str, ...] = ("req_1", "req_1")
    workers: int = 2
    now: datetime = NOW
    queues: DelayingQueues = field(default_factory=DelayingQueues)
    objects: MemoryObjectStore = field(default_factory=MemoryObjectStore)
    graded: int = 0

    def __post_init__(self) -> None:
        """Begin with a message for each id."""
        self.takes_over = bool(self.lease_ends) and not self.crashes
        self.claims: dict[Turn, ClaimRenewer] = {}
        self.stopping: dict[Turn, threading.Event] = {}
        self.sources: dict[Turn, SteppedSource] = {}
        self.may_leave = bool(self.leaves)
        self.jobs = MemoryJobStore(now=lambda: self.now)
        for each in self.ids:
            self.queues.send(
                Outgoing("requests", json.dumps(REQUEST | {"requestId": each}).encode())
            )

    def worker(self) -> Turn:
        """Start a worker."""
        name = f"worker-{len(self.claims)}"
        claims = ClaimRenewer(self.jobs, ActiveJobs(), name, 60, lambda: None, self.log)
        turn = Turn(partial(self._work, claims))
        self.claims[turn], self.stopping[turn] = claims, Impatient()
        turn.start()
        return turn

    def _work(self, claims: ClaimRenewer, turn: Turn) -> None:
        name, stopping = claims.worker_id, self.stopping[turn]
        retrier = Retrier(stopping, Health(), self.log)
        jobs, objects = SteppedJobs(self.jobs, turn), SteppedObjects(self.objects, turn)

        def handle(request: GradingRequest) -> GradingResult:
            self.graded += 1  # others see a job only by its claim and its result
            attempt = self.graded
            if self.may_leave:
                turn.step("grade")
            key = result_key(request.request_id)
            timestamp = NOW + timedelta(minutes=attempt)
            result = self.handler(request).model_copy(
                update={"result_file": f"s3://bucket/{key}", "timestamp": timestamp}
            )
            bucket = objects if self.takes_over else self.objects  # steps only where order matters
            bucket.put(key, result.to_json(), content_type="application/json")
            return result

        processor = JobProcessor(
            jobs=jobs,  # type: ignore[arg-type]  # has what a worker uses
            request_model=GradingRequest,
            handler=handle,
            policy=self.policy,
            worker_id=name,
            retrier=retrier,
            refresh=lambda: None,
            log=self.log,
            on_claim=partial(claims.active.claim, name),
            clock=lambda: NOW,
        )
        recorder = ResultRecorder(jobs, objects, retrier, lambda: None)  # type: ignore[arg-type]  # as above
        Consumer(
            name=name,
            open_source=lambda: self.open_source(turn),
            processor=processor,
            policy=self.policy,
            recorder=recorder,
            retrier=retrier,
            stopping=stopping,
            log=self.log,
            active=claims.active,
            clock=lambda: NOW,
        ).run()

    def open_source(self, turn: Turn) -> JobSource:
        """Connect a worker; one that loses its connection stops instead of connecting again."""
        self.sources[turn] = source = SteppedSource(self.queues, turn, self.stopping[turn])
        return source

    def left_requests(self) -> list[object]:
        """Return the requests that are in their queue, or will be."""
        return [*self.queues.waiting("requests"), *self.queues.delayed]

    def run(self, choices: Choices) -> None:
        """Run until no message is left; a crashed worker is replaced by another."""
        workers = [self.worker() for _ in range(self.workers)]
        while options := self._options(workers):
            options[choices.choose(len(options))]()
            for at, each in enumerate(workers):
                if not each.at:
                    workers[at] = self.worker()
        for each in workers:
            each.go()
            assert each.error is None

    def _options(self, workers: Sequence[Turn]) -> list[Callable[[], None]]:
        """What can happen next."""
        busy = [each for each in workers if each.at != "receive" or self.sources[each].sent]
        if not busy and not self.queues.waiting("requests"):
            self.queues.release()
        options = [each.go for each in workers if each.ready()]
        if not options:
            return []
        for each in busy:
            for committed in {False, self.sources[each].sent}:
                options += [partial(self._lose, each, committed)] * bool(self.losses)
                options += [partial(self._crash, each, committed)] * bool(self.crashes)
        options += [partial(self._leave, each) for each in busy if self.leaves]
        if busy and self.lease_ends:
            options.append(self._end_leases)
        return options

    def _crash(self, turn: Turn, committed: bool) -> None:
        self.crashes -= 1
        if committed:
            self.sources[turn].commit()
        turn.crash()

    def _lose(self, turn: Turn, committed: bool) -> None:
        """Cut the connection; the worker stops as soon as it notices, instead of connecting."""
        self.losses -= 1
        if committed:
            self.sources[turn].commit()
        self.stopping[turn].set()
        self.sources[turn].lose()

    def _leave(self, turn: Turn) -> None:
        """Give back as at the end of the drain; the thread of the job may go on for some steps."""
        self.leaves -= 1
        self.stopping[turn].set()
        self.claims[turn].give_back()

    def _end_leases(self) -> None:
        self.lease_ends -= 1
        self.now += timedelta(hours=1)


class SteppedSource(MemoryJobSource):
    """
    A connection that waits for its turn before it receives and before it confirms a settlement.

    A settlement has no effect when it is sent. The broker commits it before it is confirmed; when
    exactly matters only to a worker that crashes or loses its connection meanwhile.
    """

    def __init__(self, queues: DelayingQueues, turn: Turn, stopping: threading.Event) -> None:
        super().__init__(queues, ["requests"])
        self._queues = queues
        self._turn = turn
        self._stopping = stopping
        self._commits: list[Callable[[], None]] = []

    @property
    def sent(self) -> bool:
        """Whether a settlement was sent that the broker has not committed."""
        return bool(self._commits)

    def commit(self) -> None:
        """Commit the settlement, as the broker does; the worker does not know it yet."""
        self._commits.pop()()

    def lose(self) -> None:
        """Lose the connection; the broker rolls back what it has not committed."""
        self._commits.clear()
        super().lose()

    def _is_waiting(self) -> bool:
        return bool(self._queues.waiting("requests"))

    def _can_receive(self) -> bool:
        return self._is_waiting() or self.sent or self._lost

    def receive(self, timeout_seconds: float) -> Delivery | None:  # noqa: ARG002 - the port's
        """Receive a message; at the end of the run there is none, and the worker stops."""
        self._turn.step("receive", self._can_receive)
        if self.sent and not self._is_waiting():
            self._confirm_at_once()
            self._turn.step("receive", self._can_receive)
        delivery = super().receive(0.0)
        if delivery is None:
            self._stopping.set()
        return delivery

    def settle(
        self,
        delivery: Delivery,
        outgoing: Sequence[Outgoing],
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Send the settlement, after the one before it is confirmed."""
        self.confirm()
        self._commits.append(partial(super().settle, delivery, outgoing, on_confirmed))

    def confirm(self) -> None:
        """Wait for the commit."""
        if self.sent:
            self._turn.step("confirm")
        self._confirm_at_once()

    def _confirm_at_once(self) -> None:
        if self.sent:  # else it was committed or lost meanwhile
            self.commit()
        super().confirm()


class Impatient(threading.Event):
    """An event that nobody waits for: the model has no time."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - of the base class
        """Return at once."""
        return self.is_set()


@dataclass(frozen=True)
class SteppedJobs:
    """The table of jobs, with a step before each call."""

    jobs: MemoryJobStore
    turn: Turn

    def claim(self, claim: Claim) -> ClaimOutcome:
        """Claim a request."""
        self.turn.step("claim")
        return self.jobs.claim(claim)

    def finish(self, result: JobResult, **options: Any) -> bool:
        """Store a result."""
        self.turn.step("finish")
        return self.jobs.finish(result, **options)

    def note_failure(self, request_id: str, attempt: int) -> None:
        """Note that an attempt has failed; a crash before or after it costs the same."""
        self.jobs.note_failure(request_id, attempt)

    def give_back(self, worker_id: str, request_id: str, attempt: int) -> bool:
        """Give a request back."""
        self.turn.step("give back")
        return self.jobs.give_back(worker_id, request_id, attempt)

    def get(self, request_id: str) -> object:
        """Read a row."""
        self.turn.step("read")
        return self.jobs.get(request_id)


@dataclass(frozen=True)
class SteppedObjects:
    """The bucket, with a step before each upload."""

    objects: MemoryObjectStore
    turn: Turn

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """Upload a file."""
        self.turn.step("upload")
        self.objects.put(key, body, content_type=content_type)


def check(world: World) -> set[str]:
    """Check what each run must end with; returns the statuses of the requests."""
    assert not world.left_requests()
    statuses = {check_request(world, each) for each in set(world.ids)}
    assert bool(world.queues.waiting("dlq")) == (Status.FAILED in statuses)
    return statuses


def check_request(world: World, request_id: str) -> str:
    """Check a request, its result and its messages; returns its status."""
    row = world.jobs.get(request_id)
    sent = [JobResult.from_json(each.body) for each in world.queues.waiting("results")]
    results = [each for each in sent if each.request_id == request_id]

    assert row is not None
    assert row.result is not None
    assert results
    assert {each.status for each in results} == {row.result.status}
    assert world.objects.objects[result_key(request_id)] == row.result.to_json()
    letters = [each for each in world.queues.waiting("dlq") if request_id.encode() in each.body]
    assert bool(letters) == (row.result.status is Status.FAILED)
    if row.result.status is Status.COMPLETED:
        assert row.attempts <= world.policy.max_attempts
    return row.result.status
