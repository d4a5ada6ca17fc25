"""`gradectl queue`: inspect the queues without consuming messages."""

from __future__ import annotations

from gradectl.commands.queue_inspect import inspect_queue
from gradectl.commands.queue_list import list_queues
from gradectl.options import group


@group("queue", epilog="Example: gradectl queue inspect grading-dlq")
def queue() -> None:
    """
    Inspect the queues without consuming messages.

    The environment is that of --environment or GRADECTL_ENVIRONMENT; without both, the one whose
    local stack is running. gradectl logs in as `operator` where the broker has this user, which may
    neither send messages nor create or delete queues.
    """


queue.add_command(list_queues)
queue.add_command(inspect_queue)
