"""The API as processes, with real engines."""

from __future__ import annotations

import signal
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.error import HTTPError

import pytest
from api_world import ApiProcess, ApiWorld
from memory_api import until

from grader.contract.api_keys import Scope

pytestmark = pytest.mark.engine
# `constant_worker.py` goes by the language; the API knows these, and the worker has no sandbox.
PROGRAM = {"problemId": "sum", "language": "python", "source": "print(3)"}
TEN = 10


def test_a_run_answers_the_result_of_a_worker(api: ApiProcess, key: str) -> None:
    """Through bucket, broker, worker and database."""
    answer = api.post("/v1/run", {"submission": PROGRAM}, key)

    assert answer.status == 200, answer.body
    assert answer.json["result"]["verdict"] == "AC"
    assert api.get(f"/v1/submissions/{answer.json['requestId']}", key).body == answer.body


def test_one_api_sees_what_the_other_took(apis: tuple[ApiProcess, ApiProcess], key: str) -> None:
    """They share no memory: any of them may answer, wait, and resume a stream."""
    first, second = apis
    accepted = first.post("/v1/submissions", PROGRAM, key).json

    with second.events(accepted["requestId"], key) as events:
        number, document = list(events)[-1]

    assert document["status"] == "completed"
    assert second.get(accepted["url"], key).json == document
    assert (
        first.get(accepted["eventsUrl"], key, headers={"Last-Event-ID": str(number)}).status == 204
    )


def test_a_large_program_is_put_to_the_bucket(api: ApiProcess, key: str) -> None:
    """By the URL of the answer, without credentials."""
    accepted = api.post("/v1/submissions", {"problemId": "sum", "language": "python"}, key).json
    url = accepted["url"]
    assert api.post(f"{url}/uploaded", None, key).status == 409
    request = urllib.request.Request(
        accepted["uploadUrl"], b"print(3)", accepted["uploadHeaders"], method="PUT"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
    request.data = b"print(4)"
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    with caught.value as refused:
        assert refused.code == 412

    assert api.post(f"{url}/uploaded", None, key).status == 202
    with api.events(accepted["requestId"], key) as events:
        assert list(events)[-1][1]["status"] == "completed"


def test_a_batch_is_graded_and_read_in_one_call(api: ApiProcess, key: str) -> None:
    """In the order in which it was sent."""
    programs = [{**PROGRAM, "problemId": f"p{number}"} for number in range(5)]
    accepted = api.post("/v1/batches", {"submissions": programs}, key).json
    for each in accepted["submissions"]:
        with api.events(each["requestId"], key) as events:
            list(events)

    batch = api.get(accepted["url"], key).json

    assert (batch["size"], batch["finished"]) == (5, 5)
    assert [each["problemId"] for each in batch["submissions"]] == ["p0", "p1", "p2", "p3", "p4"]
    assert {each["result"]["verdict"] for each in batch["submissions"]} == {"AC"}


def test_counters_and_overview_come_from_the_engines(
    world: ApiWorld, api: ApiProcess, key: str
) -> None:
    """The worker is a consumer of the queue, and was seen."""
    admin = world.make_key("root", *Scope)
    api.post("/v1/run", {"submission": PROGRAM}, key)

    status = api.get("/v1/queue/status", key).json
    overview = api.get("/v1/operator/overview", admin).json

    assert status["status"] == "success"
    assert status["sqs_enabled"] is False
    assert status["consumers"] == 2
    assert [each["name"] for each in overview["queues"]][:2] == [
        world.environment["QUEUE_NAME"],
        world.environment["PRIORITY_QUEUE_NAME"],
    ]
    assert overview["workers"]
    assert api.get("/health").json["status"] == "ok"
    assert b"grading_api_requests_total" in api.get("/metrics").body


def test_sigterm_answers_all_that_wait_and_ends_all_streams(world: ApiWorld, key: str) -> None:
    """No caller gets a broken connection, and the process ends with 0."""
    api = world.start_api(QUEUE_NAME=f"{world.name}.nobody")
    accepted = [api.post("/v1/submissions", PROGRAM, key).json for _ in range(TEN)]

    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(TEN))
        ids = [each["requestId"] for each in accepted]
        streams = [stack.enter_context(api.events(each, key)) for each in ids]
        for events in streams:
            next(events)
        body = {"submission": PROGRAM}
        runs = [pool.submit(api.post, "/v1/run", body, key) for _ in range(TEN)]
        waiting = f"grading_api_waiting_callers {TEN}.0".encode()
        until(lambda: waiting in api.get("/metrics").body or any(each.done() for each in runs))
        assert not [each.result() for each in runs if each.done()]
        api.process.signal(signal.SIGTERM)
        left = [document for events in streams for _, document in events]
        answers = [each.result(60) for each in runs]

    assert [each.status for each in answers] == [202] * TEN
    assert all(document["status"] == "queued" for document in left)
    assert api.process.ended() == 0
