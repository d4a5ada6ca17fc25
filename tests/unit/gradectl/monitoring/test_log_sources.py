"""Logs are read from CloudWatch and from files, whole and once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from gradectl.adapters.aws.logs import LogQuery, Logs
from gradectl.errors import GradectlError, TryAgainError
from gradectl.monitoring.log_lines import LogLine
from gradectl.monitoring.log_sources import (
    CloudWatchSource,
    FileSource,
    follow,
    last_lines,
    request_lines,
)

GROUP = "/ecs/dev-grading"
START = 1_724_155_200_000  # 2024-08-20 12:00:00 UTC
NOW = int(time.time() * 1000)  # CloudWatch rejects old events


def never() -> bool:
    """A pause whose time is over."""
    return False


@pytest.fixture
def client() -> Iterator[Any]:
    """CloudWatch Logs in this process, with the log of two workers."""
    with mock_aws():
        logs = boto3.client("logs", region_name="eu-west-1")
        logs.create_log_group(logGroupName=GROUP)
        for task, texts in {
            "t1": ["Processing request req_1", "Downloaded source", "Result sent to queue"],
            "t2": ["Processing request req_2"],
        }.items():
            stream = f"grading-worker/grading-worker/{task}"
            logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
            events = [{"timestamp": NOW + n, "message": text} for n, text in enumerate(texts)]
            logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)
        yield logs


@pytest.fixture
def source(client: Any) -> CloudWatchSource:
    return CloudWatchSource(Logs(client), GROUP, "grading-worker", never)


def texts(lines: Iterator[LogLine] | tuple[LogLine, ...]) -> list[str]:
    return [f"{each.task} {each.text}" for each in lines]


def test_all_lines_of_a_log_group_are_read_with_their_task(source: CloudWatchSource) -> None:
    """In the order of their time."""
    assert sorted(texts(source.read(NOW))) == [
        "t1 Downloaded source",
        "t1 Processing request req_1",
        "t1 Result sent to queue",
        "t2 Processing request req_2",
    ]
    assert texts(source.read(NOW + 2)) == ["t1 Result sent to queue"]


def test_the_lines_of_a_request_are_read_from_its_task_only(source: CloudWatchSource) -> None:
    """Also those that do not name it."""
    assert texts(request_lines(source, "req_1", NOW)) == [
        "t1 Processing request req_1",
        "t1 Downloaded source",
        "t1 Result sent to queue",
    ]
    assert texts(request_lines(source, "req_3", NOW)) == []


def test_the_last_lines_of_one_task(source: CloudWatchSource) -> None:
    """At most the given number."""
    assert texts(last_lines(source, NOW, 1, ["t1"])) == ["t1 Result sent to queue"]


def test_a_missing_log_group_is_named(client: Any) -> None:
    """The error has the next step; for the last lines of a worker there are none."""
    source = CloudWatchSource(Logs(client), "/ecs/none", "grading-worker", never)

    with pytest.raises(GradectlError, match="no such log group") as caught:
        list(source.read(START))

    assert "apply" in caught.value.next_step
    assert last_lines(source, START, 10) == ()


class PagedClient:
    """Answers FilterLogEvents with one line a page, or with an error."""

    def __init__(self, *script: str) -> None:
        self.script = list(script)
        self.tokens: list[str | None] = []

    def filter_log_events(self, **call: Any) -> dict[str, Any]:
        self.tokens.append(call.get("nextToken"))
        text = self.script.pop(0)
        if text.endswith("Exception"):
            raise ClientError({"Error": {"Code": text}}, "FilterLogEvents")
        event = {"timestamp": START, "logStreamName": "s", "message": text, "eventId": text}
        more = {"nextToken": f"after {text}"} if self.script else {}
        return {"events": [event] if text != "empty" else [], **more}


def test_a_throttled_page_is_read_again_and_no_line_is_lost() -> None:
    """With the same token, after a pause; an empty page is not the end."""
    client = PagedClient("a", "empty", "ThrottlingException", "ThrottlingException", "b")
    waited: list[bool] = []

    found = Logs(client).events(LogQuery(GROUP, START), lambda: waited.append(True) or True)

    assert [each.text for each in found] == ["a", "b"]
    assert client.tokens == [None, "after a", "after empty", "after empty", "after empty"]
    assert len(waited) == 2


def test_a_task_without_a_log_hides_no_other() -> None:
    """A task that never started has no stream, and CloudWatch refuses its name."""
    client = PagedClient("ResourceNotFoundException", "a")

    found = Logs(client).events(LogQuery(GROUP, START, streams=["s", "none"]), never)

    assert [each.text for each in found] == ["a"]


def test_endless_throttling_ends_with_75() -> None:
    """The command can be run again."""
    with pytest.raises(TryAgainError):
        list(Logs(PagedClient("ThrottlingException")).events(LogQuery(GROUP, START), never))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The logs of a local stack with two workers, a broker, and another service."""
    (tmp_path / "dev-service-8-123456-1.log").write_text(
        "[2024-08-20 12:00:00] INFO: Processing request req_1\n"
        "[2024-08-20 12:00:02] ERROR: it failed\nTraceback\n"
    )
    (tmp_path / "dev-service-8-123456-2.log").write_text("[2024-08-20 12:00:01] INFO: other\n")
    (tmp_path / "broker.log").write_text("[2024-08-20 12:00:01] INFO: not a worker\n")
    return tmp_path


def test_files_of_workers_are_merged_by_time(folder: Path) -> None:
    """Other services have files of their own."""
    source = FileSource(folder, "dev-service")

    assert texts(source.read(START)) == [
        "8-123456-1 [2024-08-20 12:00:00] INFO: Processing request req_1",
        "8-123456-2 [2024-08-20 12:00:01] INFO: other",
        "8-123456-1 [2024-08-20 12:00:02] ERROR: it failed",
        "8-123456-1 Traceback",
    ]
    assert texts(source.read(START + 2000, phrase="ERROR")) == [
        "8-123456-1 [2024-08-20 12:00:02] ERROR: it failed"
    ]


def test_a_restarted_task_has_one_file(folder: Path) -> None:
    """ECS gives each start an id of its own."""
    found = last_lines(FileSource(folder, "dev-service"), 0, 1, ["dev-service-8-123456-1.3"])

    assert texts(found) == ["8-123456-1 Traceback"]


def test_without_a_worker_the_error_says_so(tmp_path: Path) -> None:
    """The next step shows the services."""
    with pytest.raises(GradectlError, match="no worker has run yet"):
        list(FileSource(tmp_path, "dev-service").read(0))


def test_following_returns_each_line_once_also_late_ones() -> None:
    """Lines of several tasks do not arrive in the order of their time."""
    first, late, new = (LogLine(START + n * 1000, "t", str(n), str(n)) for n in (5, 3, 9))
    reads = [[first], [late, first], [late, first, new]]
    starts: list[int] = []

    def read(start_ms: int) -> Iterator[LogLine]:
        starts.append(start_ms)
        return iter(reads.pop(0))

    source: Any = SimpleNamespace(read=read)

    found = list(follow(source, START, lambda: bool(reads)))

    assert [each.text for each in found] == ["5", "3", "9"]
    assert starts == [START, START, START]
