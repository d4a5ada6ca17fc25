"""`gradectl logs`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument, service_option
from gradectl.context import pass_context
from gradectl.errors import UsageError
from gradectl.monitoring.environment_logs import open_logs
from gradectl.monitoring.log_lines import LogLine, RequestFilter, printed, seconds_of
from gradectl.monitoring.log_sources import LogSource, follow, request_lines
from gradectl.options import command
from gradectl.rollouts.polling import pauses
from gradectl.target import select_environment
from gradectl.ui import SCHEMA_VERSION, Table

#: How long throttled calls are repeated.
_THROTTLED_SECONDS = 60.0
_SINCE = "10m"
_SINCE_REQUEST = "1d"


@command("logs", epilog="Example: gradectl logs local --since 1h --grep ERROR")
@environment_argument
@click.option("--request", "request_id", metavar="ID", help="Show only the lines of this request.")
@click.option("--follow", "-f", is_flag=True, help="Also show new lines, until Ctrl-C.")
@click.option(
    "--since",
    metavar="SPAN",
    help=f"Age of the first line: 90s, 10m, 2h, 1d; default: {_SINCE}, and {_SINCE_REQUEST} with"
    " --request.",
)
@service_option
@click.option("--grep", metavar="REGEX", help="Show only lines that match this expression.")
@pass_context(CloudContext)
def logs(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str,
    *,
    request_id: str | None,
    follow: bool,
    since: str | None,
    service: str,
    grep: str | None,
) -> None:
    """
    Show the log of the workers or of the HTTP API, the oldest line first.

    Lines come from CloudWatch Logs; for a local stack, from the log files of its tasks. Each line
    begins with the end of its task's id. Control characters are escaped. With --follow and
    --output json, each line is one JSON document.
    """
    target = select_environment(app, environment)
    start_ms = _start_ms(since or (_SINCE_REQUEST if request_id else _SINCE))
    matches = _matcher(grep)
    source = open_logs(app, target.environment, target.aws, pauses(_THROTTLED_SECONDS), service)
    lines = (line for line in _lines(source, request_id, start_ms, ongoing=follow) if matches(line))
    if follow and app.options.output != "table":
        for line in lines:
            app.ui.write(json.dumps(_stamped(line), ensure_ascii=False) + "\n")
        return
    if app.options.output != "table":
        document = {"environment": target.name, "lines": [_document(line) for line in lines]}
        app.ui.emit("logs", document, Table((), ()))
        return
    shown = 0
    for shown, line in enumerate(lines, 1):  # noqa: B007 - the number is used after the loop
        app.ui.write(printed(line, with_task=True) + "\n")
    if not shown:
        app.ui.say(f"no such line in {source.where}; next: increase --since")


def _lines(
    source: LogSource, request_id: str | None, start_ms: int, *, ongoing: bool
) -> Iterator[LogLine]:
    if not ongoing:
        return request_lines(source, request_id, start_ms) if request_id else source.read(start_ms)
    found = follow(source, start_ms, pauses(float("inf")))
    return filter(RequestFilter(request_id).accepts, found) if request_id else found


def _start_ms(span: str) -> int:
    """The Unix time that lies a span of time before now."""
    seconds = seconds_of(span)
    if seconds is None:
        raise UsageError(f"{span!r} is not a span of time", where="--since", next_step="--since 2h")
    return int((time.time() - seconds) * 1000)


def _matcher(expression: str | None) -> Callable[[LogLine], bool]:
    if expression is None:
        return lambda _line: True
    try:
        pattern = re.compile(expression)
    except re.error as error:
        hint = "escape special characters with a backslash"
        raise UsageError(f"invalid expression: {error}", where="--grep", next_step=hint) from error
    return lambda line: pattern.search(line.text) is not None


def _document(line: LogLine) -> dict[str, Any]:
    moment = datetime.fromtimestamp(line.at_ms / 1000, UTC)
    return {
        "time": moment.isoformat(timespec="milliseconds"),
        "task": line.task,
        "text": line.text,
    }


def _stamped(line: LogLine) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, "kind": "log-line", **_document(line)}
