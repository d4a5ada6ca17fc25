"""Sends an error as the answer, before the application has seen the call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from starlette.types import Message, Receive, Scope, Send

from grader.api.errors import MEDIA_TYPE, ApiError, Kind

_LINGER_SECONDS = 2.0
_LINGER_BYTES = 8_388_608


async def refuse(error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
    """
    Answer with a problem, and close the connection if the body was not read.

    The answer is sent at once. Then a part of the body is read and dropped, because a client that
    is still sending would lose the answer if the connection was closed at once.

    Args:
        error: The answer.
        scope: Of the call.
        receive: Of the call.
        send: Of the call.
    """
    body = error.body(scope.get("call_id", ""))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *((name.encode(), value.encode()) for name, value in error.headers.items()),
    ]
    unread = has_body(scope)
    if unread:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    shown = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": shown, "more_body": unread})
    if unread:
        with suppress(TimeoutError):  # after a timeout the client is not waited for again
            seconds = 0 if error.kind is Kind.TIMEOUT else _LINGER_SECONDS
            async with asyncio.timeout(seconds):
                await _drop_body(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def add_headers(message: Message, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Add to the start of an answer those headers that it has not."""
    present = {name.lower() for name, _ in message.get("headers", ())}
    added = [each for each in headers if each[0] not in present]
    message["headers"] = [*message.get("headers", ()), *added]


def has_body(scope: Scope) -> bool:
    """Whether the call announces a body."""
    return any(
        (name == b"content-length" and value.strip(b"0")) or name == b"transfer-encoding"
        for name, value in scope["headers"]
    )


async def _drop_body(receive: Receive) -> None:
    dropped = 0
    while dropped < _LINGER_BYTES:
        message: Message = await receive()
        dropped += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return
