"""`gradectl queue status`."""

from __future__ import annotations

from typing import Any

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.commands.queue_options import transport_option
from gradectl.commands.queue_transfer import no_queue
from gradectl.context import pass_context
from gradectl.errors import ExitCode, GradectlError
from gradectl.options import command
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.contract.names import REQUESTS_QUEUE, TransportName
from grader.errors import GraderError
from grader.ports.messages import QueueStatistics


@command("status", epilog="Example: gradectl queue status -e exams --output json")
@environment_option
@transport_option
@pass_context(CloudContext)
def status(app: CloudContext, *, environment: str | None, transport: TransportName | None) -> int:
    """
    Show the state of the request queue as web tiers read it.

    With --output json, the document is exactly `{"status": "success", "queue_info":
    {"messages_available": "3", "messages_in_flight": "1", "queue_url": "https://..."},
    "sqs_enabled": true}`. The numbers are strings, as SQS itself gives them. An environment with a
    broker has `"sqs_enabled": false` and no `queue_url`. After an error it is `{"status": "error",
    "message": "..."}`, and the exit code is that of the error.
    """
    try:
        target = select_environment(app, environment, transport)
        document = _document(target)
    except (GradectlError, GraderError) as error:
        app.ui.emit_exactly({"status": "error", "message": error.what}, Table((), (), "error"))
        raise
    info = document["queue_info"]
    rows = [["status", document["status"]], *([key, value] for key, value in info.items())]
    rows.append(["sqs_enabled", str(document["sqs_enabled"]).lower()])
    app.ui.emit_exactly(
        document, Table(("field", "value"), rows, f"{REQUESTS_QUEUE} of {target.name}")
    )
    return ExitCode.OK


def _document(target: EnvironmentClient) -> dict[str, Any]:
    """Read the counters of the request queue."""
    with target.broker("operator") as broker:
        counters = broker.inspector.statistics([REQUESTS_QUEUE]).get(REQUESTS_QUEUE)
        url = broker.url(REQUESTS_QUEUE)
    if counters is None:
        raise no_queue(target, REQUESTS_QUEUE)
    return {
        "status": "success",
        "queue_info": _info(counters, url),
        "sqs_enabled": target.transport is TransportName.SQS,
    }


def _info(counters: QueueStatistics, url: str) -> dict[str, str]:
    """Return the counters as strings; a queue of a broker has no URL."""
    counted = {
        "messages_available": str(counters.waiting),
        "messages_in_flight": str(counters.in_flight),
    }
    return {**counted, "queue_url": url} if url else counted
