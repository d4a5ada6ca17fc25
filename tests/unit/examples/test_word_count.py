"""The example handler, tested with the in-memory fakes that are shipped for plugins."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.contract.messages import JobResult
from grader.errors import RequestError
from grader.testing import MemoryObjectStore

EXAMPLE = Path(__file__).parents[3] / "examples" / "word-count"


@pytest.fixture(scope="module")
def example() -> Iterator[Any]:
    """The module of the example, which is not installed."""
    with pytest.MonkeyPatch.context() as path:
        path.syspath_prepend(EXAMPLE)
        yield importlib.import_module("grader_word_count")


@pytest.fixture
def objects() -> MemoryObjectStore:
    """A bucket with one document."""
    store = MemoryObjectStore()
    store.put("documents/a b.txt", "één  woord\nof twee\n".encode(), content_type="text/plain")
    return store


@pytest.fixture
def count(example: Any, objects: MemoryObjectStore) -> Callable[[str], JobResult]:
    """Counts the document at a URL."""
    counter = example.WordCounter(objects, "files")
    return lambda url: counter(example.CountRequest(request_id="c_1", source_file=url))


def test_a_document_is_counted_and_the_result_stored(
    count: Callable[[str], JobResult], objects: MemoryObjectStore
) -> None:
    """Message and object in the bucket are the same."""
    result = count("s3://files/documents/a b.txt")

    assert result.result == {"lines": 2, "words": 4, "bytes": 21}
    assert result.result_file == "s3://files/results/c_1/result.json"
    assert objects.objects["results/c_1/result.json"] == result.to_json()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("s3://files/documents/none", "SOURCE_NOT_FOUND"),
        ("s3://elsewhere/documents/a b.txt", "FOREIGN_OBJECT"),
        ("s3://files/documents/../secret", "INVALID_REQUEST"),
        ("/etc/passwd", "INVALID_REQUEST"),
    ],
)
def test_a_document_that_cannot_be_read_is_rejected(
    count: Callable[[str], JobResult], url: str, code: str
) -> None:
    """Each case has its published error code."""
    with pytest.raises(RequestError) as caught:
        count(url)

    assert caught.value.code == code
