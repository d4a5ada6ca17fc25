"""Counters of queues become hints with a next step."""

from __future__ import annotations

from dataclasses import replace

from gradectl.queues.hints import hints
from grader.contract.names import (
    DEAD_LETTER_QUEUE,
    PRIORITY_QUEUE,
    QUEUES,
    REQUESTS_QUEUE,
    RESULTS_QUEUE,
)
from grader.ports.messages import QueueStatistics

IDLE = QueueStatistics(
    queue="", size=0, in_flight=0, consumers=1, producers=0, enqueued=0, dequeued=0, expired=0,
    taken_at_ms=0,
)  # fmt: skip


def hint_texts(**changed: QueueStatistics | None) -> dict[str, str]:
    """Return the hints by the last word of each queue name; the other queues are idle."""
    queues = {name: changed.get(name.removeprefix("grading-"), IDLE) for name in QUEUES}
    found = hints(queues, "local", "gradectl local status")
    return {name.removeprefix("grading-"): str(hint) for name, hint in found.items()}


def test_idle_queues_need_no_hint() -> None:
    """They are empty."""
    assert set(hint_texts().values()) == {""}


def test_waiting_requests_without_a_worker_lead_to_the_status() -> None:
    """The next step shows whether workers run."""
    no_consumer = replace(IDLE, size=12, consumers=0)

    found = hint_texts(requests=no_consumer, priority=replace(IDLE, consumers=0))

    assert found["requests"] == (
        "0 consumers, 12 waiting: no worker is connected: gradectl local status"
    )
    assert found["priority"] == "0 consumers: no worker is connected: gradectl local status"


def test_a_worker_that_is_busy_with_the_other_queue_is_no_problem() -> None:
    """A consumer has no subscription while it processes a message."""
    busy = replace(IDLE, size=1, in_flight=1)

    assert hint_texts(requests=replace(IDLE, consumers=0, size=3), priority=busy)["requests"] == ""


def test_many_waiting_requests_mean_too_few_workers() -> None:
    """With the threshold of the alarm."""
    assert hint_texts(requests=replace(IDLE, size=100))["requests"] == ""
    assert hint_texts(requests=replace(IDLE, size=101))["requests"].startswith("too few workers")


def test_dead_letters_lead_to_their_inspection() -> None:
    """With the complete command."""
    inspect = "gradectl queue inspect grading-dlq -e local"

    assert (
        hint_texts(dlq=replace(IDLE, size=1))["dlq"] == f"1 message failed permanently: {inspect}"
    )
    assert (
        hint_texts(dlq=replace(IDLE, size=2))["dlq"] == f"2 messages failed permanently: {inspect}"
    )


def test_dead_letters_on_sqs_lead_to_a_sample() -> None:
    """Without it the command shows only counters; the transport is named where it is not active."""
    dead = {DEAD_LETTER_QUEUE: replace(IDLE, size=1, consumers=None)}

    active = hints(dead, "dev", "")[DEAD_LETTER_QUEUE].next_step
    other = hints(dead, "dev", "", transport="sqs")[DEAD_LETTER_QUEUE].next_step

    assert active == "gradectl queue inspect grading-dlq -e dev --sample 10"
    assert other == "gradectl queue inspect grading-dlq -e dev --transport sqs --sample 10"


def test_requests_on_sqs_that_none_receives_lead_to_the_status() -> None:
    """More workers do not help where none runs."""
    waiting = replace(IDLE, size=101, consumers=None)
    busy = replace(waiting, size=102, in_flight=1)

    found = hints({REQUESTS_QUEUE: waiting}, "dev", "gradectl smoke dev")[REQUESTS_QUEUE]
    loaded = hints({REQUESTS_QUEUE: busy}, "dev", "gradectl smoke dev")[REQUESTS_QUEUE]

    assert str(found) == "101 waiting and none in flight: gradectl smoke dev"
    assert loaded.text == "too few workers"


def test_results_without_a_consumer_have_a_hint() -> None:
    """A consumer will receive them."""
    assert hint_texts(results=replace(IDLE, size=4)) == hint_texts()
    text = hint_texts(results=replace(IDLE, size=4, consumers=0))["results"]
    assert text == "4 messages and no consumer: check the connection of the web tier"


def test_results_without_a_consumer_are_usual_with_the_api() -> None:
    """Its users read them there."""
    queues = {RESULTS_QUEUE: replace(IDLE, size=4, consumers=0)}

    assert hints(queues, "local", "gradectl local status", has_api=True)[RESULTS_QUEUE].text == ""


def test_a_missing_queue_leads_to_apply() -> None:
    """A producer must not create it by its first message."""
    assert hint_texts(results=None)["results"] == "the queue does not exist: gradectl apply local"


def test_every_queue_of_the_contract_has_a_hint() -> None:
    """The four names are covered."""
    assert set(QUEUES) == {REQUESTS_QUEUE, PRIORITY_QUEUE, RESULTS_QUEUE, DEAD_LETTER_QUEUE}
