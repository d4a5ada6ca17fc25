"""Behaviour of every reader of submissions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grader.ports.submissions import Place, SubmissionRow, WorkerActivity

NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)


def row(request_id: str = "req_1", **changes: Any) -> SubmissionRow:
    """The row of a running request with all fields set."""
    running = SubmissionRow(
        request_id=request_id,
        user_id="ann",
        problem_id="sum",
        language="python",
        status="running",
        attempts=1,
        created_at=NOW,
        updated_at=NOW,
        submitted_at=NOW - timedelta(seconds=3),
        batch_id="batch_1",
        batch_size=2,
        progress_json='{"phase": "compiling"}',
    )
    return replace(running, **changes)


def ended(request_id: str, status: str = "completed", **changes: Any) -> SubmissionRow:
    """The row of a request with a result."""
    return row(request_id, status=status, result_json='{"한국어": "😀"}', **changes)


def test_rows_are_read_by_id(submissions: Any) -> None:
    """Each with all of its fields; an id without a row is absent."""
    submissions.put(row())
    submissions.put(ended("req_2", function_id="hello", submitted_at=None))

    found = submissions.reader.rows(["req_1", "req_2", "req_3"])

    assert found == {
        "req_1": row(),
        "req_2": ended("req_2", function_id="hello", submitted_at=None),
    }
    assert submissions.reader.rows([]) == {}


def test_a_waiting_caller_sees_the_end_and_a_viewer_each_state(submissions: Any) -> None:
    """One statement for all of them; a running row that only ends matter of is not sent."""
    submissions.put(row("req_1"))
    submissions.put(row("req_2"))
    submissions.put(ended("req_3"))

    both = submissions.reader.watched({"req_1", "req_3"}, {"req_2", "req_4"})
    ends = submissions.reader.watched({"req_1", "req_3"}, set())

    assert set(both) == {"req_2", "req_3"}
    assert set(ends) == {"req_3"}
    assert submissions.reader.watched(set(), set()) == {}


def test_a_user_id_is_compared_exactly(submissions: Any) -> None:
    """Not by the rules of the database, for which these are the same."""
    for number, user in enumerate(("ann", "Ann", "ánn", "ann ")):
        submissions.put(row(f"req_{number}", user_id=user))

    assert [each.request_id for each in submissions.reader.newest("ann", 10)] == ["req_0"]


def test_pages_of_a_user_are_complete_and_newest_first(submissions: Any) -> None:
    """Also where several were created at the same time; runs of functions are not on them."""
    for number in range(5):
        submissions.put(row(f"req_{number}", created_at=NOW + timedelta(seconds=number // 2)))
    submissions.put(row("req_other", user_id="bob"))
    submissions.put(row("run_1", function_id="hello", created_at=NOW + timedelta(minutes=1)))

    first = submissions.reader.newest("ann", 2)
    place = Place(first[-1].created_at, first[-1].request_id)
    second = submissions.reader.newest("ann", 10, place)

    assert [each.request_id for each in (*first, *second)] == [
        *("req_4", "req_3", "req_2", "req_1", "req_0")
    ]
    assert len(submissions.reader.newest(None, 10)) == 6


def test_a_batch_has_its_requests(submissions: Any) -> None:
    """Those that were claimed."""
    submissions.put(row("req_2"))
    submissions.put(row("req_1"))
    submissions.put(row("req_3", batch_id=None))
    submissions.put(row("req_4", batch_id="Batch_1"))

    assert [each.request_id for each in submissions.reader.batch("batch_1")] == ["req_1", "req_2"]


def test_failures_are_the_newest_ones(submissions: Any) -> None:
    """By the time of the result."""
    for number in range(3):
        later = NOW + timedelta(seconds=number)
        submissions.put(ended(f"req_{number}", "failed", updated_at=later))
    submissions.put(ended("req_good"))

    found = submissions.reader.failures(2)

    assert [each.request_id for each in found] == ["req_2", "req_1"]


@pytest.mark.parametrize("since", [timedelta(0), timedelta(minutes=1)], ids=["old", "recent"])
def test_a_worker_is_seen_by_what_it_does(submissions: Any, since: timedelta) -> None:
    """Running requests are counted; a worker that did nothing since then is absent."""
    later = NOW + timedelta(minutes=2)
    submissions.put(row("req_1", updated_at=later), worker_id="one")
    submissions.put(ended("req_2"), worker_id="one")
    submissions.put(ended("req_3"), worker_id="two")
    submissions.put(ended("req_4", "failed"))

    found = submissions.reader.workers(NOW + since)

    one, two = WorkerActivity("one", 1, later), WorkerActivity("two", 0, NOW)
    assert found == ([one] if since else [one, two])


def test_a_reader_answers_a_ping(submissions: Any) -> None:
    """It raises if the database is away."""
    submissions.reader.ping()
