"""Tests for `gradectl.transports.draining`."""

from __future__ import annotations

from gradectl.transports.draining import DrainWatch, QueueCount, queue_counts, summary, total
from grader.contract.names import QUEUES
from grader.ports.messages import QueueStatistics

REQUESTS = "grading-requests"
EMPTY = {REQUESTS: QueueCount()}


def requests(waiting: int = 0, **more: int) -> dict[str, QueueCount]:
    """Counts of the queue of requests."""
    return {REQUESTS: QueueCount(waiting=waiting, **more)}


def test_a_transport_is_empty_only_after_a_quiet_time() -> None:
    """The counts of SQS are approximate, and a producer may pause."""
    watch = DrainWatch(quiet_seconds=60)

    assert not watch.look(EMPTY, 0)
    assert not watch.look(EMPTY, 59)
    assert watch.look(EMPTY, 60)
    assert watch.quiet_for(60) == 60


def test_a_message_begins_the_quiet_time_anew() -> None:
    """Also one that a worker holds, or that is delayed."""
    for count in (requests(1), requests(in_flight=1), requests(delayed=1)):
        watch = DrainWatch(quiet_seconds=60)
        watch.look(EMPTY, 0)
        watch.look(count, 50)

        assert not watch.look(EMPTY, 70)
        assert watch.look(EMPTY, 130)


def test_results_and_dead_letters_count_as_well() -> None:
    """They are lost with the broker like requests."""
    for queue in ("grading-results", "grading-dlq"):
        watch = DrainWatch(quiet_seconds=0)

        assert not watch.look({queue: QueueCount(waiting=1)}, 0)


def test_a_retry_is_no_new_request() -> None:
    """It is in flight, then delayed, then waits again."""
    watch = DrainWatch(quiet_seconds=60)
    for at, count in enumerate(
        [
            requests(2, enqueued=2),
            requests(1, in_flight=1, enqueued=2),
            requests(1, delayed=1, enqueued=2),
            requests(2, enqueued=3),
            requests(0, in_flight=1, enqueued=3),
            requests(enqueued=3),
        ]
    ):
        watch.look(count, at)

    assert not watch.arrived


def test_a_request_that_arrives_is_counted() -> None:
    """Also one that workers take before it is seen waiting: the counter of the broker has it."""
    watch = DrainWatch(quiet_seconds=60)
    watch.look(requests(1, enqueued=5), 0)
    watch.look(requests(4, enqueued=8), 1)
    watch.look(requests(enqueued=8), 2)
    watch.look(requests(enqueued=9), 3)

    assert watch.arrived == {REQUESTS: 4}
    assert watch.quiet_for(3) is None


def test_counters_that_begin_anew_are_no_arrival() -> None:
    """A broker counts from its start."""
    watch = DrainWatch(quiet_seconds=0)
    watch.look(requests(enqueued=9), 0)

    assert watch.look(requests(enqueued=0), 1)
    assert not watch.arrived


def test_the_time_without_progress_is_known() -> None:
    """No worker consumes the old transport, or all of them are paused."""
    watch = DrainWatch(quiet_seconds=0)
    watch.look(requests(2), 0)
    watch.look(requests(1), 10)
    watch.look(requests(1), 40)

    assert watch.stalled_for(40) == 30
    watch.look(EMPTY, 50)
    assert watch.stalled_for(90) == 0


def test_counts_join_the_counters_with_the_delayed_messages() -> None:
    """A queue of ActiveMQ exists from its first message on; retries of it may be delayed."""
    found = QueueStatistics(
        queue=REQUESTS, size=5, in_flight=2, consumers=1, producers=0, enqueued=9, dequeued=4,
        expired=0, taken_at_ms=0,
    )  # fmt: skip
    counts = queue_counts({REQUESTS: found}, {REQUESTS: 3, "grading-priority": 1})

    assert set(counts) == set(QUEUES)
    assert (total(counts), total(counts, [REQUESTS])) == (9, 8)
    assert summary(counts) == (
        "grading-requests 8 (2 in flight, 3 delayed), grading-priority 1 (1 delayed)"
    )
    assert summary({}) == "empty"
