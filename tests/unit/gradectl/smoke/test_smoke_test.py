"""A smoke test detects a broken environment, and leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from fake_environment import FakeEnvironment

from gradectl.errors import DeadlineError, StoppedError, UnreachableError
from gradectl.smoke.report import GRADE, GRADING, QUEUE_WAIT, RESULT, ROW, SEND, UPLOAD, next_step
from grader.contract.messages import JobResult
from grader.contract.names import PRIORITY_QUEUE, QUEUES, REQUESTS_QUEUE
from grader.contract.verdicts import Verdict
from grader.errors import TemporaryError
from grader.testing import MemoryJobStore, MemoryObjectStore

ALL_HOPS = [UPLOAD, SEND, QUEUE_WAIT, GRADING, RESULT, ROW]


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
    steps = {
        hop: next_step(hop, "local", "gradectl local status", "gradectl queue inspect results")
        for hop in (UPLOAD, GRADE, RESULT)
    }

    assert "bucket" in steps[UPLOAD]
    assert "gradectl queue list -e local" in steps[GRADE]
    assert steps[RESULT] == "gradectl queue inspect results"


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
        def finish(self, result: JobResult, **_: Any) -> bool:  # noqa: ARG002 - port
            return False

    environment.jobs = ForgettingStore()

    report = environment.run()

    assert report.failed_hop == ROW
    assert "its row in the database has no result" in report.failure
    assert environment.traces() == []
