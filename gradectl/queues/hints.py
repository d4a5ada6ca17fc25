"""Turns the counters of queues into hints for troubleshooting; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.contract.names import DEAD_LETTER_QUEUE, RESULTS_QUEUE
from grader.ports.messages import QueueStatistics

#: The threshold of the alarm grading-queue-size-high.
_MANY = 100


@dataclass(frozen=True)
class Hint:
    """A problem and the next command or place to check; both empty without a problem."""

    text: str = ""
    next_step: str = ""

    def __str__(self) -> str:
        """Return both on one line."""
        return f"{self.text}: {self.next_step}" if self.next_step else self.text


def hints(  # noqa: PLR0913 - what hints depend on, named at the call
    queues: Mapping[str, QueueStatistics | None],
    environment: str,
    status_command: str,
    *,
    paused: str = "",
    transport: str = "",
    has_api: bool = False,
) -> dict[str, Hint]:
    """
    Return a hint for each queue.

    Args:
        queues: Counters by queue; None for a queue that does not exist.
        environment: Name of the environment, for commands.
        status_command: The command that shows the state of the environment.
        paused: Since when the workers are paused, and by whom; empty if they are not.
        transport: The transport of these queues, for commands; empty for the active one.
        has_api: Whether the environment has the HTTP API, whose users need no results queue.
    """
    is_working = any(
        counters.consumers or counters.in_flight
        for queue, counters in queues.items()
        if counters is not None and queue not in (RESULTS_QUEUE, DEAD_LETTER_QUEUE)
    )
    found = {}
    for queue, counters in queues.items():
        if counters is None:
            found[queue] = Hint("the queue does not exist", f"gradectl apply {environment}")
        elif queue == DEAD_LETTER_QUEUE:
            found[queue] = _dead_letter_hint(counters, environment, transport)
        elif queue == RESULTS_QUEUE:
            found[queue] = Hint() if has_api else _result_hint(counters)
        elif paused:
            waiting = f", {counters.waiting} waiting" if counters.waiting else ""
            found[queue] = Hint(f"{paused}{waiting}", f"gradectl queue resume -e {environment}")
        else:
            found[queue] = _request_hint(counters, status_command, is_working=is_working)
    return found


def _dead_letter_hint(counters: QueueStatistics, environment: str, transport: str) -> Hint:
    """Each message is a request that failed permanently."""
    if not counters.size:
        return Hint()
    inspect = f"gradectl queue inspect {DEAD_LETTER_QUEUE} -e {environment}"
    if transport:
        inspect += f" --transport {transport}"
    if counters.consumers is None:
        inspect += " --sample 10"  # Amazon SQS shows a message only by receiving it
    return Hint(f"{_messages(counters.size)} failed permanently", inspect)


def _result_hint(counters: QueueStatistics) -> Hint:
    """Results are consumed by the web tier."""
    if not counters.size or counters.consumers or counters.consumers is None:
        return Hint()
    text = f"{_messages(counters.size)} and no consumer"
    return Hint(text, "check the connection of the web tier")


def _request_hint(counters: QueueStatistics, status_command: str, *, is_working: bool) -> Hint:
    """
    Messages accumulate if no worker is connected, or if there are too few workers.

    A consumer that processes a message of one queue is not subscribed to the other.
    """
    if counters.consumers == 0 and not is_working:
        waiting = f", {counters.waiting} waiting" if counters.waiting else ""
        return Hint(f"0 consumers{waiting}: no worker is connected", status_command)
    if counters.consumers is None and counters.waiting > _MANY and not is_working:
        return Hint(f"{counters.waiting} waiting and none in flight", status_command)
    if counters.waiting > _MANY:
        return Hint("too few workers", "raise ecs_max_capacity or ecs_task_cpu")
    return Hint()


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"
