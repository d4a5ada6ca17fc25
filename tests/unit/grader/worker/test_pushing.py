"""Results and progress on their way out: never in the way of a job, never without a trace."""

from __future__ import annotations

import io
import json
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from consumer_bench import REQUEST, Bench
from sample_results import completed, request
from sandboxes import wait_until

from grader.api.views import view_of_row
from grader.contract.messages import JobResult
from grader.contract.names import REJUDGING_HEADER
from grader.contract.rejudging import rejudged_id
from grader.contract.submissions import Progress
from grader.contract.verdicts import Verdict
from grader.errors import TemporaryError
from grader.logs import Logger, Redactor
from grader.ports.jobs import Claim
from grader.ports.messages import Outgoing
from grader.ports.results import PushedValue
from grader.settings import RedisSettings
from grader.testing import MemoryJobStore, MemoryParameterStore
from grader.webhooks.payload import body_of
from grader.worker.column_progress import ColumnProgress
from grader.worker.latest_progress import LatestProgress
from grader.worker.parameters import RedisParameters
from grader.worker.pushing import PushedResults, open_pushing

SECONDS = 30.0  # a limit for a hung test
BODY = json.dumps(REQUEST).encode()


class Clock:
    """A monotonic clock that tests advance."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@dataclass
class Publisher:
    """Takes values; each call first does what is next in `plan`."""

    plan: list[Callable[[], str]] = field(default_factory=list)
    rounds: queue.SimpleQueue[list[PushedValue]] = field(default_factory=queue.SimpleQueue)
    calls: queue.SimpleQueue[None] = field(default_factory=queue.SimpleQueue)

    def publish(self, values: Sequence[PushedValue]) -> str:
        """Take values."""
        self.calls.put(None)
        complaint = self.plan.pop(0)() if self.plan else ""
        self.rounds.put(list(values))
        return complaint

    def close(self) -> None:
        """Do nothing."""

    def next(self) -> list[PushedValue]:
        """Wait for the next round."""
        return self.rounds.get(timeout=SECONDS)


def raising(error: Exception) -> Callable[[], str]:
    """A step of a plan that fails."""

    def fail() -> str:
        raise error

    return fail


def percent(done: int) -> Callable[[], Progress]:
    """Progress of a job with 100 cases."""
    return lambda: Progress(phase="running", cases_done=done, cases_total=100)


def test_a_consumer_publishes_the_document_of_each_result(bench: Bench, log: Logger) -> None:
    """After its row, with the fields of the request and the number of attempts."""
    publisher = Publisher()
    pushed = PushedResults(publisher, log)
    bench.pushed = pushed
    bench.send()

    with pushed.in_background():
        bench.run()
        (value,) = publisher.next()

    document = json.loads(value.text)
    assert (value.name, value.replaces) == ("result:req_1", "progress:req_1")
    assert (document["userId"], document["attempts"]) == ("user_001", 1)
    assert document["result"]["verdict"] == "AC"
    assert document["submittedAt"] == REQUEST["timestamp"]


@pytest.mark.parametrize("again", [{}, {"timeLimit": 0}], ids=["duplicate", "invalid"])
def test_a_message_that_comes_again_has_its_result_published_again(
    bench: Bench, log: Logger, again: dict[str, object]
) -> None:
    """Its worker may have died before it published; the number of attempts stays."""
    publisher = Publisher()
    pushed = PushedResults(publisher, log)
    bench.pushed = pushed
    bench.send()
    bench.send(**again)

    with pushed.in_background():
        bench.run()
        values = publisher.next()
        while len(values) < 2:
            values += publisher.next()

    first, second = (json.loads(value.text) for value in values)
    assert second["attempts"] == 1
    assert again or first == second


def test_a_rejected_message_is_published_by_its_id(bench: Bench, log: Logger) -> None:
    """Who waits for it learns that it failed; nothing else of it is known."""
    publisher = Publisher()
    pushed = PushedResults(publisher, log)
    bench.pushed = pushed
    bench.send(timeLimit="soon")

    with pushed.in_background():
        bench.run()
        (value,) = publisher.next()

    document = json.loads(value.text)
    assert (document["status"], document["userId"], document["attempts"]) == ("failed", "", 0)
    assert document["error"]["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize("changes", [{}, {"timeLimit": "soon"}], ids=["graded", "rejected"])
def test_redis_webhook_and_api_have_the_same_text(
    bench: Bench, log: Logger, changes: dict[str, object]
) -> None:
    """Also of a request that could not be read."""
    publisher = Publisher()
    pushed = PushedResults(publisher, log)
    bench.pushed = pushed
    batch = {"webhookUrl": "https://hooks.example.com/", "batchId": "b", "batchSize": 1}
    bench.send(**batch, **changes)
    with pushed.in_background():
        bench.run()
        (value,) = publisher.next()

    (row,) = bench.jobs.submission_rows()
    (delivery,) = bench.jobs.outbox.find()
    assert view_of_row(row).text == value.text
    body = body_of(delivery, row, bench.jobs.outbox)
    assert json.loads(body)["data"]["submissions"] == [json.loads(value.text)]
    assert value.text in body
    assert ("submittedAt" in json.loads(value.text)) == (not changes)


def test_results_of_a_rejudging_and_without_a_valid_id_are_not_published(
    bench: Bench, log: Logger
) -> None:
    """A rejudging has no user who waits; an invalid id would be a channel with any name."""
    publisher = Publisher()
    pushed = PushedResults(publisher, log)
    bench.pushed = pushed
    rejudged = {**REQUEST, "requestId": rejudged_id("req_1", "rj")}
    headers = {REJUDGING_HEADER: "rj"}
    bench.queues.send(Outgoing("requests", json.dumps(rejudged).encode(), headers))
    bench.send(requestId="no id")
    bench.send(requestId="req_2")

    with pushed.in_background():
        bench.run()
        names = [value.name for value in publisher.next()]

    assert names == ["result:req_2"]
    assert bench.jobs.get(rejudged["requestId"]).result


def test_a_publisher_that_hangs_delays_neither_jobs_nor_the_end(
    bench: Bench, log: Logger, log_stream: io.StringIO
) -> None:
    """It is left after a second, and what it did not take is counted."""
    hanging = threading.Event()
    publisher = Publisher([lambda: str(hanging.wait(SECONDS))])
    pushed = PushedResults(publisher, log)
    bench.pushed = pushed
    for number in range(50):
        bench.send(requestId=f"req_{number}")

    with pushed.in_background():
        bench.run()
        assert len(bench.results()) == 50
        assert not hanging.is_set()

    assert "Results not passed on to Redis" in log_stream.getvalue()
    assert "dropped=50" in log_stream.getvalue()
    hanging.set()


def test_what_waits_is_bounded(log: Logger, log_stream: io.StringIO) -> None:
    """The oldest results are dropped: they are looked up in the database by now."""
    entered, hanging = threading.Event(), threading.Event()

    def hang() -> str:
        entered.set()
        hanging.wait(SECONDS)
        raise TemporaryError("away")

    publisher = Publisher([hang])
    pushed = PushedResults(publisher, log)
    with pushed.in_background():
        pushed.publish(BODY, completed("req_first"), 1)
        assert entered.wait(SECONDS)
        for number in range(1500):
            pushed.publish(BODY, completed(f"req_{number}"), 1)
        hanging.set()
        names = []
        while "result:req_1499" not in names:
            names += [value.name for value in publisher.next()]

    assert "result:req_0" not in names
    assert len(names) == 1000
    assert "dropped=501" in log_stream.getvalue()


def test_an_outage_is_logged_once_and_its_end_too(log: Logger, log_stream: io.StringIO) -> None:
    """What was put down meanwhile is published after it, in order."""
    clock = Clock()
    publisher = Publisher([raising(TemporaryError("away", where="Redis"))] * 3)
    pushed = PushedResults(publisher, log, clock=clock)
    with pushed.in_background():
        for number in range(3):
            pushed.publish(BODY, completed(f"req_{number}"), 1)
            publisher.calls.get(timeout=SECONDS)
            clock.now += 100
        pushed.publish(BODY, completed("req_3"), 1)
        names = [value.name for value in publisher.next()]

    assert names == [f"result:req_{number}" for number in range(4)]
    lines = log_stream.getvalue().splitlines()
    assert [line.partition(": ")[2].partition("  ")[0] for line in lines] == [
        "Results not passed on to Redis reason=Redis: away",
        "Results passed on to Redis again dropped=0",
    ]


@pytest.mark.parametrize("url", [None, "not an address"], ids=["missing", "wrong"])
def test_wrong_parameters_of_redis_are_an_outage(
    bench: Bench, log: Logger, log_stream: io.StringIO, url: str | None
) -> None:
    """Jobs go on, and each connection reads the parameters again."""
    store = MemoryParameterStore({"/t/redis/url": url} if url else {})
    settings = RedisSettings(redis_url_param="/t/redis/url")
    redis = RedisParameters(store, settings, Redactor())
    bench.send()

    with open_pushing(redis, None, log) as pushing:
        bench.pushed = pushing.results
        bench.run()
        reason = "not an address of Redis" if url else "parameters not found: /t/redis/url"
        wait_until(lambda: reason in log_stream.getvalue())

    assert len(bench.results()) == 1
    assert "dropped=1" in log_stream.getvalue()


def test_values_that_were_not_kept_are_counted(log: Logger, log_stream: io.StringIO) -> None:
    """A full Redis has published them; who asks late looks into the database."""
    publisher = Publisher([lambda: "OOM command not allowed"])
    pushed = PushedResults(publisher, log)
    with pushed.in_background():
        pushed.publish(BODY, completed(), 1)
        publisher.next()
        pushed.publish(BODY, completed(), 1)
        publisher.next()

    assert "reason=OOM command not allowed" in log_stream.getvalue()
    assert "again dropped=1" in log_stream.getvalue()


def test_an_unexpected_error_does_not_end_the_thread(log: Logger) -> None:
    """The next result is published."""
    clock = Clock()
    publisher = Publisher([raising(KeyError("bug"))])
    pushed = PushedResults(publisher, log, clock=clock)
    with pushed.in_background():
        pushed.publish(BODY, completed("req_1"), 1)
        publisher.calls.get(timeout=SECONDS)
        clock.now += 100
        pushed.publish(BODY, completed("req_2"), 1)

        assert publisher.next()[-1].name == "result:req_2"


def test_only_the_newest_progress_of_a_job_is_made() -> None:
    """The others cost nothing, also not their document."""
    clock, made = Clock(), []
    latest = LatestProgress(1.0, clock=clock)

    def make(number: int) -> Callable[[], Progress]:
        return lambda: made.append(number) or percent(number)()

    first = [latest.report("req_1", make(number)) for number in range(100)]
    assert (first.count(True), latest.take()) == (1, {})
    clock.now += 1.0
    taken = [each().cases_done for each in latest.take().values()]

    assert (taken, made) == ([99], [99])
    assert latest.seconds_left() is None


def test_progress_is_published_and_not_after_the_result(log: Logger) -> None:
    """The key of the progress goes with it."""
    publisher = Publisher()
    pushed = PushedResults(publisher, log)
    with pushed.in_background():
        pushed.report("req_1", percent(1))
        (value,) = publisher.next()
        assert (value.name, json.loads(value.text)["casesDone"]) == ("progress:req_1", 1)

        pushed.report("req_1", percent(2))
        pushed.publish(BODY, completed("req_1"), 1)
        pushed.report("req_2", percent(3))
        names = [publisher.next()[0].name, publisher.next()[0].name]

    assert names == ["result:req_1", "progress:req_2"]


class Noticing(MemoryJobStore):
    """A table that tells when progress was noted; fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        """Nothing was noted."""
        super().__init__()
        self.failures = failures
        self.noted: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def note_progress(self, notes: Sequence[object]) -> None:
        """Note, or fail."""
        self.failures -= 1
        if self.failures >= 0:
            self.noted.put(False)
            raise TemporaryError("away")
        super().note_progress(notes)
        self.noted.put(True)


