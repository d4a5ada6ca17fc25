"""The checks of poison and of priority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fake_environment import AS_A_WORKER_WRITES, FakeEnvironment

from gradectl.errors import UnreachableError
from gradectl.smoke.priority_check import judge
from gradectl.smoke.report import FAILED, NOT_OBSERVABLE, PASSED, POISON, PRIORITY
from grader.contract.names import PRIORITY_QUEUE, QUEUES, REQUESTS_QUEUE


def test_poison_arrives_with_reason_and_origin_and_only_it_is_removed(
    environment: FakeEnvironment,
) -> None:
    """Neighbours stay, also those with the same reason."""
    environment.broker.send("grading-dlq", b"theirs", {**AS_A_WORKER_WRITES})

    report = environment.run(checks=(POISON,))

    (check,) = report.checks
    assert (check.outcome, report.passed) == (PASSED, True), check
    assert check.detail == (
        "in grading-dlq from grading-requests, INVALID_REQUEST: userId: Field required"
    )
    assert [each.body for each in environment.broker.messages("grading-dlq")] == [b"theirs"]
    assert environment.traces() == []


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        (None, "it was refused, but is not in grading-dlq"),
        (
            {**AS_A_WORKER_WRITES, "x-gradectl-reason-code": "EXPIRED"},
            "the reason code 'EXPIRED' instead of INVALID",
        ),
        ({}, "the reason code '' instead of INVALID_REQUEST"),
        (
            {**AS_A_WORKER_WRITES, "x-gradectl-original-queue": "others"},
            "names 'others' as its origin",
        ),
    ],
)
def test_a_wrong_dead_letter_fails_the_check_and_is_removed(
    environment: FakeEnvironment, headers: dict[str, str] | None, detail: str
) -> None:
    """On-call needs reason and origin to repair it."""
    environment.dead_letter = headers

    report = environment.run(checks=(POISON,))

    assert (report.checks[0].outcome, report.passed) == (FAILED, False)
    assert detail in report.checks[0].detail
    assert "check 'poison' failed" in report.failure
    assert environment.traces() == []


def test_dead_letters_that_another_consumer_takes_are_not_observable(
    environment: FakeEnvironment,
) -> None:
    """It may forward them to elsewhere, which is not a failure."""
    environment.takes_dead_letters = True

    report = environment.run(checks=(POISON,))

    assert (report.checks[0].outcome, report.passed) == (NOT_OBSERVABLE, True)
    assert "another consumer of grading-dlq" in report.checks[0].detail


@pytest.mark.parametrize("job", ["ordinary-1", "ordinary-3", "urgent", "poison"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), UnreachableError("the broker has gone")])
def test_an_interrupted_check_cleans_up(
    environment: FakeEnvironment, job: str, error: BaseException
) -> None:
    """Also when only a part of its messages has been sent."""
    sent: list[str] = []

    def interrupt() -> None:
        waiting = [
            message.headers["correlation-id"]
            for queue in (REQUESTS_QUEUE, PRIORITY_QUEUE)
            for message in environment.broker.messages(queue)
        ]
        if waiting[-1].endswith(job):
            environment.on_request = lambda: None
            sent.append(waiting[-1])
            raise error

    environment.on_request = interrupt

    with pytest.raises(type(error)):
        environment.run(checks=(PRIORITY, POISON))

    assert len(sent) == 1
    assert environment.traces() == []


@pytest.mark.parametrize(
    ("check", "detail"),
    [(PRIORITY, "6 of 6 jobs got no result in time"), (POISON, "it got no result in time")],
)
def test_a_check_without_a_worker_fails_and_is_removed(
    environment: FakeEnvironment, check: str, detail: str
) -> None:
    """No message of it must be processed after the test has ended."""
    requests = 0

    def stop_after_the_probes() -> None:
        nonlocal requests
        requests += 1
        environment.has_worker = requests < 2

    environment.on_request = stop_after_the_probes

    report = environment.run(seconds=1.5, checks=(check,))

    assert [probe.passed for probe in report.probes] == [True, True]
    assert [(each.outcome, each.detail) for each in report.checks] == [(FAILED, detail)]
    assert environment.traces() == []


def test_idle_workers_do_not_prove_that_urgent_jobs_overtake(environment: FakeEnvironment) -> None:
    """Each job starts at once, in any system; that is neither success nor failure."""
    report = environment.run(checks=(PRIORITY,))

    (check,) = report.checks
    assert (check.outcome, report.passed) == (NOT_OBSERVABLE, True)
    assert "workers were idle: only 0 of 5 ordinary jobs" in check.detail
    assert environment.traces() == []


def test_priority_is_not_observable_without_the_database_or_the_queue() -> None:
    """The report says which is missing."""
    without_rows = FakeEnvironment().run(rows=False, checks=(PRIORITY,))
    names = tuple(name for name in QUEUES if name != PRIORITY_QUEUE)
    without_queue = FakeEnvironment(names).run(checks=(PRIORITY,))

    assert [each.checks[0].outcome for each in (without_rows, without_queue)] == [
        NOT_OBSERVABLE,
        NOT_OBSERVABLE,
    ]
    assert "the database" in without_rows.checks[0].detail
    assert "no queue grading-priority" in without_queue.checks[0].detail


START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("consumers", "waiting", "urgent", "outcome"),
    [
        (1, [1, 2, 3, 4], 0, PASSED),
        (1, [1, 2, 3, 4], 1.5, PASSED),  # one was in transit
        (1, [1, 2, 3, 4], 2.5, FAILED),
        (1, [1, 2], 9, FAILED),  # the order of sending
        (1, [1], 0, NOT_OBSERVABLE),
        (4, [1, 2, 3, 4, 5, 6, 7, 8], 7.5, FAILED),
        (4, [1, 2, 3, 4, 5, 6, 7, 8], 4.5, PASSED),
        (4, [1, 2, 3, 4, 5, 6, 7], 0, NOT_OBSERVABLE),
    ],
)
def test_the_urgent_job_must_start_before_all_but_one_for_each_consumer(
    consumers: int, waiting: list[float], urgent: float, outcome: str
) -> None:
    """In the order of sending, more would start before it; with fewer jobs nobody can tell."""
    starts = [START + timedelta(seconds=each) for each in waiting]
    found, detail = judge(
        starts, START + timedelta(seconds=urgent), sent=len(starts), consumers=consumers
    )

    assert found == outcome, detail
