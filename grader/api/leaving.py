"""Ends what is done for a caller when the caller has left."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from starlette.types import Receive

_T = TypeVar("_T")


async def until_left(receive: Receive, work: Coroutine[None, None, _T]) -> _T | None:
    """
    Run a coroutine; it is cancelled when the caller closes the connection.

    Args:
        receive: Of the call, whose body was read.
        work: What is done for the caller; its errors are raised.

    Returns:
        Its result; None if the caller has left.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(receive))
    try:
        done, _ = await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        leaving.cancel()
    await asyncio.gather(working, leaving, return_exceptions=True)
    return working.result() if working in done else None


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
