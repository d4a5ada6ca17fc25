"""Plans of redrives: where each dead letter goes, and which stay."""

from __future__ import annotations

import pytest

from gradectl.queues.transfer import MOST_REDRIVES, RedriveRules, moved, plan_move, redriven
from grader.contract.names import QUEUES
from grader.ports.messages import QueuedMessage

NOW = 1_000_000
DLQ = "grading-dlq"


def dead(number: int = 1, **headers: str) -> QueuedMessage:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return QueuedMessage(f"ID:{number}", NOW - 1000, b'{"requestId": "req_1"}', named)


OURS = {"x-gradectl-original-queue": "grading-priority", "x-gradectl-reason-code": "INTERNAL_ERROR"}


@pytest.mark.parametrize(
    ("headers", "to", "destination"),
    [
        (OURS, "", "grading-priority"),
        ({"original-destination": "/queue/grading-requests"}, "", "grading-requests"),
        (OURS, "grading-requests", "grading-requests"),
        ({}, "grading-requests", "grading-requests"),
    ],
)
def test_a_dead_letter_goes_where_it_came_from(
    headers: dict[str, str], to: str, destination: str
) -> None:
    """By our header, or by that of the broker; --to overrides both."""
    plan = RedriveRules(QUEUES, to).plan(DLQ, [dead(**headers)], NOW)

    assert [each.destination for each in plan.moves] == [destination]
    assert dict(plan.destinations) == {destination: 1}


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "unknown"),
        ({"x-gradectl-original-queue": DLQ}, "itself"),
        ({"x-gradectl-original-queue": "grading-results"}, "result"),
        ({"x-gradectl-original-queue": "grading-old"}, "does not exist"),
        ({**OURS, "x-gradectl-redrives": str(MOST_REDRIVES)}, "3 times before: --force"),
    ],
)
def test_what_cannot_be_put_back_stays_with_the_reason(headers: dict[str, str], why: str) -> None:
    """The others go all the same."""
    plan = RedriveRules(QUEUES).plan(DLQ, [dead(1, **headers), dead(2, **OURS)], NOW)

    assert [each.view.message_id for each in plan.moves] == ["ID:2"]
    (held,) = plan.held_back
    assert held.view.message_id == "ID:1"
    assert why in held.why


def test_force_puts_back_what_came_back_before() -> None:
    """And nothing else that is held back."""
    often = {**OURS, "x-gradectl-redrives": "7"}

    plan = RedriveRules(QUEUES, force=True).plan(DLQ, [dead(1, **often), dead(2)], NOW)

    assert [each.view.message_id for each in plan.moves] == ["ID:1"]


def test_a_redriven_message_begins_anew_and_counts_its_redrives() -> None:
    """Without reason and attempts; with its first id, so that it is recognised."""
    headers = {
        **OURS,
        "x-gradectl-attempt": "3",
        "x-gradectl-first-seen": "2026",
        "x-gradectl-redrives": "1",
        "priority": "7",
    }
    headers |= {"x-gradectl-original-id": "ID:0", "message-id": "ID:1", "expires": "0", "x-a": "b"}

    copy = redriven(dead(**headers), DLQ, "grading-priority")

    assert copy.queue == "grading-priority"
    assert copy.headers == {
        "priority": "7",
        "x-a": "b",
        "x-gradectl-original-id": "ID:0",
        "x-gradectl-original-queue": "grading-priority",
        "x-gradectl-redrives": "2",
    }


@pytest.mark.parametrize("count", ["", "-1", "many", "²"])
def test_a_malformed_count_of_redrives_is_none(count: str) -> None:
    """Headers come from any program."""
    copy = redriven(dead(**{"x-gradectl-redrives": count}), DLQ, "grading-requests")

    assert copy.headers["x-gradectl-redrives"] == "1"


def test_a_moved_message_keeps_where_it_was_first() -> None:
    """So that it can be put back."""
    copy = moved(dead(), "grading-requests", "held")
    again = moved(QueuedMessage("ID:2", NOW, b"", copy.headers), "held", "held-2")

    assert copy.headers["x-gradectl-original-id"] == "ID:1"
    assert again.headers == copy.headers
    assert again.headers["x-gradectl-original-queue"] == "grading-requests"


def test_a_deletion_has_no_destination() -> None:
    """An empty name."""
    plan = plan_move(DLQ, [dead()], NOW, "")

    assert [each.destination for each in plan.moves] == [""]
