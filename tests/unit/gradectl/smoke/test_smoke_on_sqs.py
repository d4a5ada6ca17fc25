"""A smoke test works where queues cannot be searched, and says what it cannot observe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from fake_environment import AS_A_WORKER_WRITES, FakeEnvironment
from unsearchable_queues import UnsearchableBroker

from gradectl.queues.testing import MemoryWatch
from gradectl.smoke.priority_check import judge_by_time
from gradectl.smoke.report import FAILED, GRADE, NOT_OBSERVABLE, PASSED, POISON, PRIORITY
from grader.contract.names import PRIORITY_QUEUE, QUEUES, REQUESTS_QUEUE

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(name="sqs")
def _sqs() -> FakeEnvironment:
    """A healthy environment on SQS."""
    return FakeEnvironment(broker=UnsearchableBroker)


def starts(*seconds: float) -> list[datetime]:
    """Times after noon."""
    return [NOON + timedelta(seconds=each) for each in seconds]


def test_a_healthy_environment_on_sqs_passes(sqs: FakeEnvironment) -> None:
    """Results are read from the bucket; then the own message is taken, and no other one."""
    for queue in ("grading-results", "grading-dlq"):
        sqs.broker.send(queue, b"theirs", {"correlation-id": "theirs"})

    report = sqs.run()

    assert report.passed, report.failure
    assert [probe.queue for probe in report.probes] == [REQUESTS_QUEUE, PRIORITY_QUEUE]
    assert {probe.proof for probe in report.probes} == {"result message, by its correlation id"}
    assert (sqs.traces(), report.left_behind) == ([], ())
    assert [len(sqs.broker.messages(queue)) for queue in QUEUES] == [0, 0, 1, 1]


def test_a_message_that_is_not_in_the_sample_is_not_observable(sqs: FakeEnvironment) -> None:
    """The web tier may have received it, and the row proves the grading."""
    sqs.web_tier = True

    report = sqs.run()

    assert report.passed, report.failure
    for probe in report.probes:
        assert probe.proof.startswith("stored row; its message was not in a sample of")
        assert "not observable, Amazon SQS cannot be searched" in probe.proof
    assert report.left_behind == ("result messages in grading-results, which cannot be searched",)


def test_without_a_worker_the_request_is_taken_back(sqs: FakeEnvironment) -> None:
    """It must not be graded after the test; consumers are not counted."""
    sqs.has_worker = False

    report = sqs.run(seconds=1.0)

    assert [probe.failed_hop for probe in report.probes] == [GRADE]
    assert "the workers do not take it from grading-requests (1 waiting)" in report.failure
    assert (sqs.traces(), report.left_behind) == ([], ())


class HiddenRequests(UnsearchableBroker):
    """A request queue so long that a sample does not find the request."""

    def take(self, *_: str) -> None:
        """Find nothing."""


def test_a_request_that_the_sample_does_not_find_keeps_its_objects() -> None:
    """A worker that receives it later needs them."""
    environment = FakeEnvironment(broker=HiddenRequests)
    environment.has_worker = False

    report = environment.run(seconds=1.0)

    (left,) = report.left_behind
    assert "its message may be in grading-requests (1 waiting), not in a sample" in left
    assert any(key.startswith("submissions/") for key in environment.store.objects)


def test_the_clean_up_of_many_jobs_does_not_search_without_end() -> None:
    """Each search takes two seconds, and a web tier has received all results."""
    environment = FakeEnvironment(broker=CountedTakes)
    environment.web_tier = True
    CountedTakes.watches = 0

    report = environment.run(checks=(PRIORITY,))

    assert report.left_behind == ("result messages in grading-results, which cannot be searched",)
    assert CountedTakes.watches == 2 + 3  # one for each probe, and three misses of the clean-up


class CountedTakes(UnsearchableBroker):
    """Counts searches."""

    watches = 0

    @contextmanager
    def watch(self, queue: str, correlation_id: str) -> Iterator[MemoryWatch]:
        """Count it."""
        CountedTakes.watches += 1
        with super().watch(queue, correlation_id) as watch:
            yield watch


def test_a_failed_job_has_its_dead_letter_in_the_report(sqs: FakeEnvironment) -> None:
    """It is looked for in a sample only if a job may have one."""
    sqs.verdict = None

    report = sqs.run()

    assert report.dead_letters.ours
    assert sqs.traces() == []


def test_dead_letters_of_others_are_not_received_without_need(sqs: FakeEnvironment) -> None:
    """Each receive would count."""
    sqs.on_request = lambda: sqs.broker.send("grading-dlq", b"theirs", {})

    report = sqs.run()

    assert str(report.dead_letters) == "from 0 to 2, none from this test"
    assert not hasattr(sqs.broker, "receives")


def test_poison_is_found_in_a_sample_and_removed(sqs: FakeEnvironment) -> None:
    """With reason and origin; the others stay."""
    sqs.broker.send("grading-dlq", b"theirs", {**AS_A_WORKER_WRITES})

    report = sqs.run(checks=(POISON,))

    (check,) = report.checks
    assert check.outcome == PASSED, check
    assert "in grading-dlq from grading-requests, INVALID_REQUEST" in check.detail
    assert [each.body for each in sqs.broker.messages("grading-dlq")] == [b"theirs"]
    assert sqs.traces() == []


def test_poison_behind_many_dead_letters_is_not_observable(sqs: FakeEnvironment) -> None:
    """A sample is bounded, because every message in it is received once more."""
    for _ in range(40):
        sqs.broker.send("grading-dlq", b"theirs", {**AS_A_WORKER_WRITES})

    (check,) = sqs.run(checks=(POISON,)).checks

    assert check.outcome == NOT_OBSERVABLE
    assert "not among 30 of grading-dlq" in check.detail


def test_poison_without_a_dead_letter_fails(sqs: FakeEnvironment) -> None:
    """Although SQS does not tell whether another consumer took it."""
    sqs.dead_letter = None

    (check,) = sqs.run(checks=(POISON,)).checks

    assert check.outcome == FAILED
    assert "it was refused, but is not in grading-dlq, unless another" in check.detail


def test_a_backlog_that_is_graded_at_once_proves_no_priority(sqs: FakeEnvironment) -> None:
    """All jobs get their result, and the order says nothing."""
    (check,) = sqs.run(checks=(PRIORITY,)).checks

    assert check.outcome == NOT_OBSERVABLE
    assert "workers were idle" in check.detail
    assert sqs.traces() == []


@pytest.mark.parametrize(
    ("waiting", "urgent", "outcome", "detail"),
    [
        (starts(0, 1, 2, 3), 1.5, PASSED, "overtook 2 of 4"),
        (starts(0, 1, 2, 3, 4), 3.5, FAILED, "started 3.5 s after the first that waited"),
        (starts(0, 1, 1.5), 0.5, NOT_OBSERVABLE, "3 ordinary jobs that waited"),
        (starts(), 0.5, NOT_OBSERVABLE, "0 ordinary jobs"),
    ],
)
def test_an_urgent_job_starts_soon_while_others_wait(
    waiting: list[datetime], urgent: float, outcome: str, detail: str
) -> None:
    """Workers look at its queue once a second; a short backlog proves nothing."""
    found = judge_by_time(waiting, NOON + timedelta(seconds=urgent))

    assert found[0] == outcome
    assert detail in found[1]
