"""`gradectl queue export` and `import`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option, queue_argument
from gradectl.commands.queue_options import (
    limit_option,
    selection_options,
    to_option,
    transport_option,
)
from gradectl.commands.queue_transfer import no_queue, reading, select
from gradectl.context import pass_context
from gradectl.errors import ConfigurationError, EndingError, ExitCode, GradectlError, UsageError
from gradectl.options import command
from gradectl.queues.archive import Archive, ArchiveHead, archive_lines, read_archive, restored
from gradectl.queues.selection import Selection
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.contract.names import TransportName
from grader.ports.messages import QueuedMessage


@command("export", epilog="Example: gradectl queue export grading-dlq --to dead-letters.ndjson")
@queue_argument
@environment_option
@transport_option
@selection_options
@limit_option
@click.option(
    "--to",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="New file, which only you can read.",
)
@pass_context(CloudContext)
def export_queue(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    name: str,
    *,
    environment: str | None,
    transport: TransportName | None,
    selection: Selection,
    limit: int | None,
    file: Path,
) -> int:
    """
    Copy messages of QUEUE to a file; they stay in the queue.

    One JSON document a line, with headers and body, which is in base64 where it is not text, and
    its SHA-256. `gradectl queue import` sends them again. Exit code 3 when some messages could not
    be read.
    """
    target = select_environment(app, environment, transport)
    require_new(file)
    with reading(target, name, limit) as (found, _):
        messages = select(found, selection)
        write_export(file, target, name, messages)
    document = {
        "environment": target.name,
        "queue": name,
        "seen": found.scan.seen,
        "size": found.scan.size,
        "complete": found.scan.complete,
        "reason": found.scan.reason,
        "exported": len(messages),
        "file": str(file),
    }
    title = f"{len(messages)} messages of {name} exported to {file}; {found.scan.summary}"
    app.ui.emit("queue-export", document, Table((), (), title))
    return ExitCode.OK if found.scan.complete else ExitCode.PARTLY_DONE


def require_new(file: Path) -> None:
    """
    Refuse a file that exists, before messages are read for it.

    Raises:
        UsageError: The file exists.
    """
    if file.exists() or file.is_symlink():
        raise _file_exists(file)


def _file_exists(file: Path) -> UsageError:
    return UsageError("the file exists", where=str(file), next_step="name a new file")


def write_export(
    file: Path, target: EnvironmentClient, queue: str, messages: Sequence[QueuedMessage]
) -> None:
    """
    Write messages to a new file that only its owner can read; it appears when it is complete.

    Raises:
        UsageError: The file exists.
        GradectlError: It cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    head = ArchiveHead(target.name, queue, now, len(messages))
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(partial, flags, 0o600), "w", encoding="utf-8") as opened:
            opened.writelines(f"{line}\n" for line in archive_lines(head, messages))
            opened.flush()
            os.fsync(opened.fileno())
        os.link(partial, file)  # unlike a rename, this replaces nothing
    except FileExistsError as error:
        raise _file_exists(file) from error
    except OSError as error:
        text = f"cannot be written: {error.strerror}"
        raise GradectlError(text, where=str(file), next_step="name another file") from error
    finally:
        partial.unlink(missing_ok=True)


@command("import", epilog="Example: gradectl queue import dead-letters.ndjson --to grading-dlq")
@click.argument(
    "file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file of `gradectl queue export`.",
)
@environment_option
@transport_option
@to_option("Queue to send to; default: the exported one.")
@click.option(
    "--skip",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Messages of the file that were sent before.",
)
@click.option("--apply", is_flag=True, help="Carry it out; without it, only check the file.")
@pass_context(CloudContext)
def import_queue(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    file: Path,
    *,
    environment: str | None,
    transport: TransportName | None,
    to: str | None,
    skip: int,
    apply: bool,
) -> int:
    """
    Send the messages of an export.

    The whole file is checked first: a line that is malformed, changed or missing is an error, and
    nothing is sent. Without --apply that is all. Copies keep their headers and the id that they had
    first; the broker gives them new ids and times. An interrupted import says how to go on.
    """
    archive = _read(file)
    target = select_environment(app, environment, transport)
    queue = to or archive.head.queue
    with target.broker("operator") as broker:
        if queue not in broker.inspector.statistics([queue]):
            raise no_queue(target, queue)
    waiting = archive.messages[skip:]
    app.ui.say(f"{file}: {len(waiting)} messages of {archive.head.queue}, for {queue}")
    sent = 0
    if apply and waiting:
        app.announce(target.environment)
        if not app.options.dry_run:
            app.ui.confirm(f"Send {len(waiting)} messages to {queue}?")
            sent = _send(target, archive, skip, queue, file)
    document = {
        "environment": target.name,
        "queue": queue,
        "file": str(file),
        "messages": len(archive.messages),
        "skipped": skip,
        "sent": sent,
    }
    title = f"{sent} of {len(waiting)} messages sent to {queue}"
    app.ui.emit("queue-import", document, Table((), (), title))
    if not sent and waiting:
        app.ui.say("nothing was sent; to send them, repeat the command with --apply")
    return ExitCode.OK


def _read(file: Path) -> Archive:
    """Read and check an export."""
    try:
        with file.open(encoding="utf-8") as lines:
            return read_archive(lines, str(file))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        hint = "name a file of gradectl queue export"
        raise ConfigurationError(
            f"cannot be read: {why}", where=str(file), next_step=hint
        ) from error


def _send(target: EnvironmentClient, archive: Archive, skip: int, queue: str, file: Path) -> int:
    """Send the messages, each with a receipt; an interruption says where to go on."""
    sent = 0
    try:
        with target.broker() as broker, target.app.ui.live() as show:
            for message in archive.messages[skip:]:
                again = restored(message, archive.head.queue, queue)
                broker.send(again.queue, again.body, again.headers)
                sent += 1
                show([f"{sent} of {len(archive.messages) - skip}"])
    except (EndingError, KeyboardInterrupt, Exception):
        target.app.ui.say(
            f"interrupted after {sent} messages; to send the others: gradectl queue import {file}"
            f" -e {target.name} --to {queue} --skip {skip + sent} --apply",
            "yellow",
        )
        raise
    return sent
