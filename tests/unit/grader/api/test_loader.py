"""One read serves many concurrent calls, and each of them gets an answer or an error."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from grader.api.loader import BatchLoader
from grader.errors import TemporaryError


class Source:
    """Knows every key but `absent`; fails if it was given an error."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.reads: list[list[str]] = []

    async def read(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Read keys."""
        self.reads.append(list(keys))
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return {key: key.upper() for key in keys if key != "absent"}


def test_keys_are_read_many_at_once() -> None:
    """Each once, however many ask for it."""
    source = Source()

    async def body() -> list[str | None]:
        loader = BatchLoader(source.read, most_at_once=3)
        return await asyncio.gather(*map(loader.load, ["a", "b", "absent", "c", "a"]))

    assert asyncio.run(body()) == ["A", "B", None, "C", "A"]
    assert source.reads == [["a", "b", "absent"], ["c"]]


@pytest.mark.parametrize("error", [TemporaryError("away", where="it"), ZeroDivisionError()])
def test_an_error_ends_the_wait_of_every_caller(error: Exception) -> None:
    """Also one that nothing expects; the next read is another one."""
    source = Source()

    async def body() -> None:
        loader = BatchLoader(source.read, most_at_once=3)
        source.error = error
        async with asyncio.timeout(10):
            failed = await asyncio.gather(*map(loader.load, "abcde"), return_exceptions=True)
        assert failed == [error] * 5
        source.error = None
        assert await loader.load("a") == "A"

    asyncio.run(body())


def test_reads_are_apart_by_the_pause() -> None:
    """Keys that are asked for meanwhile wait, and are read together."""
    source = Source()

    async def body() -> None:
        loader = BatchLoader(source.read, most_at_once=3, pause_seconds=3600)
        assert await asyncio.gather(*map(loader.load, "abc")) == ["A", "B", "C"]
        waiting = asyncio.gather(*map(loader.load, "def"))
        await asyncio.sleep(0)
        assert (loader.waiting, source.reads) == (3, [["a", "b", "c"]])
        waiting.cancel()

    asyncio.run(body())
