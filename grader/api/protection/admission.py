"""Lets calls in by their credentials, before their body is read; bounds streams and time."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grader.api.auth import Gate
from grader.api.errors import ApiError, Kind
from grader.api.protection.answers import add_headers, refuse

_STREAM = re.compile(r"/v1/submissions/[^/]+/events")
_GUARDED = ("/v1/", "/run/")
_RETRY_STREAM_SECONDS = 10


def is_stream(scope: Scope) -> bool:
    """Whether a call asks for a stream of events."""
    return _STREAM.fullmatch(scope["path"]) is not None


class Admission:
    """
    Asks the gate about every call below /v1 and of /run.

    The caller is in `scope["caller"]`, where `grader.api.auth.require` finds it.

    Args:
        app: What follows.
        gate: Checks credentials and limits.
    """

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, 429 or 503, or hand the call on."""
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(_GUARDED):
            await self._app(scope, receive, send)
            return
        async with AsyncExitStack() as stack:
            try:
                caller = await stack.enter_async_context(self._gate.admit(HTTPConnection(scope)))
            except ApiError as error:
                await refuse(error, scope, receive, _with_rate(scope, send))
                return
            scope["caller"] = caller
            await self._app(scope, receive, _with_rate(scope, send))


def _with_rate(scope: Scope, send: Send) -> Send:
    """Add what is left of the caller's rate to the answer."""

    async def sending(message: Message) -> None:
        rate = scope.get("rate")
        if message["type"] == "http.response.start" and rate is not None:
            add_headers(message, rate.headers())
        await send(message)

    return sending


class Streams:
    """
    Bounds the number of open streams of events; who comes later is refused with 503.

    Args:
        app: What follows.
        most: Open streams.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the call while it is open, if it is a stream."""
        if scope["type"] != "http" or not is_stream(scope):
            await self._app(scope, receive, send)
            return
        if self._open >= self._most:
            error = ApiError(
                Kind.BUSY,
                f"{self._most} streams of events are open",
                next_step="ask for the submission with GET, or open the stream later",
                retry_after=_RETRY_STREAM_SECONDS,
            )
            await refuse(error, scope, receive, send)
            return
        self._open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1


class Deadline:
    """
    Ends a call that takes too long; streams have no limit.

    `scope["deadline"]` is the time of the loop at which it ends, for those that can answer earlier.

    Args:
        app: What follows.
        seconds: Longest time, which must be above the longest wait of /run.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 503 if there is no answer in time."""
        if scope["type"] != "http" or is_stream(scope):
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self._seconds) as limit:
                scope["deadline"] = limit.when()
                await self._app(scope, receive, sending)
        except TimeoutError:
            if started or not limit.expired():
                raise
            error = ApiError(
                Kind.BUSY,
                f"there was no answer within {self._seconds:g} s",
                next_step="repeat the call",
                retry_after=1,
            )
            await refuse(error, scope, receive, send)
