"""What SQS itself does to whole queues, on an emulated account in this process."""

from __future__ import annotations

from typing import Any

import pytest
from sqs_queues import DEAD, REQUESTS, RESULTS, SqsQueues

from gradectl.local.control_plane.patch_sqs import patch_sqs


@pytest.fixture
def queues(dev: Any) -> SqsQueues:
    """The queues of `dev`, in an SQS that has message move tasks."""
    patch_sqs()
    return SqsQueues(dev)


def test_sqs_moves_a_whole_queue(queues: SqsQueues) -> None:
    """After a warning that nothing is reopened; the plan alone changes nothing."""
    for number in range(3):
        queues.dead_letter(number)
    command = ("queue", "redrive", "-e", "dev", "--native", "--to", REQUESTS)

    planned = queues.dev.gradectl(*command, "-o", "json")
    before = queues.waiting(DEAD)
    done = queues.dev.gradectl("--yes", *command, "--apply", "-o", "json")

    assert planned.code == 0, planned.stderr
    assert (planned.document["applied"], before) == (False, 3)
    assert "old failure" in planned.stderr
    assert done.code == 0, done.stderr
    assert (done.document["status"], done.document["moved"]) == ("COMPLETED", 3)
    assert (queues.waiting(DEAD), queues.waiting(REQUESTS)) == (0, 3)


def test_a_running_move_is_cancelled(queues: SqsQueues) -> None:
    """One that does not run is an error."""
    for number in range(9):
        queues.dead_letter(number)
    queues.client.start_message_move_task(
        SourceArn=queues.arn(DEAD),
        DestinationArn=queues.arn(REQUESTS),
        MaxNumberOfMessagesPerSecond=1,
    )

    done = queues.dev.gradectl("queue", "redrive", "-e", "dev", "--cancel", "-o", "json")
    again = queues.dev.gradectl("queue", "redrive", "-e", "dev", "--cancel")

    assert done.code == 0, done.stderr
    assert done.document["status"] == "CANCELLED"
    assert again.code == 1
    assert "no move of grading-dlq is running" in again.stderr


def test_a_queue_is_purged_at_once_and_then_not_for_a_minute(queues: SqsQueues) -> None:
    """Only by its name, and without an export."""
    queues.send(RESULTS, "a")
    purge = ("queue", "purge", RESULTS, "-e", "dev", "--native")

    refused = queues.dev.gradectl(*purge, "--confirm", DEAD)
    dry = queues.dev.gradectl("--dry-run", *purge, "--confirm", RESULTS)
    left = queues.waiting(RESULTS)
    done = queues.dev.gradectl(*purge, "--confirm", RESULTS, "-o", "json")
    again = queues.dev.gradectl(*purge, "--confirm", RESULTS)

    assert (refused.code, dry.code, left) == (5, 0, 1)
    assert done.code == 0, done.stderr
    assert (done.document["verb"], done.document["to_move"]) == ("purge", 1)
    assert queues.waiting(RESULTS) == 0
    assert again.code == 75
    assert "less than 60 seconds ago" in again.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("redrive", "--native", "--reason", "INTERNAL_ERROR"),
        ("redrive", "--native", "--limit", "3"),
        ("purge", DEAD, "--native", "--export", "file"),
    ],
)
def test_sqs_chooses_no_messages(queues: SqsQueues, arguments: tuple[str, ...]) -> None:
    """Options that would need it are refused."""
    assert queues.dev.gradectl("queue", *arguments, "-e", "dev").code == 64
