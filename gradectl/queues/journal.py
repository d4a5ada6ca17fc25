"""Records each message that a command takes from a queue, so that none can be lost unseen."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gradectl.queues.durable import open_private, write_all, writing
from grader.ports.jobs import JobRecord
from grader.ports.messages import Outgoing, QueuedMessage

_FAILURE = "the journal cannot be written, so no message is taken"


class Journal:
    """
    An open journal: one JSON document a line, on disk before the broker is asked to commit.

    Args:
        path: Its file.
        descriptor: The open file; its owner closes it.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._lines: list[str] = []

    def taking(self, message: QueuedMessage, destination: str) -> None:
        """Record a whole message whose transaction begins."""
        self._write({"event": "taking", **_whole(message), "to": destination})

    def taken(self, message_ids: Sequence[str]) -> None:
        """Record that the transaction of these messages was committed."""
        self._write({"event": "taken", "message_ids": list(message_ids)})

    def sending(self, message: Outgoing) -> None:
        """Record a new message that will be sent."""
        body = base64.b64encode(message.body).decode()
        headers = dict(message.headers)
        self._write(
            {"event": "sending", "to": message.queue, "headers": headers, "body_base64": body}
        )

    def changing_row(self, row: JobRecord, step: str) -> None:
        """Record a row of the database, with its result, that will be changed."""
        result = json.loads(row.result.to_json()) if row.result else None
        fields = {"request_id": row.request_id, "status": row.status, "attempts": row.attempts}
        self._write({"event": "changing row", "step": step, **fields, "result": result})

    def flush(self) -> None:
        """Write everything recorded so far to the disk; raises `ConfigurationError`."""
        lines = "".join(self._lines).encode()
        self._lines.clear()
        with writing(self.path, _FAILURE):
            write_all(self._descriptor, lines)
            os.fsync(self._descriptor)

    def _write(self, document: dict[str, Any]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._lines.append(json.dumps({"at": at, **document}) + "\n")


@contextmanager
def open_journal(folder: Path, name: str) -> Iterator[Journal]:
    """
    Create a journal that only its owner can read, for the block.

    Args:
        folder: Where; created if needed.
        name: Of the command and the queue; the time is added.

    Raises:
        ConfigurationError: It cannot be written, so nothing may be taken from the queue.
    """
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{name}.ndjson"
    with writing(path, _FAILURE):
        descriptor = open_private(path, os.O_EXCL)
    journal = Journal(path, descriptor)
    try:
        yield journal
        journal.flush()
    finally:
        os.close(descriptor)


def _whole(message: QueuedMessage) -> dict[str, Any]:
    """Return id, headers and body of a message."""
    return {
        "message_id": message.message_id,
        "timestamp_ms": message.timestamp_ms,
        "headers": dict(message.headers),
        "body_base64": base64.b64encode(message.body).decode(),
    }
