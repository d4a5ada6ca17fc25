"""The overview of an operator: queues, workers, latest failures, and commands to copy."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from grader.api.errors import ApiError
from grader.api.models import (
    OperatorCommand,
    OperatorFailure,
    OperatorOverview,
    OperatorQueue,
    OperatorWorker,
)
from grader.api.queue_monitor import QueueMonitor
from grader.api.remote import RemoteService
from grader.api.views import readable_result
from grader.ports.submissions import SubmissionReader, SubmissionRow

_T = TypeVar("_T")
_SEEN = timedelta(minutes=10)
_FAILURES = 20
_COMMANDS = {
    "State of the environment, and the next command": "gradectl status {environment}",
    "Causes of known symptoms": "gradectl doctor {environment}",
    "Queues": "gradectl queue list -e {environment}",
    "What happened to a request": "gradectl queue trace -e {environment} REQUEST_ID",
    "Dead letters": "gradectl queue inspect -e {environment} grading-dlq",
    "Logs of the workers": "gradectl logs {environment} --follow",
}


class Operator:
    """
    Collects the overview.

    Args:
        environment: Name of the environment.
        queues: Counters of the queues.
        reader: The rows.
        database: Runs the statements.
    """

    def __init__(
        self,
        environment: str,
        queues: QueueMonitor,
        reader: SubmissionReader,
        database: RemoteService,
    ) -> None:
        self._environment = environment
        self._queues = queues
        self._reader = reader
        self._database = database

    async def overview(self) -> OperatorOverview:
        """Read what answers; the rest is None, and its service is named in `away`."""
        queues, rows = await asyncio.gather(
            _unless_away(self._counters()), _unless_away(self._rows())
        )
        return OperatorOverview(
            queues=queues,
            workers=rows and rows[0],
            failures=rows and rows[1],
            away=[
                *(["queues"] if queues is None else []),
                *(["database"] if rows is None else []),
            ],
            commands=[
                OperatorCommand(title=title, command=text.format(environment=self._environment))
                for title, text in _COMMANDS.items()
            ],
        )

    async def _counters(self) -> list[OperatorQueue]:
        return [
            OperatorQueue(
                name=each.queue,
                waiting=each.waiting,
                in_flight=each.in_flight,
                consumers=each.consumers,
            )
            for each in (await self._queues.statistics()).values()
        ]

    async def _rows(self) -> tuple[list[OperatorWorker], list[OperatorFailure]]:
        since = datetime.now(UTC) - _SEEN
        workers, failures = await asyncio.gather(
            self._database.call(lambda: self._reader.workers(since)),
            self._database.call(lambda: self._reader.failures(_FAILURES)),
        )
        active = [
            OperatorWorker(
                worker_id=each.worker_id, running=each.running, last_seen_at=each.last_seen_at
            )
            for each in workers
        ]
        return active, [_failure(row) for row in failures]


async def _unless_away(part: Coroutine[Any, Any, _T]) -> _T | None:
    """Read a part; None if its service is away."""
    try:
        return await part
    except ApiError:
        return None


def _failure(row: SubmissionRow) -> OperatorFailure:
    result = readable_result(row)
    error = result.error if result else None
    return OperatorFailure(
        request_id=row.request_id,
        user_id=row.user_id,
        problem_id=row.problem_id,
        code=error.code if error else "",
        message=error.message if error else "",
        at=row.updated_at,
    )
