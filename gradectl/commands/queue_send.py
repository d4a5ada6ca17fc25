"""`gradectl queue send` and `tail`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option, queue_argument
from gradectl.commands.queue_options import transport_option
from gradectl.commands.queue_transfer import no_queue
from gradectl.context import pass_context
from gradectl.errors import ExitCode, UsageError
from gradectl.options import command
from gradectl.queues.message_view import MessageView, decoded
from gradectl.queues.tail import follow
from gradectl.rollouts.polling import pauses
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.contract.messages import GradingRequest, JobResult, readable_request_id
from grader.contract.names import PRIORITY_QUEUE, REQUESTS_QUEUE, RESULTS_QUEUE, TransportName
from grader.errors import RequestError

_MOST_BYTES = 1 << 20


@command("send", epilog="Example: gradectl queue send grading-requests --file request.json")
@queue_argument
@environment_option
@transport_option
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="The body; - for standard input.",
)
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="NAME=VALUE",
    help="A field of the body, instead of --file; the value is JSON, or else text. Repeatable.",
)
@click.option(
    "--header", "headers", multiple=True, metavar="NAME=VALUE", help="A header; repeatable."
)
@click.option("--raw", is_flag=True, help="Send it although it is not valid for QUEUE.")
@pass_context(CloudContext)
def send(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    name: str,
    *,
    environment: str | None,
    transport: TransportName | None,
    file: Path | None,
    fields: tuple[str, ...],
    headers: tuple[str, ...],
    raw: bool,
) -> int:
    """
    Send one message to QUEUE.

    The body comes from a file, from standard input, or from --field options. A request or result is
    checked against its schema first. The message is persistent, and its correlation id is the
    request id of the body, if it has one.
    """
    body = _body(file, fields)
    if not raw:
        _check(name, body)
    given = dict(_pair(each, "--header") for each in headers)
    request_id = readable_request_id(body)
    if request_id:
        given.setdefault("correlation-id", request_id)
    target = select_environment(app, environment, transport)
    app.announce(target.environment)
    with target.broker() as broker:
        if name not in broker.inspector.statistics([name]):
            raise no_queue(target, name)
        if not app.options.dry_run:
            app.ui.confirm(f"Send {len(body)} bytes to {name}?")
            broker.send(name, body, given)
    document = {
        "environment": target.name,
        "queue": name,
        "request_id": request_id,
        "bytes": len(body),
        "sent": not app.options.dry_run,
    }
    title = f"{len(body)} bytes {'not ' if app.options.dry_run else ''}sent to {name}"
    app.ui.emit("queue-send", document, Table((), (), title))
    if request_id and not app.options.dry_run:
        app.ui.say(f"next: gradectl result -e {target.name} {request_id}")
    return ExitCode.OK


def _body(file: Path | None, fields: tuple[str, ...]) -> bytes:
    """Read or build the body."""
    if (file is None) == (not fields):
        text = "give either --file or --field"
        raise UsageError(text, where="gradectl queue send", next_step="add --file FILE, or -")
    if file is None:
        pairs = (_pair(each, "--field") for each in fields)
        document = {key: _value(value) for key, value in pairs}
        return json.dumps(document, ensure_ascii=False).encode()
    try:
        stream = sys.stdin.buffer if str(file) == "-" else file.open("rb")
        with stream:
            body = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
        raise UsageError(text, where=str(file), next_step="name a file with the body") from error
    if len(body) > _MOST_BYTES:
        text = f"larger than {_MOST_BYTES} bytes"
        raise UsageError(text, where=str(file), next_step="put large data into the bucket")
    return body


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"{text!r} is not NAME=VALUE", where=option, next_step=f"{option} a=b")
    return name, value


def _value(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        return json.loads(text)
    except ValueError:
        return text


def _check(queue: str, body: bytes) -> None:
    """Refuse what the readers of a known queue would refuse."""
    try:
        if queue in (REQUESTS_QUEUE, PRIORITY_QUEUE):
            GradingRequest.from_json(body)
        elif queue == RESULTS_QUEUE:
            JobResult.from_json(body)
    except RequestError as error:
        what = error.what
    except ValueError as error:
        what = " ".join(str(error).split())
    else:
        return
    raise UsageError(
        f"not valid for {queue}: {what}", where="the body", next_step="correct it, or add --raw"
    )


@command("tail", epilog="Example: gradectl queue tail grading-results --output json")
@queue_argument
@environment_option
@transport_option
@click.option(
    "--count", type=click.IntRange(min=1), metavar="N", help="Stop after so many messages."
)
@pass_context(CloudContext)
def tail(
    app: CloudContext,
    name: str,
    *,
    environment: str | None,
    transport: TransportName | None,
    count: int | None,
) -> int:
    """
    Show new messages of QUEUE as they arrive.

    They are not consumed. It ends with Ctrl-C, --count or --timeout. A message that is consumed
    within a second may not be seen; the output says how many were missed. With --output json, each
    message is one line. Amazon SQS cannot do this: reading a message takes it away from its
    consumer for a time.
    """
    target = select_environment(app, environment, transport)
    with target.broker("operator") as broker:
        if name not in broker.inspector.statistics([name]):
            raise no_queue(target, name)
        if not broker.inspector.can_browse:
            raise _no_tail(target, name)
        for shown, arrival in enumerate(
            follow(broker.inspector, name, pauses(float("inf"))), start=1
        ):
            view = MessageView.of(arrival.message, arrival.now_ms)
            if app.ui.output == "json":
                body = decoded(arrival.message.body)
                more = {"body": body.content, "body_encoding": body.encoding}
                app.ui.stream("queue-message-line", {**asdict(view), **more})
            else:
                line = (view.request_id or "-", view.about, f"{view.size_bytes} bytes")
                app.ui.write_line("  ".join(line))
            if arrival.missed:
                app.ui.warn(f"{arrival.missed} messages were consumed before they were seen")
            if shown == count:
                break
    return ExitCode.OK


def _no_tail(target: EnvironmentClient, queue: str) -> UsageError:
    return UsageError(
        "Amazon SQS cannot show new messages without taking them from their consumers",
        where=queue,
        next_step=f"{target.inspect_command(queue)}, or gradectl result REQUEST_ID",
    )
