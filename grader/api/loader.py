"""Reads values for concurrent calls, many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class BatchLoader(Generic[_Value]):
    """
    Collects the keys that are asked for while a read runs, and reads them with the next one.

    Args:
        read: Reads keys; those that do not exist are absent from its answer.
        most_at_once: Most keys of one read.
        pause_seconds: Time from the end of a read to the next one.
    """

    def __init__(
        self,
        read: Callable[[Sequence[str]], Awaitable[Mapping[str, _Value]]],
        *,
        most_at_once: int,
        pause_seconds: float = 0.0,
    ) -> None:
        self._read = read
        self._most_at_once = most_at_once
        self._pause_seconds = pause_seconds
        self._wanted: dict[str, list[asyncio.Future[_Value | None]]] = {}
        self._reading: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many keys wait for the next read."""
        return len(self._wanted)

    async def load(self, key: str) -> _Value | None:
        """Read a value, None if there is none; raises what the read of its batch raised."""
        future: asyncio.Future[_Value | None] = asyncio.get_running_loop().create_future()
        self._wanted.setdefault(key, []).append(future)
        if self._reading is None:
            self._reading = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._wanted:
                keys = list(self._wanted)[: self._most_at_once]
                await self._answer({key: self._wanted.pop(key) for key in keys})
                await asyncio.sleep(self._pause_seconds)
        finally:
            self._reading = None

    async def _answer(self, waiting: dict[str, list[asyncio.Future[_Value | None]]]) -> None:
        found: Mapping[str, _Value] = {}
        failure: Exception | None = None
        try:
            found = await self._read(list(waiting))
        except Exception as error:  # noqa: BLE001 - its callers raise it
            failure = error
        for key, futures in waiting.items():
            for future in futures:
                with suppress(asyncio.InvalidStateError):  # its caller has left
                    if failure is None:
                        future.set_result(found.get(key))
                    else:
                        future.set_exception(failure)
