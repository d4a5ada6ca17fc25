"""A consumer over in-memory fakes."""

from __future__ import annotations

import threading

import pytest
from consumer_bench import Bench

from grader.logs import Logger
from grader.worker.retry import Retrier


@pytest.fixture
def bench(retrier: Retrier, log: Logger, stopping: threading.Event) -> Bench:
    """A consumer whose handler accepts everything."""
    return Bench(retrier, log, stopping)