def test_progress_goes_into_the_row_of_the_running_attempt(log: Logger) -> None:
    """And not into that of a job that has ended; one statement for all of a worker."""
    jobs = Noticing()
    for name in ("req_1", "req_2", "req_3"):
        jobs.claim(Claim(request(name), f"ID:{name}", "requests", "worker"))
    column = ColumnProgress(jobs, lambda: {"req_1": 1, "req_2": 1}, 0.05, log)
    with column.in_background():
        for name in ("req_1", "req_2", "req_3"):
            column.report(name, percent(1))
        column.report("req_1", percent(7))
        assert jobs.noted.get(timeout=SECONDS)

    texts = [jobs.get(name).progress for name in ("req_1", "req_2", "req_3")]
    assert [text and json.loads(text)["casesDone"] for text in texts] == [7, 1, None]
    assert jobs.noted.empty()


def test_a_row_that_cannot_be_written_is_logged_once(log: Logger, log_stream: io.StringIO) -> None:
    """And the next progress is written."""
    jobs = Noticing(failures=2)
    jobs.claim(Claim(request(), "ID:1", "requests", "worker"))
    column = ColumnProgress(jobs, lambda: {"req_1": 1}, 0.01, log)
    with column.in_background():
        for done in range(3):
            column.report("req_1", percent(done))
            jobs.noted.get(timeout=SECONDS)

    assert log_stream.getvalue().count("Progress not passed on to the database") == 1
    assert "Progress passed on to the database again" in log_stream.getvalue()


def test_the_result_of_the_last_attempt_is_published(bench: Bench, log: Logger) -> None:
    """An attempt whose claim was taken over publishes the result that counts."""
    publisher = Publisher()
    pushed = PushedResults(publisher, log)
    bench.pushed = pushed

    def overtaken(_request: object) -> JobResult:
        other = Claim(request(), "ID:0", "requests", "other")
        bench.jobs.release("req_1", 1, force=True)
        bench.jobs.claim(other)
        bench.jobs.finish(completed(verdict=Verdict.WRONG_ANSWER, score=0), attempt=2)
        return completed()

    bench.handler = overtaken
    bench.send()
    with pushed.in_background():
        bench.run()
        (value,) = publisher.next()

    document = json.loads(value.text)
    assert (document["result"]["verdict"], document["attempts"]) == ("WA", 2)
