"""Reads the body of a call within limits of size and time, before the call goes on."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grader.api.errors import ApiError, Kind
from grader.api.protection.answers import has_body, refuse

_MOST_HELD = 268_435_456


class Bodies:
    """
    Refuses bodies that are too large (413), or arrive too slowly (408).

    Args:
        app: What follows.
        most_bytes: Largest body, bytes.
        seconds: Longest time in which a body must have arrived.
        most_held: Bodies of all open calls together, bytes; above it 503.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most_bytes: int,
        seconds: float,
        most_held: int = _MOST_HELD,
    ) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._most_held = most_held
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body of a call, then hand it on as one piece."""
        if scope["type"] != "http" or not has_body(scope):
            await self._app(scope, receive, send)
            return
        body = bytearray()
        try:
            try:
                complete = await self._read(scope, receive, body)
            except ApiError as error:
                await refuse(error, scope, receive, send)
                return
            if complete:
                await self._app(scope, _replay(bytes(body), receive), send)
        finally:
            self._held -= len(body)

    async def _read(self, scope: Scope, receive: Receive, body: bytearray) -> bool:
        """Read the body; False if the client has gone."""
        if _announced(scope) > self._most_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return False
                    self._add(body, message.get("body", b""))
                    if not message.get("more_body"):
                        return True
        except TimeoutError:
            raise ApiError(
                Kind.TIMEOUT,
                f"the body did not arrive within {self._seconds:g} s",
                next_step="send it again; a large program can be uploaded instead",
            ) from None

    def _add(self, body: bytearray, part: bytes) -> None:
        if len(body) + len(part) > self._most_bytes:
            raise self._too_large()
        if self._held + len(part) > self._most_held:
            raise ApiError(
                Kind.BUSY,
                "too many bodies are being received",
                next_step="repeat the call",
                retry_after=1,
            )
        body += part
        self._held += len(part)

    def _too_large(self) -> ApiError:
        return ApiError(
            Kind.BODY_TOO_LARGE,
            f"the body has more than {self._most_bytes} bytes",
            next_step="leave out the source, and upload it to the uploadUrl of the answer",
        )


def _announced(scope: Scope) -> int:
    """The length that the header states; 0 without one."""
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return max((int(value) for value in lengths if value.isdigit()), default=0)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the whole body once, then what else arrives: that the client has gone."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
