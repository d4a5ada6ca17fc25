"""Counters become sentences that say where to look next."""

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


def said(**changed: QueueStatistics | None) -> dict[str, str]:
    """The hints for idle queues, but for those given by the last word of their name."""
    queues = {name: changed.get(name.removeprefix("grading-"), IDLE) for name in QUEUES}
    found = hints(queues, "local", "gradectl local status")
    return {name.removeprefix("grading-"): str(hint) for name, hint in found.items()}


def test_idle_queues_need_no_hint() -> None:
    """No news is good news."""
    assert set(said().values()) == {""}


def test_waiting_requests_without_a_worker_lead_to_the_workers() -> None:
    """The first question of a runbook: does anybody listen?"""
    alone = replace(IDLE, size=12, consumers=0)

    found = said(requests=alone, priority=replace(IDLE, consumers=0))

    assert found["requests"] == (
        "0 consumers and 12 waiting: no worker listens: gradectl local status"
    )
    assert found["priority"] == "0 consumers: no worker listens: gradectl local status"


def test_a_worker_that_is_busy_with_the_other_queue_is_not_missed() -> None:
    """A slot listens to nothing while it works; that is no reason for alarm."""
    busy = replace(IDLE, size=1, in_flight=1)

    assert said(requests=replace(IDLE, consumers=0, size=3), priority=busy)["requests"] == ""


def test_many_waiting_requests_mean_too_few_workers() -> None:
    """The threshold is that of the alarm."""
    assert said(requests=replace(IDLE, size=100))["requests"] == ""
    assert said(requests=replace(IDLE, size=101))["requests"].startswith("workers fall behind")


def test_dead_letters_lead_to_their_inspection() -> None:
    """The command is complete, with the environment."""
    inspect = "gradectl queue inspect grading-dlq -e local"

    assert said(dlq=replace(IDLE, size=1))["dlq"] == f"1 message could not be done: {inspect}"
    assert said(dlq=replace(IDLE, size=2))["dlq"] == f"2 messages could not be done: {inspect}"


def test_results_that_nobody_takes_are_mentioned() -> None:
    """With a consumer they are on their way."""
    assert said(results=replace(IDLE, size=4)) == said()
    lonely = said(results=replace(IDLE, size=4, consumers=0))["results"]
    assert lonely == "nobody takes 4 messages: look at the web tier's connection"


def test_a_missing_queue_leads_to_apply() -> None:
    """It must not be made by a producer's first message."""
    assert said(results=None)["results"] == "no such queue: gradectl apply local"


def test_every_queue_of_the_contract_is_known() -> None:
    """A hint exists for each of the four names."""
    assert set(QUEUES) == {REQUESTS_QUEUE, PRIORITY_QUEUE, RESULTS_QUEUE, DEAD_LETTER_QUEUE}
