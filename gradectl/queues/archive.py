"""
The file format of `gradectl queue export`: one JSON document a line.

The first line describes the export; each other line is a message with the SHA-256 of its body, as
text where it is UTF-8 and in base64 where it is not.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gradectl.errors import ConfigurationError
from grader.contract.headers import producer_headers
from grader.contract.names import ORIGINAL_ID_HEADER, ORIGINAL_QUEUE_HEADER
from grader.ports.messages import Outgoing, QueuedMessage

SCHEMA_VERSION = 1
_KIND = "queue-export"


@dataclass(frozen=True)
class ArchiveHead:
    """
    The first line of an export.

    Args:
        environment: Name of the environment.
        queue: The exported queue.
        exported_at: RFC 3339.
        messages: Number of lines that follow.
    """

    environment: str
    queue: str
    exported_at: str
    messages: int


@dataclass(frozen=True)
class Archive:
    """A checked export."""

    head: ArchiveHead
    messages: tuple[QueuedMessage, ...]


def archive_lines(head: ArchiveHead, messages: Sequence[QueuedMessage]) -> Iterator[str]:
    """Yield the lines of an export, without line ends."""
    yield json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "kind": _KIND,
            "environment": head.environment,
            "queue": head.queue,
            "exported_at": head.exported_at,
            "messages": head.messages,
        }
    )
    for message in messages:
        yield json.dumps(_as_document(message))


def read_archive(lines: Iterable[str], where: str) -> Archive:
    """
    Read an export, and check that each body is what was exported and that no line is missing.

    Args:
        lines: Of the file.
        where: Its name, for errors.

    Raises:
        ConfigurationError: A line is malformed, changed or missing; names the line.
    """
    numbered = enumerate(lines, start=1)
    head = _head(next(numbered, (1, ""))[1], where)
    messages = tuple(_message(line, f"{where}:{number}") for number, line in numbered)
    if len(messages) != head.messages:
        text = f"{len(messages)} messages, but its first line says {head.messages}"
        raise _invalid(f"the file is cut off or changed: {text}", where)
    return Archive(head, messages)


def restored(message: QueuedMessage, source: str, queue: str) -> Outgoing:
    """Return the message that an import sends to `queue`; it keeps its first id and queue."""
    headers = producer_headers(message.headers)
    headers.setdefault(ORIGINAL_ID_HEADER, message.message_id)
    headers.setdefault(ORIGINAL_QUEUE_HEADER, source)
    return Outgoing(queue, message.body, headers)


def _as_document(message: QueuedMessage) -> dict[str, Any]:
    try:
        body = {"body": message.body.decode()}
    except UnicodeDecodeError:
        body = {"body_base64": base64.b64encode(message.body).decode()}
    return {
        "message_id": message.message_id,
        "timestamp_ms": message.timestamp_ms,
        "headers": dict(message.headers),
        **body,
        "sha256": hashlib.sha256(message.body).hexdigest(),
    }


def _head(line: str, where: str) -> ArchiveHead:
    document = _document(line, f"{where}:1")
    if document.get("kind") != _KIND or document.get("schema_version") != SCHEMA_VERSION:
        raise _invalid(f"not an export: its first line lacks the kind {_KIND} and version 1", where)
    try:
        return ArchiveHead(
            environment=str(document["environment"]),
            queue=str(document["queue"]),
            exported_at=str(document["exported_at"]),
            messages=int(document["messages"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _invalid(f"the first line lacks {error}", where) from error


def _message(line: str, where: str) -> QueuedMessage:
    document = _document(line, where)
    try:
        text = document.get("body")
        body = base64.b64decode(document["body_base64"]) if text is None else text.encode()
        found = QueuedMessage(
            message_id=str(document["message_id"]),
            timestamp_ms=int(document["timestamp_ms"]),
            body=body,
            headers={str(key): str(value) for key, value in document["headers"].items()},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _invalid(f"not a message: {error!r}", where) from error
    if hashlib.sha256(body).hexdigest() != document.get("sha256"):
        raise _invalid("the body was changed: its SHA-256 is another", where)
    return found


def _document(line: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _invalid("not JSON", where) from error
    if not isinstance(document, dict):
        raise _invalid("not a JSON object", where)
    return document


def _invalid(text: str, where: str) -> ConfigurationError:
    return ConfigurationError(text, where=where, next_step="export the queue again")
