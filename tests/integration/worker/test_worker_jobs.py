"""A request becomes a result: message, row and log, and is graded once."""

from __future__ import annotations

import json
import re
import signal
from typing import Any

import pytest

pytestmark = pytest.mark.engine


def test_request_becomes_result_row_and_known_lines(world: Any) -> None:
    """One result with the request's id as correlation id, one row, and lines operators know."""
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
    """What is let through at the desk is refused by nobody later, where it would come for ever."""
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
    """While one message of a request is in work, another waits for its result."""
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
    """What lies in both queues when a worker starts is begun with the urgent one."""
    ordinary = [world.submit() for _ in range(3)]
    urgent = [world.request() for _ in range(3)]
    for request in urgent:
        world.send(json.dumps(request).encode(), queue="PRIORITY_QUEUE_NAME")

    world.start()

    order = [world.result().request_id for _ in range(6)]
    assert order == [request["requestId"] for request in urgent] + ordinary


def test_refused_request_fails_and_is_dead_lettered(world: Any) -> None:
    """Who asked gets a failed result; operators find the message with its reason."""
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
def test_failing_attempts_are_repeated_and_then_given_up(world: Any, language: str) -> None:
    """Each attempt is counted; after the last one the request fails, with no detail of ours."""
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
    """After kill -9 while grading, the message is delivered again and graded by another worker."""
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


def test_request_that_kills_its_workers_is_given_up(world: Any) -> None:
    """A message is not redelivered for ever: attempts are counted before the work."""
    request_id = world.submit(language="gate")
    worker = world.start(MAX_ATTEMPTS="1")
    worker.wait_for(f"Processing request {request_id}")
    worker.signal(signal.SIGKILL)
    worker.ended()

    world.start(MAX_ATTEMPTS="1")

    assert world.result().error.code == "INTERNAL_ERROR"
    assert "ended its worker" in world.dead_letter().headers["x-gradectl-reason"]


def test_several_slots_work_at_the_same_time(world: Any) -> None:
    """A worker with two slots goes on while one of them is busy."""
    worker = world.start(WORKER_SLOTS="2")
    slow = world.submit(language="gate")
    worker.wait_for(f"Processing request {slow}")
    quick = world.submit()

    assert world.result().request_id == quick
    worker.pass_gate()
    assert world.result().request_id == slow
