"""Tasks that move the messages of a dead-letter queue to other queues; pure."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

#: The fastest that a task moves, which one without a rate does here.
MAX_MESSAGES_PER_SECOND = 500


class TaskStatus(StrEnum):
    """The states of a task in ListMessageMoveTasks."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class Move(Enum):
    """What became of moving one message."""

    DONE = "done"
    NO_MESSAGE = "no message"
    NO_DESTINATION = "no destination"  # none was given, and no redrive policy moved the message


@dataclass
class MoveTask:
    """
    A task of StartMessageMoveTask.

    Attributes:
        task_id: Its id.
        source_arn: The dead-letter queue.
        destination_arn: Where its messages go; empty returns each to the queue it came from.
        rate: Messages a second; None without a limit of the caller's.
        started_at: When it was started, in seconds of the caller's clock.
        started_ms: The same as milliseconds of the epoch.
        to_move: Messages that the dead-letter queue had then.
    """

    task_id: str
    source_arn: str
    destination_arn: str
    rate: int | None
    started_at: float
    started_ms: int
    to_move: int
    moved: int = 0
    status: TaskStatus = TaskStatus.RUNNING
    failure: str = ""

    @property
    def handle(self) -> str:
        """Identifies the task in CancelMessageMoveTask."""
        document = {"taskId": self.task_id, "sourceArn": self.source_arn}
        return b64encode(json.dumps(document).encode()).decode()

    def advance(self, now: float, move_one: Callable[[], Move]) -> None:
        """
        Move as many messages as the rate allows until now.

        Args:
            now: The time, in seconds.
            move_one: Moves one message.
        """
        allowed = 1 + int((now - self.started_at) * (self.rate or MAX_MESSAGES_PER_SECOND))
        while self.status is TaskStatus.RUNNING and self.moved < allowed:
            match move_one():
                case Move.DONE:
                    self.moved += 1
                case Move.NO_MESSAGE:
                    self.status = TaskStatus.COMPLETED
                case Move.NO_DESTINATION:
                    self.status, self.failure = TaskStatus.FAILED, "CouldNotDetermineMessageSource"

    def shown(self) -> dict[str, Any]:
        """Return its entry in ListMessageMoveTasks."""
        found: dict[str, Any] = {
            "Status": str(self.status),
            "SourceArn": self.source_arn,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "StartedTimestamp": self.started_ms,
        }
        if self.status is TaskStatus.RUNNING:
            found["TaskHandle"] = self.handle
        if self.destination_arn:
            found["DestinationArn"] = self.destination_arn
        if self.rate:
            found["MaxNumberOfMessagesPerSecond"] = self.rate
        if self.failure:
            found["FailureReason"] = self.failure
        return found


def source_of(handle: str) -> str:
    """Return the ARN of the dead-letter queue in the handle of a task; empty for no handle."""
    try:
        return str(json.loads(b64decode(handle, validate=True))["sourceArn"])
    except (ValueError, KeyError, TypeError):
        return ""
