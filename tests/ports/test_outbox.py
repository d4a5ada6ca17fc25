"""Behaviour of every outbox of webhooks, together with the table of jobs that fills it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grader.contract.callbacks import Callback
from grader.contract.messages import Failure, Grade, GradingRequest, GradingResult
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.ports.jobs import Claim
from grader.ports.results import DeliveryStatus, Outbox, WebhookDelivery

NOW = datetime(2024, 8, 20, 12, 0, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)
CALLBACK = Callback("https://hooks.example.com/a", host="hooks.example.com")
GRADE = Grade(verdict=Verdict.ACCEPTED, score=100, execution_time=1, memory_usage=1)


def result(request_id: str = "req_1", at: datetime = NOW) -> GradingResult:
    """A stored result."""
    return GradingResult(
        request_id=request_id, status=Status.COMPLETED, result=GRADE, timestamp=at
    )  # fmt: skip


def claim(jobs: Any, request_id: str = "req_1", **fields: Any) -> int:
    """Claim a request; returns the attempt."""
    request = GradingRequest(
        request_id=request_id, user_id="user", problem_id="sum", language="python",
        source_file="s3://bucket/submissions/x/a.py", time_limit=1000, memory_limit=64,
        timestamp=NOW, **fields,
    )  # fmt: skip
    return int(jobs.claim(Claim(request, f"ID:{request_id}", "grading-requests", "one")).attempt)


def take(outbox: Outbox, most: int = 10, **busy: int) -> list[WebhookDelivery]:
    """Take what is due, at most four for one host."""
    return list(outbox.take(most, LEASE, busy=busy, most_per_host=4))


def in_batch(size: int) -> Callback:
    """The webhook of a batch."""
    return replace(CALLBACK, batch_id="batch_1", batch_size=size)


def test_a_result_with_a_webhook_is_due_at_once(webhooks: Any) -> None:
    """In the transaction of the result; one without a webhook leaves nothing."""
    assert webhooks.jobs.finish(result(), attempt=claim(webhooks.jobs), callback=CALLBACK)
    assert webhooks.jobs.finish(result("req_2"), attempt=claim(webhooks.jobs, "req_2"))

    (delivery,) = take(webhooks.outbox)
    assert (delivery.subject, delivery.is_batch, delivery.attempts) == ("req_1", False, 0)
    assert (delivery.url, delivery.host) == (CALLBACK.url, CALLBACK.host)
    assert delivery.created_at == NOW
    assert delivery.delivery_id.startswith("msg_")


def test_a_discarded_result_sends_nothing(webhooks: Any) -> None:
    """The attempt that has taken over sends its own."""
    claim(webhooks.jobs)
    claim(webhooks.jobs)

    assert not webhooks.jobs.finish(result(), attempt=1, callback=CALLBACK)
    assert not take(webhooks.outbox)


def test_a_result_that_is_stored_twice_is_sent_once(webhooks: Any) -> None:
    """The connection may break after the commit, and the worker repeats the call."""
    attempt = claim(webhooks.jobs)
    for _ in range(2):
        assert webhooks.jobs.finish(result(), attempt=attempt, callback=CALLBACK)

    (delivery,) = take(webhooks.outbox)
    webhooks.outbox.delivered([delivery])
    assert webhooks.jobs.finish(result(), attempt=attempt, callback=CALLBACK)
    assert not take(webhooks.outbox)


def test_a_request_that_is_processed_anew_is_sent_anew(webhooks: Any) -> None:
    """After `queue redrive` there is another result, and its webhook has another id."""
    error = Failure(code=ErrorCode.INTERNAL_ERROR, message="broken")
    failed = GradingResult(request_id="req_1", status=Status.FAILED, error=error, timestamp=NOW)
    webhooks.jobs.finish(failed, attempt=claim(webhooks.jobs), callback=CALLBACK)
    webhooks.jobs.reopen("req_1")
    later = result(at=NOW + timedelta(minutes=1))
    webhooks.jobs.finish(later, attempt=claim(webhooks.jobs), callback=CALLBACK)

    assert len({each.delivery_id for each in take(webhooks.outbox)}) == 2


def test_a_refused_webhook_is_dead_with_its_reason(webhooks: Any) -> None:
    """It is listed, and never sent."""
    refused = replace(CALLBACK, refusal="the host is not allowed")
    webhooks.jobs.finish(result(), attempt=claim(webhooks.jobs), callback=refused)

    (delivery,) = webhooks.outbox.find(subject="req_1")
    assert delivery.status is DeliveryStatus.DEAD
    assert delivery.last_error == "the host is not allowed"
    assert not take(webhooks.outbox)


def test_a_request_rejected_before_its_claim_is_sent(webhooks: Any) -> None:
    """Its webhook could be read."""
    assert webhooks.jobs.finish(result(), callback=CALLBACK)

    assert [each.subject for each in take(webhooks.outbox)] == ["req_1"]


def test_a_taken_delivery_is_taken_by_no_other_sender(webhooks: Any, clock: Any) -> None:
    """Until the lease ends: then its sender has died."""
    webhooks.jobs.finish(result(), attempt=claim(webhooks.jobs), callback=CALLBACK)

    assert len(take(webhooks.outbox)) == 1
    assert not take(webhooks.other)

    clock.now += LEASE
    assert len(take(webhooks.other)) == 1


def test_a_delivery_that_was_given_back_is_due(webhooks: Any) -> None:
    """At once, for any sender; nothing counts as an attempt."""
    webhooks.jobs.finish(result(), attempt=claim(webhooks.jobs), callback=CALLBACK)

    webhooks.outbox.release(take(webhooks.outbox))

    assert [each.attempts for each in take(webhooks.other)] == [0]


def test_two_senders_share_the_deliveries(webhooks: Any) -> None:
    """At the same time, each delivery goes to one of them."""
    for number in range(12):
        key = f"req_{number}"
        host = f"host-{number}.example"
        webhooks.jobs.finish(
            result(key), attempt=claim(webhooks.jobs, key), callback=replace(CALLBACK, host=host)
        )
    with ThreadPoolExecutor(4) as pool:
        takes = [pool.submit(take, each) for each in (webhooks.outbox, webhooks.other) * 4]
        taken = [each.subject for found in takes for each in found.result()]

    assert sorted(taken) == sorted(set(taken))
    left = [each.subject for each in (*take(webhooks.outbox), *take(webhooks.other))]
    assert sorted([*taken, *left]) == sorted(f"req_{number}" for number in range(12))


def test_a_busy_host_leaves_room_for_others(webhooks: Any, clock: Any) -> None:
    """At most so many of one host are taken, and none while it has as many."""
    for number in range(6):
        key = f"req_{number}"
        webhooks.jobs.finish(
            result(key), attempt=claim(webhooks.jobs, key), callback=CALLBACK
        )  # fmt: skip
        clock.now += timedelta(milliseconds=1)
    webhooks.jobs.finish(
        result("req_9"), attempt=claim(webhooks.jobs, "req_9"), callback=replace(CALLBACK, host="b")
    )

    assert [each.subject for each in take(webhooks.outbox, **{CALLBACK.host: 4})] == ["req_9"]
    first = take(webhooks.outbox, **{CALLBACK.host: 1})
    assert [each.subject for each in first] == ["req_0", "req_1", "req_2"]


def test_a_failed_delivery_returns_after_its_delay(webhooks: Any, clock: Any) -> None:
    """With its attempts and the reason; a success ends it."""
    webhooks.jobs.finish(result(), attempt=claim(webhooks.jobs), callback=CALLBACK)
    (delivery,) = take(webhooks.outbox)

    webhooks.outbox.failed(delivery, "HTTP 500 한국어", timedelta(minutes=5))

    (found,) = webhooks.outbox.find(status=DeliveryStatus.PENDING)
    assert (found.attempts, found.last_error) == (1, "HTTP 500 한국어")
    assert found.next_attempt_at == NOW + timedelta(minutes=5)
    assert not take(webhooks.outbox)
    clock.now += timedelta(minutes=5)
    (again,) = take(webhooks.outbox)
    assert again.delivery_id == delivery.delivery_id
    webhooks.outbox.delivered([again])
    (done,) = webhooks.outbox.find()
    assert (done.status, done.attempts, done.last_error) == (DeliveryStatus.DELIVERED, 2, "")
    assert done.delivered_at == NOW + timedelta(minutes=5)
    assert done.next_attempt_at is None


def test_a_late_report_of_another_sender_changes_nothing(webhooks: Any, clock: Any) -> None:
    """A sender that hung longer than its lease comes second."""
    webhooks.jobs.finish(result(), attempt=claim(webhooks.jobs), callback=CALLBACK)
    (slow,) = take(webhooks.outbox)
    clock.now += LEASE
    (quick,) = take(webhooks.other)
    webhooks.other.delivered([quick])

    webhooks.outbox.failed(slow, "timed out", timedelta(seconds=5))

    (done,) = webhooks.outbox.find()
    assert (done.status, done.attempts) == (DeliveryStatus.DELIVERED, 1)


def test_a_dead_delivery_is_sent_again_on_request(webhooks: Any) -> None:
    """With a new day of attempts; an unknown one is not found."""
    webhooks.jobs.finish(result(), attempt=claim(webhooks.jobs), callback=CALLBACK)
    (delivery,) = take(webhooks.outbox)
    webhooks.outbox.failed(delivery, "HTTP 410", None)
    assert [each.status for each in webhooks.outbox.find()] == [DeliveryStatus.DEAD]
    assert not take(webhooks.outbox)

    assert webhooks.outbox.resend(delivery.delivery_id)
    assert not webhooks.outbox.resend("msg_unknown")

    (again,) = take(webhooks.outbox)
    assert (again.attempts, again.last_error) == (0, "")


def test_a_batch_is_due_once_all_have_ended(webhooks: Any) -> None:
    """One webhook, also with requests that were rejected before their claim."""
    members = {"batch_id": "batch_1", "batch_size": 3, "webhook_url": CALLBACK.url}
    attempts = {key: claim(webhooks.jobs, key, **members) for key in ("req_1", "req_2")}
    for key, attempt in attempts.items():
        webhooks.jobs.finish(result(key), attempt=attempt, callback=in_batch(3))
    assert not take(webhooks.outbox)
    (waiting,) = webhooks.outbox.find()
    assert waiting.is_waiting
    assert not webhooks.outbox.resend(waiting.delivery_id)

    webhooks.jobs.finish(result("req_3"), callback=in_batch(3))

    (delivery,) = take(webhooks.outbox)
    assert (delivery.subject, delivery.is_batch) == ("batch_1", True)
    rows = list(webhooks.outbox.batch("batch_1", CALLBACK.url))
    assert [each.request_id for each in rows] == ["req_1", "req_2", "req_3"]
    assert all(each.result() for each in rows)
    assert [each.batch_size for each in rows] == [3, 3, 3]


def test_a_batch_that_was_sent_is_not_due_again(webhooks: Any) -> None:
    """Whatever is stored for it later."""
    members = {"batch_id": "batch_1", "batch_size": 1, "webhook_url": CALLBACK.url}
    attempt = claim(webhooks.jobs, **members)
    webhooks.jobs.finish(result(), attempt=attempt, callback=in_batch(1))
    webhooks.outbox.delivered(take(webhooks.outbox))

    webhooks.jobs.finish(result(), attempt=attempt, callback=in_batch(1))
    webhooks.jobs.finish(result("req_2"), callback=in_batch(1))

    assert not take(webhooks.outbox)


@pytest.mark.parametrize(
    ("batch_id", "url"),
    [("batch_1", "https://hooks.example.com/A"), ("Batch_1", CALLBACK.url)],
    ids=["url", "id"],
)
def test_batches_of_two_programs_do_not_mix(webhooks: Any, batch_id: str, url: str) -> None:
    """They may have the same id; each webhook has the results of its own program only."""
    mine = in_batch(2)
    theirs = replace(mine, url=url, batch_id=batch_id)
    for key, callback in (("req_1", mine), ("req_2", theirs), ("req_3", mine)):
        fields = {"batch_id": callback.batch_id, "batch_size": 2, "webhook_url": callback.url}
        webhooks.jobs.finish(
            result(key), attempt=claim(webhooks.jobs, key, **fields), callback=callback
        )

    (delivery,) = take(webhooks.outbox)
    assert (delivery.subject, delivery.url) == ("batch_1", CALLBACK.url)
    rows = webhooks.outbox.batch(delivery.subject, delivery.url)
    assert [each.request_id for each in rows] == ["req_1", "req_3"]
    (waiting,) = [each for each in webhooks.outbox.find() if each.is_waiting]
    assert (waiting.subject, waiting.url) == (batch_id, url)


@pytest.mark.parametrize("size", [16])
def test_a_batch_whose_last_results_come_together_is_sent(webhooks: Any, size: int) -> None:
    """Each transaction sees the results of those before it, so one of them makes the batch due."""
    members = {"batch_id": "batch_1", "batch_size": size, "webhook_url": CALLBACK.url}
    keys = [f"req_{number}" for number in range(size)]
    attempts = [claim(webhooks.jobs, key, **members) for key in keys]

    def finish(pair: tuple[str, int]) -> bool:
        key, attempt = pair
        callback = in_batch(size)
        return bool(webhooks.jobs.finish(result(key), attempt=attempt, callback=callback))

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(finish, zip(keys, attempts, strict=True)))

    assert [each.subject for each in take(webhooks.outbox)] == ["batch_1"]


def test_the_rows_of_documents_are_read(webhooks: Any) -> None:
    """With the fields of the request; those of running requests have no result."""
    attempt = claim(webhooks.jobs)
    claim(webhooks.jobs, "req_2", batch_id="batch_2")
    webhooks.jobs.finish(result(), attempt=attempt, callback=CALLBACK)

    rows = webhooks.outbox.jobs(["req_1", "req_2", "req_3"])

    assert sorted(rows) == ["req_1", "req_2"]
    done, running = rows["req_1"], rows["req_2"]
    assert (done.user_id, done.problem_id, done.attempts) == ("user", "sum", 1)
    assert done.result().status is Status.COMPLETED
    assert (running.result(), running.batch_id) == (None, "batch_2")


def test_large_batches_are_read_completely(webhooks: Any) -> None:
    """Page by page, in the order of the ids."""
    keys = [f"req_{number:03}" for number in range(45)]
    for key in keys:
        claim(webhooks.jobs, key, batch_id="batch_1", webhook_url=CALLBACK.url)

    assert [each.request_id for each in webhooks.outbox.batch("batch_1", CALLBACK.url)] == keys


def test_old_deliveries_that_ended_are_deleted(webhooks: Any, clock: Any) -> None:
    """What is still to be sent stays."""
    for key in ("req_1", "req_2"):
        webhooks.jobs.finish(result(key), attempt=claim(webhooks.jobs, key), callback=CALLBACK)
        clock.now += timedelta(seconds=1)
    webhooks.outbox.delivered(take(webhooks.outbox, most=1))
    assert webhooks.outbox.prune(timedelta(days=30), 100) == 0

    clock.now += timedelta(days=31)

    assert webhooks.outbox.prune(timedelta(days=30), 100) == 1
    assert [each.subject for each in webhooks.outbox.find()] == ["req_2"]


def test_a_batch_that_waits_too_long_is_due_as_it_is(webhooks: Any, clock: Any) -> None:
    """Some of its requests were perhaps never sent; what comes later changes nothing."""
    webhooks.jobs.finish(result(), callback=in_batch(2))
    assert webhooks.outbox.end_waiting(timedelta(days=1), 100) == 0

    clock.now += timedelta(days=1, seconds=1)

    assert webhooks.outbox.end_waiting(timedelta(days=1), 100) == 1
    assert webhooks.outbox.end_waiting(timedelta(days=1), 100) == 0
    webhooks.outbox.delivered(take(webhooks.outbox))
    webhooks.jobs.finish(result("req_2"), callback=in_batch(2))
    assert not take(webhooks.outbox)
    (sent,) = webhooks.outbox.find()
    assert webhooks.outbox.resend(sent.delivery_id)
