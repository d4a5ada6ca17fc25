"""A submission becomes a request, and its files are stored where the request says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from grader.client.submission import Limits, Source, make_request, new_request_id, upload_source
from grader.contract.messages import GradingRequest
from grader.errors import RequestError
from grader.testing import MemoryObjectStore

SOURCE = Source("my solution.py", b"print(3)\n")


def request(**changes: Any) -> GradingRequest:
    values: dict[str, Any] = {
        "bucket": "b",
        "problem_id": "sum",
        "language": "python",
        "source": SOURCE,
        "limits": Limits(1000, 64),
        "user_id": "u",
    }
    return make_request(**{**values, **changes})


def test_request_ids_sort_by_time_and_are_unique() -> None:
    """So a listing of submissions/ is in the order of submission."""
    early, late = datetime(2024, 8, 20, tzinfo=UTC), datetime(2024, 8, 21, tzinfo=UTC)

    assert new_request_id(early) < new_request_id(late)
    assert new_request_id(early) != new_request_id(early)


def test_a_request_has_the_url_of_the_stored_source() -> None:
    """The worker downloads the source from it."""
    store = MemoryObjectStore()
    sent = request()

    upload_source(store, sent, SOURCE)

    key = f"submissions/{sent.request_id}/solution.py"
    assert sent.source_file == f"s3://b/{key}"
    assert sent.test_cases == "s3://b/problems/sum/testcases/"
    assert store.objects[key] == SOURCE.content
    metadata = json.loads(store.objects[f"submissions/{sent.request_id}/metadata.json"])
    assert metadata["fileName"] == "my solution.py"
    assert metadata["sizeBytes"] == len(SOURCE.content)
    assert metadata["requestId"] == sent.request_id


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"problem_id": "../x"}, "^problem_id: "),
        ({"language": ""}, "^language: "),
        ({"user_id": ""}, "^user_id: "),
    ],
)
def test_invalid_values_are_rejected(change: dict[str, str], words: str) -> None:
    """The error begins with the name of the argument."""
    with pytest.raises(RequestError, match=words):
        request(**change)
