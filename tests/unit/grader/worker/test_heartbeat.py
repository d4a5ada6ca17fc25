"""Holding the message of a running job."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

import pytest
from consumer_bench import Bench, accept

from grader.contract.messages import GradingRequest, GradingResult
from grader.errors import ConnectionLostError
from grader.logs import Logger
from grader.ports.messages import Delivery
from grader.testing import MemoryJobSource, MemoryQueues, MemorySqsJobSource, MemorySqsQueues
from grader.worker.heartbeat import Heartbeat, holding

SOON = 20.0
MESSAGE = Delivery("requests", "ID:1", b"{}")


class Extending(MemoryJobSource):
    """A source that notes each extension; `answers` come first, then it is held."""

    hold_seconds = 0.03

    def __init__(self, *answers: bool | Exception) -> None:
        super().__init__(MemoryQueues(), ["requests"])
        self.answers = list(answers)
        self.calls = 0
        self.after = threading.Event()

    def extend(self, delivery: Delivery) -> bool:
        """Give the next answer."""
        assert delivery is MESSAGE
        self.calls += 1
        if not self.answers:
            self.after.set()
            return True
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize("error", [ConnectionLostError("throttled"), KeyError("bug")])
def test_a_message_is_extended_again_after_an_error(
    log: Logger, log_stream: io.StringIO, error: Exception
) -> None:
    """Soon: it is held for two thirds of its time still."""
    source = Extending(error, error)

    with holding(source, MESSAGE, log):
        assert source.after.wait(SOON)

    assert log_stream.getvalue().count("Message not extended, trying again") == 2
    assert "Traceback" in log_stream.getvalue() or isinstance(error, ConnectionLostError)


def test_a_lost_message_is_logged_and_not_extended_again(
    log: Logger, log_stream: io.StringIO
) -> None:
    """Another worker may have it; the row decides whose result counts."""
    source = Extending(False)

    Heartbeat(source, MESSAGE, 0.0, log).run(threading.Event())

    assert source.calls == 1
    assert "Message is no longer held" in log_stream.getvalue()


def test_a_message_is_not_extended_after_its_job(log: Logger) -> None:
    """The delay of another attempt would be lost."""
    source = Extending()

    with holding(source, MESSAGE, log):
        assert source.after.wait(SOON)
    calls = source.calls

    assert [each.name for each in threading.enumerate() if each.name == "heartbeat"] == []
    assert source.calls == calls


def test_no_thread_is_started_where_the_connection_holds_messages(log: Logger) -> None:
    """As with a broker."""
    source = MemoryJobSource(MemoryQueues(), ["requests"])

    with holding(source, MESSAGE, log):
        names = [each.name for each in threading.enumerate()]

    assert "heartbeat" not in names


class UntilIdle(MemorySqsJobSource):
    """Queues with the rules of SQS; stops the consumer when there is no message at all."""

    def __init__(self, queues: MemorySqsQueues, stopping: threading.Event, seconds: float) -> None:
        super().__init__(queues, ["requests"], seconds)
        self._stopping = stopping
        self.extended, self.lost = threading.Event(), threading.Event()

    def receive(self, timeout_seconds: float) -> Delivery | None:
        """Receive the next message, or stop."""
        if not self._queues.messages("requests"):
            self._stopping.set()
        return super().receive(timeout_seconds)

    def extend(self, delivery: Delivery) -> bool:
        """Note that a message was extended, or lost."""
        held = super().extend(delivery)
        (self.extended if held else self.lost).set()
        return held


@pytest.fixture
def sqs(bench: Bench) -> MemorySqsQueues:
    """Queues with one request."""
    queues = MemorySqsQueues()
    bench.send()
    (message,) = bench.queues.waiting("requests")
    queues.send(message)
    return queues


def results(queues: MemorySqsQueues) -> list[GradingResult]:
    """The result messages."""
    return [GradingResult.from_json(each.body) for each in queues.messages("results")]


def test_a_job_longer_than_its_message_is_hidden_is_done_once(
    bench: Bench, sqs: MemorySqsQueues
) -> None:
    """Its message stays hidden while it runs."""
    source = UntilIdle(sqs, bench.stopping, 0.3)

    def work(request: GradingRequest) -> GradingResult:
        for _ in range(4):
            assert source.extended.wait(SOON)
            source.extended.clear()
        assert not sqs.waiting("requests")
        return accept(request)

    bench.handler = work
    bench.run(lambda: source)

    assert [each.status for each in results(sqs)] == ["completed"]
    assert bench.jobs.get("req_1").attempts == 1


def test_a_lost_message_is_answered_when_it_is_received_again(
    bench: Bench, sqs: MemorySqsQueues
) -> None:
    """The result of the job is stored, so nothing is graded twice where no other attempt began."""
    graded: list[str] = []
    first = UntilIdle(sqs, bench.stopping, 0.3)
    sources = iter([first, UntilIdle(sqs, bench.stopping, 0.3)])

    def work(request: GradingRequest) -> GradingResult:
        graded.append(request.request_id)
        sqs.expire("requests")
        assert sqs.receive("requests", 0.0)
        assert first.lost.wait(SOON)
        return accept(request)

    bench.handler = work
    bench.run(lambda: next(sources))

    assert graded == ["req_1"]
    assert [each.status for each in results(sqs)] == ["completed"]
    assert bench.jobs.get("req_1").attempts == 1


def test_attempts_that_fail_do_not_count_as_crashes_on_sqs(
    bench: Bench, sqs: MemorySqsQueues
) -> None:
    """Their message has no header that could say so."""
    bench.policy = bench.policy.__class__("bucket", "results", "dlq", 5, 0, max_crashes=2)
    failures = iter(range(4))

    def work(request: GradingRequest) -> GradingResult:
        if next(failures, None) is not None:
            raise ConnectionLostError("away")
        return accept(request)

    bench.handler = work
    bench.run(lambda: UntilIdle(sqs, bench.stopping, 60.0))

    assert [each.status for each in results(sqs)] == ["completed"]
    assert bench.jobs.get("req_1").attempts == 5
    assert sqs.messages("dlq") == []


def test_the_messages_of_jobs_that_are_given_back_are_visible_at_once(
    bench: Bench, sqs: MemorySqsQueues
) -> None:
    """Another worker does not wait for the end of their time."""
    from_drain: list[Callable[[], None]] = []

    def work(request: GradingRequest) -> GradingResult:
        for job in bench.active.give_back():
            from_drain.append(job.release)
            job.release()
        assert len(sqs.waiting("requests")) == 1
        return accept(request)

    bench.handler = work
    bench.on_claim = lambda request_id, attempt: bench.active.claim("broker", request_id, attempt)
    bench.run(lambda: UntilIdle(sqs, bench.stopping, 60.0))

    assert len(from_drain) == 1
    assert results(sqs) == []
