"""Fixtures for most tests of the worker."""

from __future__ import annotations

import io
import threading

import pytest

from grader.logs import Logger, Redactor, make_logger
from grader.worker.health import Health
from grader.worker.retry import Retrier


@pytest.fixture
def log_stream() -> io.StringIO:
    """Output of `log`."""
    return io.StringIO()


@pytest.fixture
def log(log_stream: io.StringIO) -> Logger:
    """A logger in the text format."""
    return make_logger("text", "INFO", redactor=Redactor(), stream=log_stream)


@pytest.fixture
def stopping() -> threading.Event:
    """Set when the worker shuts down."""
    return threading.Event()


@pytest.fixture
def retrier(stopping: threading.Event, log: Logger) -> Retrier:
    """Retries until `stopping` is set."""
    return Retrier(stopping, Health(), log)
