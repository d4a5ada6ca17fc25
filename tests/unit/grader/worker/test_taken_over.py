"""A request that another message or worker has, and the order of the effects."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from consumer_bench import REQUEST, Bench, UntilEmpty, accept

from grader.contract.messages import GradingRequest, GradingResult, JobResult
from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError
from grader.ports.jobs import Claim, ClaimOutcome, Granted, JobRecord
from grader.testing import MemoryJobStore, MemoryObjectStore


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

        def finish(self, result: JobResult, **options: Any) -> bool:
            effects.append("row")
            return super().finish(result, **options)

    class Broker(UntilEmpty):
        def settle(self, *args: Any) -> None:
            effects.append("message")
            super().settle(*args)

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
