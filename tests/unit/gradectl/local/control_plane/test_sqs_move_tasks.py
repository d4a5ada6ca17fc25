"""The tasks that move dead letters, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Callable

from gradectl.local.control_plane.sqs_move_tasks import (
    Move,
    MoveTask,
    TaskStatus,
    source_of,
)

ARN = "arn:aws:sqs:ap-northeast-2:123456789012:grading-dlq"


def task(rate: int | None, *, to_move: int = 30) -> MoveTask:
    return MoveTask("1", ARN, "", rate, started_at=100, started_ms=7, to_move=to_move)


def moving(count: int) -> Callable[[], Move]:
    """Move messages of a queue that has so many."""
    moves = iter([Move.DONE] * count)
    return lambda: next(moves, Move.NO_MESSAGE)


def test_a_task_moves_as_fast_as_its_rate_allows() -> None:
    """It ends when the queue has no more."""
    found, move_one = task(10), moving(30)
    for now, moved in ((100, 1), (101, 11), (101.05, 11), (102, 21)):
        found.advance(now, move_one)
        assert (found.moved, found.status) == (moved, TaskStatus.RUNNING)

    found.advance(200, move_one)

    assert found.shown() == {
        "Status": "COMPLETED",
        "SourceArn": ARN,
        "ApproximateNumberOfMessagesMoved": 30,
        "ApproximateNumberOfMessagesToMove": 30,
        "MaxNumberOfMessagesPerSecond": 10,
        "StartedTimestamp": 7,
    }


def test_a_task_that_was_cancelled_moves_no_more() -> None:
    """Its handle is shown while it runs only."""
    found = task(None)
    assert source_of(found.shown()["TaskHandle"]) == ARN
    found.status = TaskStatus.CANCELLED
    found.advance(200, moving(30))

    assert found.moved == 0
    assert "TaskHandle" not in found.shown()


def test_a_message_without_a_source_fails_the_task() -> None:
    """Its reason is that of AWS."""
    found = task(None)
    found.advance(200, lambda: Move.NO_DESTINATION)

    assert found.shown()["Status"] == "FAILED"
    assert found.shown()["FailureReason"] == "CouldNotDetermineMessageSource"


def test_a_text_that_is_no_handle_has_no_source() -> None:
    """Nor has base64 of something else."""
    assert [source_of(each) for each in ("", "-", "YQ==", "e30=", "MQ==")] == [""] * 5
