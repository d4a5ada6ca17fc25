"""
Two workers and two messages of one request, or of two, in every order of their steps.

A model check of docs/job-lifecycle.md on the real consumer, processor and recorder over the
in-memory fakes: any worker may crash before any step, lose its connection, or leave and give its
request back, and the lease of a claim may end at any time. A settlement that was sent and is not
confirmed is committed before a crash or a loss, or undone by it.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from schedules import Choices, Turn, explore

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
    MemorySqsJobSource,
    MemorySqsQueues,
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


@dataclass
class SqsWorld(World):
    """
    Queues with the rules of SQS instead of a broker.

    Any message may be delivered first, or twice. The time in flight of those in work may end,
    unnoticed (`expiries`) or noticed by their workers (`losses`). The message of a worker that
    crashed is visible again when its time is over, as one that is delayed: when nothing else can
    happen.
    """

    expiries: int = 0
    duplicates: int = 0
    settles_backwards: bool = False

    def __post_init__(self) -> None:
        """Begin with a message for each id."""
        self.choices = Choices()
        self.turns: dict[int, Turn] = {}
        self.received: list[Delivery] = []
        self.queues: MemorySqsQueues = MemorySqsQueues(
            now=lambda: 0.0, choose=self._choose, on_call=self._on_call
        )
        super().__post_init__()
        self.takes_over = True

    def run(self, choices: Choices) -> None:
        """Run until no message is left; a crashed worker is replaced by another."""
        self.choices = choices
        super().run(choices)

    def _work(self, claims: ClaimRenewer, turn: Turn) -> None:
        self.turns[threading.get_ident()] = turn
        super()._work(claims, turn)

    def open_source(self, turn: Turn) -> JobSource:
        """Open the queues for a worker."""
        kind = BackwardSqsSource if self.settles_backwards else SteppedSqsSource
        self.sources[turn] = source = kind(self, turn)
        return source

    def _choose(self, count: int) -> int:
        return self.choices.choose(count)

    def _on_call(self, call: str, queue: str) -> None:
        turn = self.turns.get(threading.get_ident())
        if turn is not None and call != "receive":
            turn.step(f"{call} {queue}")

    def _options(self, workers: Sequence[Turn]) -> list[Callable[[], None]]:
        busy = [each for each in workers if each.at != "receive"]
        if not busy and not self.queues.waiting("requests"):
            self.queues.expire("requests")
        idle = [each for each in workers if each not in busy][:1]  # the others are no different
        options = [each.go for each in (*busy, *idle) if each.ready()]
        if not options:
            return []
        options += [partial(self._crash, each, False) for each in busy if self.crashes]
        if busy and self.expiries:
            options.append(self._expire)
        if busy and self.losses:
            options.append(self._notice)
        if self.received and self.duplicates:
            options.append(self._duplicate)
        return options

    def _expire(self) -> None:
        self.expiries -= 1
        self.queues.expire("requests")

    def _notice(self) -> None:
        """End the time of all messages, and let the heartbeats of their workers notice it."""
        self.losses -= 1
        self.queues.expire("requests")
        for source in self.sources.values():
            source.forget()

    def _duplicate(self) -> None:
        self.duplicates -= 1
        self.queues.duplicate(self.received[-1])


class SteppedSqsSource(MemorySqsJobSource):
    """A source that waits for its turn before it receives; `World` steps the other calls."""

    def __init__(self, world: SqsWorld, turn: Turn) -> None:
        super().__init__(world.queues, ["requests"])
        self._world = world
        self._turn = turn

    @property
    def hold_seconds(self) -> float | None:
        """None: the model ends the time of a message itself."""
        return None

    def forget(self) -> None:
        """Learn from an extension that the message in work is lost."""
        self._in_work.clear()

    def receive(self, timeout_seconds: float) -> Delivery | None:  # noqa: ARG002 - the port's
        """Receive a message; at the end of the run there is none, and the worker stops."""
        self._turn.step("receive", lambda: bool(self._queues.waiting("requests")))
        delivery = super().receive(0.0)
        if delivery is None:
            self._world.stopping[self._turn].set()
        else:
            self._world.received.append(delivery)
        return delivery

    def close(self) -> None:
        """Return what is not settled, unless the worker crashed."""
        if not self._turn.crashed:
            super().close()


class BackwardSqsSource(SteppedSqsSource):
    """A wrong source, which deletes a message before its result is sent."""

    def settle(
        self,
        delivery: Delivery,
        outgoing: Sequence[Outgoing],
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Delete it, then send the messages."""
        super().settle(delivery, (), on_confirmed)
        for message in outgoing:
            self._queues.send(message)


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

    def finish(self, result: JobResult, *, attempt: int = 0) -> bool:
        """Store a result."""
        self.turn.step("finish")
        return self.jobs.finish(result, attempt=attempt)

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
    if isinstance(world, SqsWorld):
        assert not world.queues.messages("requests")
    else:
        assert not world.queues.waiting("requests")
        assert not world.queues.delayed
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


