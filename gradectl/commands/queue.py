"""`gradectl queue`: inspect the queues without consuming messages."""

from __future__ import annotations

from gradectl.commands.queue_archive import export_queue, import_queue
from gradectl.commands.queue_inspect import inspect_queue
from gradectl.commands.queue_list import list_queues
from gradectl.commands.queue_move import delete, move, purge
from gradectl.commands.queue_pause import pause, resume
from gradectl.commands.queue_redrive import redrive
from gradectl.commands.queue_requeue import requeue
from gradectl.commands.queue_send import send, tail
from gradectl.commands.queue_status import status
from gradectl.commands.queue_trace import trace
from gradectl.options import group


@group("queue", epilog="Example: gradectl queue inspect grading-dlq")
def queue() -> None:
    """
    Inspect and repair the queues.

    The environment is that of --environment or GRADECTL_ENVIRONMENT; without both, the one whose
    local stack is running. To read, gradectl logs in as `operator` where the broker has this user,
    which may neither send messages nor create or delete queues; to change something, as the admin.

    With Amazon SQS the same commands work with the rights of your credentials. SQS shows a message
    only by receiving it: commands that read messages say so, hold what they receive, and return
    what they do not move; `gradectl queue inspect grading-dlq --sample 10` shows some. While an
    environment changes its transport both exist; then commands use the active one, and --transport
    names the other.
    """


for each in (
    *(list_queues, status, inspect_queue, trace, tail),
    *(redrive, requeue, move, delete, purge),
    *(export_queue, import_queue, send),
    *(pause, resume),
):
    queue.add_command(each)
