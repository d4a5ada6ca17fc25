"""Errors of S3: the request is tried again, and graded when the bucket is back."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from forked_script import GRADER
from http_relay import HttpRelay

pytestmark = pytest.mark.engine

SLOW_DOWN = (
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)


class ThrottledBucket(HttpRelay):
    """A relay to the emulated account whose submissions cannot be read at first."""

    def __init__(self, target: str) -> None:
        """Throttle until `recovered` is set."""
        super().__init__(target)
        self.recovered = threading.Event()

    def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Refuse or relay a request."""
        if method == "GET" and "/submissions/" in path and not self.recovered.is_set():
            return 503, [("Content-Type", "application/xml")], SLOW_DOWN
        return super().answer(method, path, headers, body)


@pytest.fixture
def bucket(moto_server: str) -> Iterator[ThrottledBucket]:
    """A bucket that throttles."""
    with ThrottledBucket(moto_server).running() as relay:
        yield relay


@pytest.fixture
def start(world: Any, launcher: Any, bucket: ThrottledBucket) -> Callable[..., tuple[Any, str]]:
    """Start a real worker on that bucket, and send a request that it would accept."""

    def started(**settings: str) -> tuple[Any, str]:
        settings |= {"LAUNCHER_PATH": str(launcher), "LANGUAGES": "python"}
        worker = world.start(GRADER, "worker", AWS_ENDPOINT_URL=bucket.url, **settings)
        request = world.request()
        request_id = str(request["requestId"])
        for key, content in (
            (f"submissions/{request_id}/solution.py", b"print(input())"),
            ("problems/prob_001/testcases/1.in", b"7\n"),
            ("problems/prob_001/testcases/1.ans", b"7\n"),
        ):
            world.client("s3").put_object(Bucket=world.bucket, Key=key, Body=content)
        world.send(json.dumps(request).encode())
        return worker, request_id

    return started


def test_throttled_bucket_delays_a_request_and_does_not_fail_it(
    world: Any, bucket: ThrottledBucket, start: Callable[..., tuple[Any, str]]
) -> None:
    """It is graded once the bucket has recovered."""
    worker, request_id = start()
    assert "SlowDown" in worker.wait_for("Attempt failed")

    bucket.recovered.set()

    result = world.result()
    assert (result.request_id, result.status) == (request_id, "completed")
    assert result.result.verdict == "AC"
    assert world.jobs.get(request_id).attempts > 1
    assert world.nothing_more()


@pytest.mark.exhaustive
def test_request_of_a_bucket_that_stays_away_is_a_dead_letter(
    world: Any, start: Callable[..., tuple[Any, str]]
) -> None:
    """With the reason, where it came from, and since when."""
    start(MAX_ATTEMPTS="2")

    dead = world.dead_letter()

    assert "SlowDown" in dead.headers["x-gradectl-reason"]
    assert dead.headers["x-gradectl-reason-code"] == "INTERNAL_ERROR"
    assert dead.headers["x-gradectl-attempt"] == "2"
    assert dead.headers["x-gradectl-original-queue"] == world.environment["QUEUE_NAME"]
    assert dead.headers["x-gradectl-first-seen"].endswith("Z")
    assert world.result().error.code == "INTERNAL_ERROR"
