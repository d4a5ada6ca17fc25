"""Format of log lines, and masking of secrets."""

from __future__ import annotations

import io
import json
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.logs import Redactor, escape, forward_standard_logging, make_logger


@pytest.fixture
def stream() -> io.StringIO:
    """Output of the log."""
    return io.StringIO()


def test_text_line_is_exactly_time_level_and_message(stream: io.StringIO) -> None:
    """Fields of an INFO line are left out: operators match whole lines."""
    log = make_logger("text", "INFO", redactor=Redactor(), stream=stream)

    log.info("Processing request req_123456789", request_id="req_123456789")

    pattern = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] INFO: Processing request req_123456789\n"
    assert re.fullmatch(pattern, stream.getvalue())


def test_warning_carries_its_fields(stream: io.StringIO) -> None:
    """A warning needs its details."""
    log = make_logger("text", "INFO", redactor=Redactor(), stream=stream)

    log.warning("Waiting", reason="refused")

    assert stream.getvalue().endswith("WARNING: Waiting reason=refused\n")


def test_json_line_has_all_fields(stream: io.StringIO) -> None:
    """One JSON object per line."""
    log = make_logger("json", "INFO", redactor=Redactor(), stream=stream)

    log.info("Result sent to queue", request_id="req_1", attempt=2)

    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "message": "Result sent to queue",
        "request_id": "req_1",
        "attempt": 2,
    }


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_never_reach_a_line(stream: io.StringIO, log_format: str) -> None:
    """Neither in the message, nor in fields or nested values, nor in a traceback."""
    redactor = Redactor()
    log = make_logger(log_format, "INFO", redactor=redactor, stream=stream)
    redactor.hide("hunter-22")

    log.warning("is hunter-22", field="hunter-22", nested={"a": ["hunter-22"]})
    try:
        {}["hunter-22"]
    except KeyError:
        log.exception("failed")

    assert "hunter" not in stream.getvalue()
    assert stream.getvalue().count("***") >= 3


def test_value_cannot_forge_a_line(stream: io.StringIO) -> None:
    """Newlines and terminal sequences in a value are escaped."""
    log = make_logger("text", "INFO", redactor=Redactor(), stream=stream)

    log.info("user\n[2024-08-20 12:00:00] INFO: forged \x1b[31m")

    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


@given(st.text())
def test_escaped_text_is_printable(text: str) -> None:
    """For any text."""
    assert escape(text).isprintable()


def test_level_drops_lower_events(stream: io.StringIO) -> None:
    """LOG_LEVEL is the lowest level that is logged."""
    log = make_logger("text", "WARNING", redactor=Redactor(), stream=stream)

    log.info("not this")

    assert stream.getvalue() == ""


def test_libraries_log_in_the_same_format(stream: io.StringIO) -> None:
    """A warning of a library becomes a log line of the worker."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    try:
        forward_standard_logging(make_logger("text", "INFO", redactor=Redactor(), stream=stream))
        logging.getLogger("some.library").warning("beware of %s", "dogs")
    finally:
        root.handlers, level = before
        root.setLevel(level)

    assert stream.getvalue().endswith("WARNING: beware of dogs library=some.library\n")
