"""A consumer with its processor and recorder, over in-memory fakes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from grader.contract.messages import Grade, GradingRequest, GradingResult, JobRequest
from grader.contract.verdicts import Status, Verdict
from grader.logs import Logger
from grader.ports.handlers import JobHandler
from grader.ports.jobs import Claim, ClaimOutcome
from grader.ports.messages import Delivery, JobSource, Outgoing
from grader.ports.results import NoResultBus, ResultBus
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
    on_claim: Callable[[str, int], bool] = lambda _request_id, _attempt: True
    pushed: ResultBus = field(default_factory=NoResultBus)
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
            on_claim=self.on_claim,
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
            results=self.pushed,
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
