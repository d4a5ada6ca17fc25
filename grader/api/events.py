"""
Server-sent events of one submission.

The number of an event follows from the state alone, so any process can resume a stream: it sends
what has a higher number than the `Last-Event-ID` of the client.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import monotonic

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from grader.api.leaving import until_left
from grader.api.lookup import Lookup
from grader.api.views import LAST_EVENT, View, view_of_row, with_progress, with_result
from grader.api.waiting import Update, WaitingHub, Watch
from grader.ports.submissions import SubmissionRow

MEDIA_TYPE = "text/event-stream"
_COMMENT_SECONDS = 15.0
#: After this time a waiting submission is looked at again: its position may have changed.
_POSITION_SECONDS = 2.0
#: A client reconnects after this time, and its key is checked again.
_LONGEST_SECONDS = 1800.0
_RETRY = b"retry: 2000\n\n"
_COMMENT = b": waiting\n\n"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold back the events
]


def last_event(header: str | None) -> int:
    """Read the header Last-Event-ID; 0 for anything that is not ours."""
    text = header or ""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(LAST_EVENT))
    return int(text) if is_number else 0


def encode(view: View) -> bytes:
    """Write an event; JSON has no line break, so one data line is enough."""
    return b"event: submission\nid: %d\ndata: %b\n\n" % (view.event, view.text)


class EventResponse(Response):
    """
    The event stream of a submission; ends after its result.

    Args:
        lookup: Finds positions.
        hub: Wakes the stream.
        first: The state that was found.
        seen: Number of the last event that the client has seen.
    """

    def __init__(self, lookup: Lookup, hub: WaitingHub, first: View, seen: int) -> None:
        super().__init__(media_type=MEDIA_TYPE)
        self._lookup = lookup
        self._hub = hub
        self._first = first
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - of ASGI
        """Send the stream, until its end or until the client has left."""
        async with self._hub.watch(self._first.document.request_id, moving=True) as watch:
            start = {"type": "http.response.start", "status": 200, "headers": _HEADERS}
            await send(start)
            await until_left(receive, self._send(watch, send))

    async def _send(self, watch: Watch, send: Send) -> None:
        async for frame in self.frames(watch):
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def frames(self, watch: Watch) -> AsyncIterator[bytes]:
        """Yield the parts of the stream: events, and comments that keep the connection open."""
        view, seen = self._first, self._seen
        yield _RETRY
        if view.event > seen:
            yield encode(view)
        started = sent_at = monotonic()
        while not view.is_final and not self._hub.is_stopping:
            update = await watch.next(_POSITION_SECONDS)
            following = await self._following(view, update)
            changed = following.text != view.text
            view = following
            if changed and (view.event > seen or view.is_final or view.metadata is not None):
                yield encode(view)
                sent_at = monotonic()
            if monotonic() - sent_at >= _COMMENT_SECONDS:
                yield _COMMENT
                sent_at = monotonic()
            if monotonic() - started >= _LONGEST_SECONDS:
                return

    async def _following(self, view: View, update: Update | None) -> View:
        """Return the state after an update; the same one if it is not newer."""
        if update is None:
            return view if self._hub.is_stopping else await self._lookup.moved(view)
        if isinstance(update, SubmissionRow):
            following = view_of_row(update, view.user_id)
        elif update.is_final:
            following = with_result(view, update.text)
        else:
            following = with_progress(view, update.text) or view
        return following if following.event >= view.event else view
