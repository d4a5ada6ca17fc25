"""A submission is checked, stored and sent, and its result is polled."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gradectl.errors import DeadlineError, GradectlError, UsageError
from gradectl.queues.testing import MemoryBroker
from gradectl.submissions.submit import (
    MAX_SOURCE_BYTES,
    Limits,
    Source,
    check_problem_exists,
    make_request,
    new_request_id,
    read_source_file,
    send_request,
    stored_result,
    upload_source,
    wait_for_result,
)
from grader.contract.bucket import result_key
from grader.contract.messages import Grade, GradingRequest, GradingResult
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.languages import LANGUAGES
from grader.testing import MemoryObjectStore

SOURCE = Source("my solution.py", b"print(3)\n")
EXAMPLES = Path(__file__).parents[4] / "examples"


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


def result(request_id: str) -> bytes:
    grade = Grade(verdict=Verdict.ACCEPTED, score=100, execution_time=1, memory_usage=1)
    now = datetime.now(UTC)
    done = GradingResult(
        request_id=request_id, status=Status.COMPLETED, result=grade, timestamp=now
    )
    return done.to_json()


class Clock:
    """A clock that advances only in `pause`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.on_pause: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        self.on_pause()


def test_a_source_is_read_with_its_name(tmp_path: Path) -> None:
    """The object key has the extension of the name."""
    path = tmp_path / "a.py"
    path.write_bytes(b"print(3)\n")

    source = read_source_file(path)

    assert (source.name, source.content, source.extension) == ("a.py", b"print(3)\n", "py")


def test_a_source_of_50_mb_is_rejected_without_being_read(tmp_path: Path) -> None:
    """The error has both sizes."""
    path = tmp_path / "big.py"
    with path.open("wb") as file:
        file.truncate(50 << 20)

    with pytest.raises(UsageError) as caught:
        read_source_file(path)

    assert f"{50 << 20} bytes" in caught.value.what
    assert str(MAX_SOURCE_BYTES) in caught.value.what


def test_a_source_of_the_maximum_size_is_accepted(tmp_path: Path) -> None:
    """The limit is the default of the worker."""
    path = tmp_path / "a.py"
    path.write_bytes(b"#" * MAX_SOURCE_BYTES)

    assert len(read_source_file(path).content) == MAX_SOURCE_BYTES


def test_an_invalid_source_file_is_rejected(tmp_path: Path) -> None:
    """Missing, empty or a folder, each with its own error."""
    (tmp_path / "empty.py").touch()
    for name, words in (
        ("none.py", "No such file"),
        ("empty.py", "the file is empty"),
        ("", "not a regular file"),
    ):
        with pytest.raises(UsageError) as caught:
            read_source_file(tmp_path / name)
        assert words in caught.value.what


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
        ({"problem_id": "../x"}, "problem"),
        ({"language": ""}, "language"),
        ({"user_id": ""}, "user"),
    ],
)
def test_invalid_values_are_rejected(change: dict[str, str], words: str) -> None:
    """The error names the option."""
    with pytest.raises(UsageError, match=words):
        request(**change)


def test_the_message_has_the_request_id_as_correlation_id() -> None:
    """Operators find a request in a queue by it."""
    broker = MemoryBroker()
    sent = request()

    send_request(broker, "grading-requests", sent)

    (message,) = broker.messages("grading-requests")
    assert GradingRequest.from_json(message.body) == GradingRequest.from_json(sent.to_json())
    assert message.headers["correlation-id"] == sent.request_id


def test_a_problem_without_test_cases_is_not_found() -> None:
    """The next step is to push it."""
    store = MemoryObjectStore()
    store.objects["problems/sum2/testcases/1.in"] = b""

    with pytest.raises(GradectlError) as caught:
        check_problem_exists(store, "sum", "local")

    assert caught.value.next_step.startswith("gradectl problem push -e local")
    check_problem_exists(store, "sum2", "local")


def test_polling_intervals_grow() -> None:
    """From 20 ms, so that fast results are seen quickly, to 2 s."""
    store, clock = MemoryObjectStore(), Clock()

    def finish_after_a_minute() -> None:
        if clock.now > 60:
            store.objects[result_key("req_1")] = result("req_1")

    clock.on_pause = finish_after_a_minute
    found = wait_for_result(store, "req_1", 300.0, pause=clock.pause, clock=clock)

    assert found.request_id == "req_1"
    assert clock.pauses[0] <= 0.02
    assert clock.pauses == sorted(clock.pauses)
    assert max(clock.pauses) == 2.0
    assert len(clock.pauses) < 60


def test_polling_ends_at_the_deadline() -> None:
    """The last interval is shortened."""
    clock = Clock()

    with pytest.raises(DeadlineError) as caught:
        wait_for_result(MemoryObjectStore(), "req_1", 10.0, pause=clock.pause, clock=clock)

    assert clock.now == pytest.approx(10.0)
    assert caught.value.exit_code == 124


def test_a_stored_object_that_is_not_a_result_is_an_error() -> None:
    """Polling does not continue."""
    store = MemoryObjectStore()
    store.objects[result_key("req_1")] = b"{}"

    with pytest.raises(GradectlError, match="not a valid result"):
        stored_result(store, "req_1")


def test_the_sample_submissions_are_complete() -> None:
    """Each file is valid, each expectation is a verdict or an error code."""
    document = yaml.safe_load((EXAMPLES / "submissions.yaml").read_text())
    known = {name for each in LANGUAGES for name in (each.name, *each.aliases)}

    for each in document["submissions"]:
        expect = each["expect"]
        read_source_file(EXAMPLES / each["file"])
        assert (EXAMPLES / "problems" / each["problem"]).is_dir()
        if Status(expect["status"]) is Status.COMPLETED:
            assert Verdict(expect["verdict"])
            assert each["language"] in known
        else:
            assert ErrorCode(expect["error"])
    assert len(document["submissions"]) >= 10
    assert {each["expect"].get("verdict") for each in document["submissions"]} >= {
        *("AC", "WA", "TLE", "MLE", "RE", "CE", "OLE"),
    }
