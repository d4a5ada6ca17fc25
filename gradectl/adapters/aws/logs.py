"""CloudWatch Logs: reads the log of the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws.errors import translated
from gradectl.errors import GradectlError, TryAgainError

_PAGE = 10_000  # maximum of FilterLogEvents
_STREAMS = 100  # maximum of FilterLogEvents
_NOT_FOUND = "no such log group"


@dataclass(frozen=True)
class LogEvent:
    """
    A line in a log group.

    Attributes:
        at_ms: Its Unix time in milliseconds.
        stream: The log stream.
        text: The line.
        event_id: Its id, unique in the log group.
    """

    at_ms: int
    stream: str
    text: str
    event_id: str


@dataclass(frozen=True)
class LogQuery:
    """
    Which lines to read.

    Attributes:
        group: Name of the log group.
        start_ms: Time of the first line.
        end_ms: Time of the last line; None for no limit.
        phrase: Only lines that contain it.
        streams: Only lines of these streams; all when empty.
    """

    group: str
    start_ms: int
    end_ms: int | None = None
    phrase: str = ""
    streams: Sequence[str] = ()


class Logs:
    """
    CloudWatch Logs.

    Args:
        client: A boto3 client of `logs`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def events(self, query: LogQuery, pause: Callable[[], bool]) -> Iterator[LogEvent]:
        """
        Read the lines of a log group page by page, in the order of their time.

        Args:
            query: The lines to read.
            pause: Waits before a throttled page is read again; False when the time is over.

        Raises:
            GradectlError: There is no such log group.
            TryAgainError: The calls were throttled until the time was over.
        """
        call: dict[str, Any] = {
            "logGroupName": query.group,
            "startTime": query.start_ms,
            "limit": _PAGE,
        }
        if query.end_ms is not None:
            call["endTime"] = query.end_ms
        if query.phrase:
            quoted = query.phrase.replace("\\", "\\\\").replace('"', '\\"')
            call["filterPattern"] = f'"{quoted}"'
        wanted = set(query.streams)
        if 0 < len(wanted) <= _STREAMS:
            call["logStreamNames"] = sorted(wanted)
        while True:
            page = self._page(query.group, call, pause)
            for each in page["events"]:
                stream = each["logStreamName"]
                if not wanted or stream in wanted:
                    yield LogEvent(each["timestamp"], stream, each["message"], each["eventId"])
            if not page.get("nextToken"):
                return
            call["nextToken"] = page["nextToken"]

    def _page(self, group: str, call: dict[str, Any], pause: Callable[[], bool]) -> dict[str, Any]:
        """One page; a throttled call is repeated with the same token, so no line is lost."""
        where = f"log group {group}"
        while True:
            try:
                with translated(where):
                    page: dict[str, Any] = self._client.filter_log_events(**call)
                    return page
            except TryAgainError:
                if not pause():
                    raise
            except GradectlError as error:
                if "ResourceNotFoundException" not in error.what:
                    raise
                # A task that never started has no stream; then all streams are read.
                if call.pop("logStreamNames", None) is None:
                    hint = "gradectl apply creates it"
                    raise GradectlError(_NOT_FOUND, where=where, next_step=hint) from error