@dataclass(frozen=True)
class Case:
    """
    What the handler does, and what goes wrong.

    Args:
        handler: What it does.
        crashes: Workers that end before any step.
        losses: Connections that are lost at any time.
        lease_ends: Times that all leases end.
        leaves: Workers that leave at the end of their drain.
        attempts: Most attempts; a crash, a loss and the end of a lease may cost a request one each,
            a leave costs none.
        ids: The requests of the messages.
        workers: How many work at the same time.
        orders: How many there are at least: a change that leaves out steps would prove less.
    """

    handler: Handler
    crashes: int = 0
    losses: int = 0
    lease_ends: int = 0
    leaves: int = 0
    attempts: int = 2
    ids: tuple[str, ...] = ("req_1", "req_1")
    workers: int = 2
    orders: int = 0

    @property
    def ends(self) -> set[str]:
        """Return the statuses in which the request may end, and does in some order."""
        if self.handler is not accept:
            return {"failed"}
        enough = self.crashes + self.losses + self.lease_ends < self.attempts
        return {"completed"} if enough else {"completed", "failed"}

    def __str__(self) -> str:
        """Name the test."""
        names = ("crashes", "losses", "lease_ends", "leaves", "attempts")
        wrong = (f"{key} {vars(self)[key]}" for key in names)
        return ", ".join(
            [self.handler.__name__, *wrong, " ".join(self.ids), f"{self.workers} workers"]
        )


ONE = ("req_1",)
OTHERS = ("req_1", "req_2")
SHORT = [
    Case(accept, crashes=1, orders=1_500),
    Case(accept, lease_ends=1, orders=500),
    Case(accept, losses=1, ids=ONE, orders=10),
    Case(accept, leaves=1, attempts=1, ids=ONE, orders=10),
    Case(accept, losses=1, ids=OTHERS, workers=1, orders=10),
    Case(accept, leaves=1, attempts=1, ids=OTHERS, workers=1, orders=10),
    Case(accept, crashes=1, ids=OTHERS, workers=1, orders=10),
    Case(reject, orders=200),
]
LONG = [
    Case(accept, losses=1, orders=1_500),
    Case(accept, losses=1, ids=OTHERS, orders=2_000),
    Case(accept, crashes=1, ids=OTHERS, orders=2_000),
    Case(accept, leaves=1, attempts=1, orders=4_000),
    Case(accept, crashes=1, lease_ends=1, orders=15_000),
    Case(accept, crashes=1, leaves=1, ids=ONE, orders=100),
    Case(reject, crashes=1, orders=5_000),
    Case(reject, lease_ends=1, orders=5_000),
    Case(fail, orders=3_000),
]


