"""Lines of the workers' logs: their times, and which belong to a request; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from grader.text import printable_name

#: `[2024-08-20 12:00:00] INFO: ...`, in UTC.
_TEXT_TIME = re.compile(r"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\] ")
_BEGINNING = re.compile(r"Processing request (\S+)")
_END = "Result sent to queue"
_SPAN = re.compile(r"(\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class LogLine:
    """
    A line of the log of a worker.

    Attributes:
        at_ms: Its Unix time in milliseconds.
        task: The task that wrote it.
        text: The line.
        key: Distinguishes it from all other lines of the log.
    """

    at_ms: int
    task: str
    text: str
    key: str


def seconds_of(span: str) -> int | None:
    """Parse a span of time such as `90s`, `10m`, `2h` or `1d`; None when it is not one."""
    found = _SPAN.fullmatch(span)
    return int(found[1]) * _SECONDS[found[2]] if found else None


def time_ms(text: str) -> int | None:
    """The Unix time of a line in the text or JSON format of the worker; None without one."""
    if found := _TEXT_TIME.match(text):
        moment = datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)
    try:
        moment = datetime.fromisoformat(str(_fields(text).get("time", "")))
    except ValueError:
        return None
    return int(moment.timestamp() * 1000)


def with_times(texts: Iterable[str], task: str, key: str) -> Iterator[LogLine]:
    """
    Number the lines of a file; lines without a time, such as a traceback, have the last one.

    Args:
        texts: The lines.
        task: The task that wrote them.
        key: Name of the file.
    """
    at_ms = 0
    for number, text in enumerate(texts):
        at_ms = time_ms(text) or at_ms
        yield LogLine(at_ms, task, text.rstrip("\n"), f"{key}:{number}")


def printed(line: LogLine, *, with_task: bool) -> str:
    """A line for the terminal: one line, without control characters."""
    text = printable_name(line.text.rstrip())
    return f"{printable_name(line.task[-8:])}  {text}" if with_task else text


def without_time(text: str) -> str:
    """The line without its time, as `LEVEL: message` with the other fields of the JSON format."""
    fields = _fields(text)
    if "message" not in fields:
        return _TEXT_TIME.sub("", text, count=1)
    level, message = str(fields.get("level", "")).upper(), fields["message"]
    others = (
        f" {key}={value}"
        for key, value in fields.items()
        if key not in ("time", "level", "message", "request_id")
    )
    return f"{level}: {message}" + "".join(others)


class RequestFilter:
    """
    Selects the lines of one request.

    In the JSON format each line names its request. In the text format only some do: between
    `Processing request ID` and `Result sent to queue`, all lines of the task are selected. A task
    with several consumers mixes the lines of its requests, so lines of others can be among them.

    Args:
        request_id: The request.
    """

    def __init__(self, request_id: str) -> None:
        self._request_id = request_id
        self._named = re.compile(rf"(?<![\w-]){re.escape(request_id)}(?![\w-])")
        self._open: set[str] = set()  # tasks that are processing the request

    def accepts(self, line: LogLine) -> bool:
        """Whether a line belongs to the request; lines are passed in the order of their time."""
        fields = _fields(line.text)
        if "request_id" in fields:
            return str(fields["request_id"]) == self._request_id
        beginning = _BEGINNING.search(line.text)
        if beginning:
            (self._open.add if beginning[1] == self._request_id else self._open.discard)(line.task)
        selected = line.task in self._open or bool(self._named.search(line.text))
        if _END in line.text:
            self._open.discard(line.task)
        return selected


def _fields(text: str) -> dict[str, Any]:
    """The fields of a line in JSON format; empty for any other line."""
    if not text.startswith("{"):
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
