"""What the counters of a queue say to somebody who wonders why nothing happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.contract.names import DEAD_LETTER_QUEUE, RESULTS_QUEUE
from grader.ports.messages import QueueStatistics

#: The size at which the alarm grading-queue-size-high fires.
_MANY = 100


@dataclass(frozen=True)
class Hint:
    """One sentence, and the command or place to go to next; both empty when all is well."""

    text: str = ""
    next_step: str = ""

    def __str__(self) -> str:
        """Give both on one line."""
        return f"{self.text}: {self.next_step}" if self.next_step else self.text


def hints(
    queues: Mapping[str, QueueStatistics | None], environment: str, look_at: str
) -> dict[str, Hint]:
    """
    Read the counters of all queues.

    Args:
        queues: What the broker says of each; None where there is no such queue.
        environment: For the commands in the answers.
        look_at: Command that shows whether the environment's parts run.
    """
    working = any(
        counters.consumers or counters.in_flight
        for queue, counters in queues.items()
        if counters is not None and queue not in (RESULTS_QUEUE, DEAD_LETTER_QUEUE)
    )
    found = {}
    for queue, counters in queues.items():
        if counters is None:
            found[queue] = Hint("no such queue", f"gradectl apply {environment}")
        elif queue == DEAD_LETTER_QUEUE:
            found[queue] = _of_dead_letters(counters, environment)
        elif queue == RESULTS_QUEUE:
            found[queue] = _of_results(counters)
        else:
            found[queue] = _of_requests(counters, look_at, working=working)
    return found


def _of_dead_letters(counters: QueueStatistics, environment: str) -> Hint:
    """Anything in here is a request that failed for good."""
    if not counters.size:
        return Hint()
    inspect = f"gradectl queue inspect {DEAD_LETTER_QUEUE} -e {environment}"
    return Hint(f"{_messages(counters.size)} could not be done", inspect)


def _of_results(counters: QueueStatistics) -> Hint:
    """Results are for the web tier; nobody else may take them."""
    if not counters.size or counters.consumers:
        return Hint()
    return Hint(f"nobody takes {_messages(counters.size)}", "look at the web tier's connection")


def _of_requests(counters: QueueStatistics, look_at: str, *, working: bool) -> Hint:
    """
    Messages pile up when no worker listens, or when there are too few workers.

    A worker that is busy with one queue does not listen to the other.
    """
    if not counters.consumers and not working:
        waiting = f" and {counters.waiting} waiting" if counters.waiting else ""
        return Hint(f"0 consumers{waiting}: no worker listens", look_at)
    if counters.waiting > _MANY:
        return Hint("workers fall behind", "raise ecs_max_capacity or ecs_task_cpu")
    return Hint()


def _messages(count: int) -> str:
    """Count messages in words."""
    return "1 message" if count == 1 else f"{count} messages"
