"""Counting calls to SQS by the access log of an emulated account."""

from __future__ import annotations

from pathlib import Path

from sqs_world import CallLog

_LINE = "2024-08-20 12:00:00,000 INFO 200 {} POST / {}\n"


def test_calls_to_sqs_are_counted_by_name(tmp_path: Path) -> None:
    """Lines of other services, and other lines, are not calls to SQS."""
    log = tmp_path / "log"
    log.write_text(
        _LINE.format("sqs", "SendMessage")
        + _LINE.format("ssm", "GetParameters")
        + _LINE.format("sqs", "SendMessage attempt=2")
        + "Traceback (most recent call last):\n"
    )

    with log.open() as file:
        assert CallLog(file).counts() == {"SendMessage": 2}


def test_a_line_that_is_written_in_two_parts_is_one_call(tmp_path: Path) -> None:
    """The log may be read while its server writes."""
    log = tmp_path / "log"
    line = _LINE.format("sqs", "DeleteMessage")
    with log.open("w") as writer, log.open() as file:
        calls = CallLog(file)
        for part in (line[:-8], line[-8:]):
            before = calls.counts()
            writer.write(part)
            writer.flush()

        assert before == {}
        assert calls.counts() == {"DeleteMessage": 1}
