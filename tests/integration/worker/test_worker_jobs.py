"""From request to result: message, row and log."""

from __future__ import annotations

import json
import re
import signal
from typing import Any

import pytest

pytestmark = pytest.mark.engine


def test_request_becomes_result_row_and_known_lines(world: Any) -> None:
    """One result message, one row, and the log lines of the contract."""
    worker = world.start()
    request_id = world.submit()

    result = world.result()

    assert (result.request_id, result.status) == (request_id, "completed")
    worker.wait_for("INFO: Result sent to queue")
    stamp = r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] INFO: "
    assert any(re.fullmatch(stamp + f"Processing request {request_id}", x) for x in worker.lines)
    assert world.jobs.get(request_id).status == "completed"
    status, checks = worker.health()
    assert (status, {check["ok"] for check in checks.values()}) == (200, {True})
    assert world.nothing_more()


def test_the_largest_result_passes_through_all_engines(world: Any) -> None:
    """A result within the limit is accepted by database, bucket and broker."""
    world.start()
    request_id = world.submit(language="large")

    body = world.receive("RESULT_QUEUE_NAME").body

    assert json.loads(body)["result"] == '"' * 3_000_000
    assert world.jobs.get(request_id).result.to_json() == body


def test_same_request_twice_is_graded_once_and_answered_twice(world: Any) -> None:
    """The second message with a request id gets the stored result and counts no attempt."""
    world.start()
    request = world.request()
    for _ in range(2):
        world.send(json.dumps(request).encode())

    assert world.result() == world.result()
    assert world.jobs.get(request["requestId"]).attempts == 1


def test_same_request_twice_at_the_same_time_is_graded_once(world: Any) -> None:
    """While one message of a request is processed, the other is delayed."""
    body = json.dumps(world.request(language="gate")).encode()
    busy = world.start()
    world.send(body)
    busy.wait_for("Processing request")
    world.send(body)
    world.start().wait_for("held by another message")

    busy.pass_gate()

    assert world.result() == world.result()
    assert world.nothing_more()


def test_priority_queue_is_served_first(world: Any) -> None:
    """A starting worker takes the priority queue first."""
    ordinary = [world.submit() for _ in range(3)]
    urgent = [world.request() for _ in range(3)]
    for request in urgent:
        world.send(json.dumps(request).encode(), queue="PRIORITY_QUEUE_NAME")

    world.start()

    order = [world.result().request_id for _ in range(6)]
    assert order == [request["requestId"] for request in urgent] + ordinary


def test_rejected_request_fails_and_is_dead_lettered(world: Any) -> None:
    """The user gets a failed result; operators find the message with its reason."""
    world.start()
    request_id = world.submit(language="nonsense")

    result, dead = world.result(), world.dead_letter()

    assert (result.status, result.error.code) == ("failed", "UNKNOWN_LANGUAGE")
    assert json.loads(dead.body)["requestId"] == request_id
    assert dead.headers["x-gradectl-reason-code"] == "UNKNOWN_LANGUAGE"
    assert dead.headers["x-gradectl-original-queue"] == world.environment["QUEUE_NAME"]
    assert world.jobs.get(request_id).status == "failed"
    assert b"UNKNOWN_LANGUAGE" in world.object(f"results/{request_id}/result.json")


@pytest.mark.parametrize("language", ["storm", "bug"])
def test_failing_attempts_are_repeated_until_exhausted(world: Any, language: str) -> None:
    """After the last attempt the request fails; the user sees no internal detail."""
    world.start(MAX_ATTEMPTS="2")
    request_id = world.submit(language=language)

    result, dead = world.result(), world.dead_letter()

    assert result.error.code == "INTERNAL_ERROR"
    assert "weather" not in result.error.message
    assert "nobody" not in result.error.message
    assert dead.headers["x-gradectl-attempt"] == "2"
    assert re.search("weather|nobody", dead.headers["x-gradectl-reason"])
    assert world.jobs.get(request_id).attempts == 2
    assert world.nothing_more()


def test_killed_worker_leaves_its_request_to_the_next(world: Any) -> None:
    """After kill -9 during grading, another worker grades the redelivered message."""
    first = world.start()
    request_id = world.submit(language="gate")
    first.wait_for(f"Processing request {request_id}")
    first.signal(signal.SIGKILL)
    first.ended()

    second = world.start()
    second.wait_for(f"Processing request {request_id}")
    second.pass_gate()

    assert world.result().status == "completed"
    assert world.jobs.get(request_id).attempts == 2
    assert world.nothing_more()


def test_request_that_kills_its_workers_is_exhausted(world: Any) -> None:
    """Attempts are counted before the work, so redelivery ends."""
    request_id = world.submit(language="gate")
    worker = world.start(MAX_CRASHES="1")
    worker.wait_for(f"Processing request {request_id}")
    worker.signal(signal.SIGKILL)
    worker.ended()

    world.start(MAX_CRASHES="1")

    assert world.result().error.code == "INTERNAL_ERROR"
    dead = world.dead_letter()
    assert "ended their worker" in dead.headers["x-gradectl-reason"]
    assert dead.headers["x-gradectl-attempt"] == "1"


def test_several_consumers_work_at_the_same_time(world: Any) -> None:
    """A worker with two consumers continues while one of them is busy."""
    worker = world.start(WORKER_SLOTS="2")
    slow = world.submit(language="gate")
    worker.wait_for(f"Processing request {slow}")
    quick = world.submit()

    assert world.result().request_id == quick
    worker.pass_gate()
    assert world.result().request_id == slow
