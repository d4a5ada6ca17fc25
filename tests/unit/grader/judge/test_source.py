"""Reading the source of a submission."""

from __future__ import annotations

import pytest

from grader.contract.bucket import ObjectUrl
from grader.errors import RequestError
from grader.judge.limits import MaxLimits
from grader.judge.source import check_length, read_source
from grader.problems.model import ProblemSettings
from grader.testing import MemoryObjectStore

URL = ObjectUrl("files", "submissions/r/solution.py")
MAX_LIMITS = MaxLimits(time_limit_ms=1000, memory_limit_mb=64, source_bytes=2000)


@pytest.fixture
def store() -> MemoryObjectStore:
    """A bucket with a source as long as any may be."""
    store = MemoryObjectStore()
    store.put(URL.key, b"#" * 2000, content_type="text/plain")
    return store


def test_a_source_is_read_as_it_is(store: MemoryObjectStore) -> None:
    """Up to the worker's maximum, to the byte."""
    assert read_source(store, URL, MAX_LIMITS) == b"#" * 2000


def test_a_source_that_is_not_there_is_named(store: MemoryObjectStore) -> None:
    """The producer forgot to upload it, or sent another address."""
    store.delete([URL.key])

    with pytest.raises(RequestError, match=r"s3://files/submissions/r/.* does not exist") as caught:
        read_source(store, URL, MAX_LIMITS)
    assert caught.value.code == "SOURCE_NOT_FOUND"


def test_a_source_above_the_ceiling_is_refused(store: MemoryObjectStore) -> None:
    """It is told how much is allowed."""
    store.put(URL.key, b"#" * 2001, content_type="text/plain")

    with pytest.raises(RequestError, match="larger than 2000 bytes") as caught:
        read_source(store, URL, MAX_LIMITS)
    assert caught.value.code == "SOURCE_TOO_LARGE"


def test_a_problem_may_want_shorter_sources() -> None:
    """Its limit is in kB, to the byte."""
    settings = ProblemSettings(source_limit_kb=1)
    check_length(b"#" * 1024, MAX_LIMITS, settings)

    with pytest.raises(RequestError, match="larger than 1024 bytes"):
        check_length(b"#" * 1025, MAX_LIMITS, settings)
