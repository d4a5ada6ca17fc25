"""An environment in memory for smoke tests."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from sample_results import completed, failed

from gradectl.queues.testing import MemoryBroker
from gradectl.smoke.environment import SmokeApi, SmokeEnvironment
from gradectl.smoke.report import SmokeReport
from gradectl.smoke.smoke_test import SmokePlan, SmokeTest
from grader.contract.bucket import result_key
from grader.contract.messages import (
    GradingRequest,
    GradingResult,
    readable_request_id,
)
from grader.contract.names import PRIORITY_QUEUE, QUEUES, REQUESTS_QUEUE
from grader.contract.verdicts import ErrorCode, Verdict
from grader.errors import RequestError
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

    def __init__(
        self, queues: tuple[str, ...] = QUEUES, broker: type[MemoryBroker] = MemoryBroker
    ) -> None:
        self.store = MemoryObjectStore()
        self.jobs = MemoryJobStore()
        self.broker = broker(queues, on_send=self._worker)
        self.verdict: Verdict | None = Verdict.ACCEPTED
        self.has_worker = True
        self.sends_message = True
        self.dead_letter: dict[str, str] | None = dict(AS_A_WORKER_WRITES)
        self.takes_dead_letters = False
        self.web_tier = False  # consumes each result message immediately
        self.on_request: Callable[[], None] = lambda: None
        self.before_clean_up: Callable[[], None] = lambda: None
        self.api: SmokeApi | None = None
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
        parts = SmokeEnvironment("b", self.store, self.broker, jobs, self.api)
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
        result = failed(request_id, ErrorCode(error.code), error.what)
        self.store.objects[result_key(request_id)] = result.to_json()
        self.jobs.finish(result)
        headers = {"correlation-id": request_id}
        self.broker.send("grading-results", result.to_json(), headers)
        if self.dead_letter is not None:
            self.broker.send("grading-dlq", body, {**headers, **self.dead_letter})
        if self.takes_dead_letters:
            self.broker.take("grading-dlq", request_id)

    def _result(self, request_id: str) -> GradingResult:
        if self.verdict is None:
            return failed(request_id, ErrorCode.UNKNOWN_LANGUAGE, "unknown language 'python'")
        return completed(request_id, self.verdict)
