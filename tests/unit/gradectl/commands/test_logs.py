"""`gradectl logs`, on CloudWatch Logs in this process."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from in_process import ExpiringOutput

GROUP = "/ecs/dev-grading"
TASK = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def account(dev: Any) -> Any:
    """The log of one worker."""
    logs = dev.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    stream = f"grading-worker/grading-worker/{TASK}"
    logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    now = int(time.time() * 1000)
    lines = [
        (now - 3_600_000, "INFO: an hour ago"),
        (now - 3000, "INFO: Processing request req_1"),
        (now - 2000, "INFO: Grading completed - Result: AC, Score: 100"),
        (now - 1000, "ERROR: \x1b[2Jcleared\rscreen"),
    ]
    events = [{"timestamp": at, "message": text} for at, text in lines]
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)
    return dev


def test_lines_are_shown_with_their_task_and_without_control_characters(account: Any) -> None:
    """Of the last ten minutes."""
    result = account.gradectl("logs", "dev")

    assert result.code == 0, result.stderr
    first, *_, last = result.stdout.splitlines()
    assert first == "89abcdef  INFO: Processing request req_1"
    assert "an hour ago" not in result.stdout
    assert last.startswith("89abcdef  ERROR: ")
    assert last.isprintable()


def test_since_and_grep_select_lines(account: Any) -> None:
    """An expression, as of grep."""
    result = account.gradectl("logs", "dev", "--since", "2h", "--grep", "hour|Score: 1")

    assert len(result.stdout.splitlines()) == 2


def test_the_lines_of_a_request_are_shown(account: Any) -> None:
    """Also those that do not name it."""
    result = account.gradectl("logs", "dev", "--request", "req_1", "-o", "json")

    texts = [each["text"] for each in result.document["lines"]]
    assert texts[:2] == [
        "INFO: Processing request req_1",
        "INFO: Grading completed - Result: AC, Score: 100",
    ]


def test_no_line_is_no_error(account: Any) -> None:
    """It says where it looked."""
    result = account.gradectl("logs", "dev", "--request", "req_404")

    assert result.code == 0
    assert result.stdout == ""
    assert f"no such line in log group {GROUP}" in result.stderr


def test_following_writes_a_json_document_per_line_until_it_is_stopped(account: Any) -> None:
    """For programs that read a pipe."""
    out = ExpiringOutput(lines=3)

    result = account.gradectl("logs", "dev", "--follow", "-o", "json", out=out)

    assert result.code == 124
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["kind"] for each in lines] == ["log-line"] * 3
    assert lines[0]["task"] == TASK


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(("--since", "soon"), "not a span of time"), (("--grep", "("), "invalid expression")],
)
def test_an_invalid_option_exits_with_64(
    account: Any, arguments: tuple[str, str], text: str
) -> None:
    """Before anything is read."""
    result = account.gradectl("logs", "dev", *arguments)

    assert result.code == 64
    assert text in result.stderr


def test_without_the_log_group_apply_is_the_next_step(dev: Any) -> None:
    """The environment was not applied."""
    result = dev.gradectl("logs", "dev")

    assert result.code == 1
    assert "no such log group" in result.stderr
    assert "apply" in result.stderr


def test_the_log_of_the_http_api_is_shown(account: Any) -> None:
    """It has a log group of its own; an environment without the API says how to get it."""
    refused = account.gradectl("logs", "dev", "--service", "api")
    assert refused.code == 78
    assert "dev has no HTTP API" in refused.stderr
    assert "enable_api" in refused.stderr
    logs, group = account.client("logs"), "/ecs/dev-grading-api"
    logs.create_log_group(logGroupName=group)
    stream = f"grading-api/grading-api/{TASK}"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    event = {"timestamp": int(time.time() * 1000), "message": "INFO: POST /v1/submissions 202"}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
    with (account.root / "environments/dev/environment.yaml").open("a") as file:
        file.write("variables: {enable_api: true}\n")

    shown = account.gradectl("logs", "dev", "--service", "api")

    assert shown.stdout.splitlines() == ["89abcdef  INFO: POST /v1/submissions 202"]