@pytest.mark.parametrize(
    "case", [*SHORT, *(pytest.param(each, marks=pytest.mark.exhaustive) for each in LONG)], ids=str
)
def test_in_every_order_there_is_one_result_and_a_message(case: Case, log: Logger) -> None:
    """Whatever crashes, the request has one stored result, and each message tells the same."""
    policy = DeliveryPolicy("bucket", "results", "dlq", case.attempts, retry_delay_ms=1000)
    found: Counter[str] = Counter()
    for choices in explore():
        world = World(
            case.handler,
            log,
            policy,
            crashes=case.crashes,
            lease_ends=case.lease_ends,
            leaves=case.leaves,
            losses=case.losses,
            ids=case.ids,
            workers=case.workers,
        )
        world.run(choices)
        found.update(check(world))

    assert found.total() >= case.orders
    assert set(found) == case.ends


@dataclass(frozen=True)
class SqsCase:
    """
    What the handler does, and what goes wrong on SQS.

    Args:
        handler: What it does.
        crashes: Workers that end before any step: of S3, row, result, dead letter and deletion.
        expiries: Times that all messages in flight become visible and nobody notices it.
        losses: Times that their workers notice it.
        duplicates: Messages that are delivered once more.
        attempts: Most attempts.
        ids: The requests of the messages.
        orders: How many there are at least.
    """

    handler: Handler
    crashes: int = 0
    expiries: int = 0
    losses: int = 0
    duplicates: int = 0
    attempts: int = 2
    ids: tuple[str, ...] = ONE
    orders: int = 0

    @property
    def ends(self) -> set[str]:
        """Return the statuses in which the request may end, and does in some order."""
        if self.handler is not accept:
            return {"failed"}
        faults = self.crashes + self.expiries + self.losses + self.duplicates
        enough = faults < self.attempts
        return {"completed"} if enough else {"completed", "failed"}

    def world(self, log: Logger, **changes: bool) -> SqsWorld:
        """Make the queues, the database and the bucket."""
        policy = DeliveryPolicy("bucket", "results", "dlq", self.attempts, retry_delay_ms=1000)
        return SqsWorld(
            self.handler,
            log,
            policy,
            crashes=self.crashes,
            lease_ends=0,
            leaves=0,
            losses=self.losses,
            ids=self.ids,
            expiries=self.expiries,
            duplicates=self.duplicates,
            **changes,
        )

    def __str__(self) -> str:
        """Name the test."""
        names = ("crashes", "expiries", "losses", "duplicates", "attempts")
        wrong = (f"{key} {vars(self)[key]}" for key in names)
        return ", ".join([self.handler.__name__, *wrong, " ".join(self.ids)])


TWICE = ("req_1", "req_1")
SHORT_ON_SQS = [
    SqsCase(accept, crashes=1, orders=5),
    SqsCase(accept, expiries=1, orders=500),
    SqsCase(reject, crashes=1, orders=5),
    SqsCase(fail, crashes=1, orders=5),
    SqsCase(accept, ids=TWICE, orders=100),
]
LONG_ON_SQS = [
    SqsCase(accept, losses=1, orders=500),
    SqsCase(accept, duplicates=1, orders=2_000),
    SqsCase(reject, expiries=1, orders=2_000),
    SqsCase(reject, losses=1, orders=1_500),
    SqsCase(reject, duplicates=1, orders=2_000),
    SqsCase(fail, expiries=1, orders=1_000),
]


@pytest.mark.parametrize(
    "case",
    [*SHORT_ON_SQS, *(pytest.param(each, marks=pytest.mark.exhaustive) for each in LONG_ON_SQS)],
    ids=str,
)
def test_in_every_order_on_sqs_there_is_one_result_and_a_message(
    case: SqsCase, log: Logger
) -> None:
    """Whatever crashes, expires or comes twice: one stored result, and messages that tell it."""
    found: Counter[str] = Counter()
    for choices in explore():
        world = case.world(log)
        world.run(choices)
        found.update(check(world))

    assert found.total() >= case.orders
    assert set(found) == case.ends


def test_a_message_deleted_before_its_result_is_sent_is_found_by_the_model(log: Logger) -> None:
    """The model proves nothing if it accepts the wrong order too."""
    ends = []
    for choices in explore():
        world = SqsCase(accept, crashes=1).world(log, settles_backwards=True)
        world.run(choices)
        ends.append(len(world.queues.waiting("results")))

    assert {0, 1} <= set(ends)
