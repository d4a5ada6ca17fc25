"""Answers what an endpoint or a limit did not expect, so that this answer has all headers too."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grader.api.errors import ApiError, Kind
from grader.api.protection.answers import refuse

#: Called with the scope of a call, and with the exception that nothing has handled.
OnFault = Callable[[Scope, Exception], None]


class Faults:
    """
    Answers 500 for an exception that nothing else has handled, without its text.

    Args:
        app: What follows.
        on_fault: Called with the call and the exception, such as to log them.
    """

    def __init__(self, app: ASGIApp, on_fault: OnFault) -> None:
        self._app = app
        self._on_fault = on_fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the call on; an answer that has begun is broken off."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            self._on_fault(scope, error)
            if started:
                raise
            answer = ApiError(Kind.INTERNAL_ERROR, "the service has a fault; it was logged")
            await refuse(answer, scope, receive, send)
