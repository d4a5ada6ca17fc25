"""Reads rows for concurrent calls with few statements."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from grader.api.errors import ApiError
from grader.api.remote import RemoteService
from grader.errors import GraderError
from grader.ports.submissions import SubmissionReader, SubmissionRow

_MOST_AT_ONCE = 500


class RowLoader:
    """
    Collects the ids that are asked for while a statement runs, and reads them with the next one.

    Args:
        reader: The rows.
        database: Runs the statements.
    """

    def __init__(self, reader: SubmissionReader, database: RemoteService) -> None:
        self._reader = reader
        self._database = database
        self._wanted: dict[str, list[asyncio.Future[SubmissionRow | None]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def load(self, request_id: str) -> SubmissionRow | None:
        """
        Read the row of a request; None without one.

        Raises:
            ApiError: 503 if the database is away.
        """
        future: asyncio.Future[SubmissionRow | None] = asyncio.get_running_loop().create_future()
        self._wanted.setdefault(request_id, []).append(future)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return await future

    async def _read(self) -> None:
        try:
            while self._wanted:
                ids = list(self._wanted)[:_MOST_AT_ONCE]
                waiting = {each: self._wanted.pop(each) for each in ids}
                await self._answer(waiting)
        finally:
            self._reading = None

    async def _answer(self, waiting: dict[str, list[asyncio.Future[SubmissionRow | None]]]) -> None:
        found: dict[str, SubmissionRow] = {}
        failure: Exception | None = None
        try:
            found = dict(await self._database.call(lambda: self._reader.rows(waiting)))
        except (ApiError, GraderError) as error:
            failure = error
        for request_id, futures in waiting.items():
            for future in futures:
                with suppress(asyncio.InvalidStateError):  # its caller has left
                    if failure is None:
                        future.set_result(found.get(request_id))
                    else:
                        future.set_exception(failure)
