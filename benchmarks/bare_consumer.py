"""
A consumer with nothing around it: the baseline of `worker_messages_per_second`.

It has the settings of a worker. For each request it commits a result and the acknowledgement in one
transaction, and waits for the receipt.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.ssm import open_parameter_store
from grader.contract.messages import Grade, GradingResult
from grader.contract.verdicts import Status, Verdict
from grader.settings import WorkerSettings, load

_SECONDS = 3600.0


def main() -> None:
    """Answer requests until the process is ended."""
    settings = load(WorkerSettings)
    names = (settings.mq_endpoint_param, settings.mq_username_param, settings.mq_password_param)
    values = open_parameter_store(settings.aws_region).get_many(names)
    endpoint, user, password = (values[name] for name in names)
    answer(connect([endpoint], user, password), settings)


def answer(connection: Connection, settings: WorkerSettings) -> None:
    """Answer each request with the same result."""
    connection.subscribe(settings.queue_name)
    while (frame := connection.next_frame(_SECONDS)) is not None:
        request_id = json.loads(frame.body)["requestId"]
        result = GradingResult(
            request_id=request_id,
            status=Status.COMPLETED,
            result=Grade(verdict=Verdict.ACCEPTED, score=100, execution_time=1, memory_usage=1),
            timestamp=datetime.now(UTC),
        )
        headers = {"correlation-id": request_id, "content-type": "application/json"}
        with connection.transaction() as transaction:
            transaction.send(settings.result_queue_name, result.to_json(), headers)
            transaction.ack(frame.ack_id)


if __name__ == "__main__":
    main()
