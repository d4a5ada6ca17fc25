"""An export holds any message, and a changed one is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.errors import ConfigurationError
from gradectl.queues.archive import ArchiveHead, archive_lines, read_archive, restored
from grader.ports.messages import QueuedMessage

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MESSAGES = st.builds(
    QueuedMessage,
    message_id=TEXTS,
    timestamp_ms=st.integers(0, 2**53),
    body=st.binary(max_size=100) | TEXTS.map(str.encode),
    headers=st.dictionaries(TEXTS, TEXTS, max_size=4),
)


def head(count: int) -> ArchiveHead:
    return ArchiveHead("dev", "grading-dlq", "2026-01-01T00:00:00+00:00", count)


@given(st.lists(MESSAGES, max_size=5))
def test_an_export_is_read_as_it_was_written(messages: list[QueuedMessage]) -> None:
    """Byte for byte, one line a message whatever it holds."""
    lines = list(archive_lines(head(len(messages)), messages))

    assert len(lines) == len(messages) + 1
    assert not any("\n" in line or "\r" in line for line in lines)
    archive = read_archive([f"{line}\n" for line in lines], "file")
    assert archive.head == head(len(messages))
    assert list(archive.messages) == messages


ONE = [QueuedMessage("ID:1", 1, b"body", {"a": "b"})]


def changed(number: int, **values: object) -> list[str]:
    """An export of one message with other values in a line; None deletes one."""
    lines = [json.loads(line) for line in archive_lines(head(1), ONE)]
    lines[number].update(values)
    lines[number] = {key: value for key, value in lines[number].items() if value is not None}
    return [json.dumps(line) for line in lines]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([], "not JSON"),
        (["[1]"], "not a JSON object"),
        (["{}"], "not an export"),
        (changed(0, schema_version=2), "not an export"),
        (changed(0, messages="x"), "first line"),
        (changed(0, queue=None), "first line"),
        (changed(0, messages=2), "1 messages, but its first line says 2"),
        (changed(1, body="other"), "SHA-256"),
        (changed(1, sha256=None), "SHA-256"),
        (changed(1, headers=[1]), "not a message"),
        (changed(1, timestamp_ms=None), "not a message"),
        (changed(1, body=None), "not a message"),
        (changed(1, body=None, body_base64="%"), "SHA-256"),
        ([changed(1)[0], "{"], "not JSON"),
        ([changed(1)[0], "[" * 100_000], "not JSON"),
    ],
)
def test_a_malformed_export_is_refused(lines: list[str], text: str) -> None:
    """With the file, and the line where it is a line."""
    with pytest.raises(ConfigurationError) as raised:
        read_archive(lines, "file.ndjson")

    assert text in raised.value.what
    assert raised.value.where.startswith("file.ndjson")


def test_a_restored_message_keeps_its_first_id_and_the_producers_headers() -> None:
    """And none of those that the broker adds."""
    headers = {"message-id": "ID:1", "timestamp": "1", "redelivered": "true", "priority": "4"}

    again = restored(QueuedMessage("ID:1", 1, b"x", headers), "grading-dlq", "held")

    assert (again.queue, again.body) == ("held", b"x")
    assert again.headers == {
        "priority": "4",
        "x-gradectl-original-id": "ID:1",
        "x-gradectl-original-queue": "grading-dlq",
    }
