"""Messages are selected by id, age, reason and an expression."""

from __future__ import annotations

import json

import pytest

from gradectl.errors import UsageError
from gradectl.queues.selection import Selection
from grader.ports.messages import QueuedMessage

NOW = 1_000_000


def dead(number: int, *, age_seconds: int = 0, reason: str = "", **body: object) -> QueuedMessage:
    headers = {"x-gradectl-reason-code": reason} if reason else {}
    sent = NOW - age_seconds * 1000
    return QueuedMessage(f"ID:{number}", sent, json.dumps(body).encode(), headers)


QUEUE = [
    dead(1, age_seconds=3600, reason="INTERNAL_ERROR", language="python", timeLimit=5000),
    dead(2, age_seconds=60, reason="UNKNOWN_LANGUAGE", language="ruby"),
    QueuedMessage("ID:3", NOW, b"\xff", {"x-note": "by hand"}),
]


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        (Selection(), [1, 2, 3]),
        (Selection(ids=frozenset({"ID:2", "ID:9"})), [2]),
        (Selection(older_than_seconds=60), [1, 2]),
        (Selection(reasons=frozenset({"INTERNAL_ERROR"})), [1]),
        (Selection(most=2), [1, 2]),
        (Selection(where="body.language == 'ruby'"), [2]),
        (Selection(where="body.timeLimit > `1000`"), [1]),
        (Selection(where="headers.\"x-note\" == 'by hand'"), [3]),
        (Selection(where="body.language"), [1, 2]),
        (Selection(where="body.language", older_than_seconds=61), [1]),
        (Selection(where="starts_with(about, 'UNKNOWN')", most=1), [2]),
    ],
)
def test_all_conditions_must_hold(selection: Selection, ids: list[int]) -> None:
    """Fields that a message lacks are null, so an expression over them is false."""
    picked = selection.pick(QUEUE, NOW)

    assert [each.message_id for each in picked] == [f"ID:{number}" for number in ids]


@pytest.mark.parametrize("where", ["body.language ==", "nothing(@)", "length(`1`)"])
def test_an_invalid_expression_exits_with_64(where: str) -> None:
    """Also one that fails only when it is evaluated."""
    with pytest.raises(UsageError) as raised:
        Selection(where=where).pick(QUEUE, NOW)

    assert "--where" in raised.value.where
    assert "\n" not in raised.value.what
    assert "JMESPath" in raised.value.next_step


def test_no_condition_selects_everything() -> None:
    """Such a deletion is refused."""
    assert Selection().everything
    assert not Selection(most=1).everything
