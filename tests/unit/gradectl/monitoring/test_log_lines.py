"""Times of log lines, the lines of one request, and lines that are safe to print."""

from __future__ import annotations

import json

import pytest

from gradectl.monitoring.log_lines import (
    LogLine,
    RequestFilter,
    printed,
    seconds_of,
    time_ms,
    with_times,
)

TIME = 1_724_155_200_000  # 2024-08-20 12:00:00 UTC


def line(text: str, task: str = "t1") -> LogLine:
    return LogLine(TIME, task, text, text)


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("2h", 7200),
        ("1d", 86400),
        ("10", None),
        ("-1m", None),
        ("", None),
    ],
)
def test_a_span_is_a_number_with_a_unit(span: str, seconds: int | None) -> None:
    """Anything else is not guessed."""
    assert seconds_of(span) == seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[2024-08-20 12:00:00] INFO: Result sent to queue", TIME),
        ('{"time": "2024-08-20T12:00:00.250+00:00", "message": "x"}', TIME + 250),
        ("Traceback (most recent call last):", None),
        ('{"time": "soon"}', None),
        ("{not json", None),
    ],
)
def test_the_time_of_a_line_is_read_in_both_formats(text: str, expected: int | None) -> None:
    """In UTC; a line without a time has none."""
    assert time_ms(text) == expected


def test_a_line_without_a_time_has_that_of_the_line_before() -> None:
    """So a traceback stays behind its error."""
    texts = ["[2024-08-20 12:00:00] ERROR: x\n", "Traceback\n"]

    found = list(with_times(texts, "t1", "file"))

    assert [each.at_ms for each in found] == [TIME, TIME]
    assert [each.text for each in found] == ["[2024-08-20 12:00:00] ERROR: x", "Traceback"]
    assert len({each.key for each in found}) == 2


def test_the_lines_of_a_request_are_those_of_its_task_until_its_result() -> None:
    """The lines between name no request in the text format."""
    chosen = RequestFilter("req_1")
    lines = [
        (False, line("INFO: Processing request req_10")),
        (False, line("INFO: Result sent to queue")),
        (True, line("INFO: Processing request req_1")),
        (False, line("INFO: Downloaded source file from S3", task="t2")),
        (True, line("INFO: Downloaded source file from S3")),
        (True, line("INFO: Result sent to queue")),
        (False, line("INFO: Downloaded source file from S3")),
        (True, line("WARNING: retry request=req_1", task="t2")),
    ]

    assert [chosen.accepts(each) for _, each in lines] == [wanted for wanted, _ in lines]


def test_the_next_request_of_a_task_ends_the_one_before() -> None:
    """A job that was put back has no result line."""
    chosen = RequestFilter("req_1")

    assert chosen.accepts(line("INFO: Processing request req_1"))
    assert not chosen.accepts(line("INFO: Processing request req_2"))
    assert not chosen.accepts(line("INFO: Downloaded source file from S3"))


def test_lines_in_json_name_their_request() -> None:
    """Also among lines of other requests of the same task."""
    chosen = RequestFilter("req_1")

    assert chosen.accepts(line(json.dumps({"request_id": "req_1", "message": "a"})))
    assert not chosen.accepts(line(json.dumps({"request_id": "req_2", "message": "req_1"})))


def test_a_printed_line_is_one_line_without_control_characters() -> None:
    """Logs hold text of submissions, which could control the terminal."""
    found = printed(line("a\x1b[2Jb\rc\nd", task="0123456789abcdef"), with_task=True)

    assert found.isprintable()
    assert found.startswith("89abcdef  a")
