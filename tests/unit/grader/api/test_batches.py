"""Batches: many submissions in one call."""

from __future__ import annotations

from typing import Any

import pytest
from memory_api import MemoryApi, counters, failed, graded, running

PROGRAM = {"problemId": "sum", "language": "python", "source": "print(3)"}


def batch(count: int = 3, **changes: Any) -> dict[str, Any]:
    """A batch of programs that differ."""
    programs = [{**PROGRAM, "problemId": f"p{number}"} for number in range(count)]
    return {"submissions": programs, **changes}


def test_a_batch_is_sent_and_counts_as_its_submissions(api: MemoryApi) -> None:
    """Each message has the batch and its size, so that one webhook can follow all of them."""
    answer = api.post("/v1/batches", batch())

    batch_id = answer.json["batchId"]
    assert answer.status == 202
    assert answer.headers["location"] == answer.json["url"] == f"/v1/batches/{batch_id}"
    sent = {each["requestId"]: each for each in api.sent()}
    assert (
        list(sent) == [each["requestId"] for each in answer.json["submissions"]] or len(sent) == 3
    )
    assert {(each["batchId"], each["batchSize"]) for each in sent.values()} == {(batch_id, 3)}
    assert api.gate.charged == 2  # and one for the call


def test_the_state_of_a_batch_is_one_document(api: MemoryApi) -> None:
    """In the order of the request, whatever the workers have taken."""
    accepted = api.post("/v1/batches", batch()).json
    first, second, third = (each["requestId"] for each in accepted["submissions"])
    about = {"batch_id": accepted["batchId"], "batch_size": 3}
    api.rows.put(running(first, problem_id="p0", **about))
    api.rows.put(graded(third, problem_id="p2", **about))

    document = api.get(accepted["url"]).json

    assert (document["size"], document["finished"]) == (3, 1)
    assert [(each["requestId"], each["status"]) for each in document["submissions"]] == [
        (first, "running"),
        (second, "queued"),
        (third, "completed"),
    ]
    assert [each["problemId"] for each in document["submissions"]] == ["p0", "p1", "p2"]
    assert api.get(accepted["url"], "bob").status == 404
    assert api.get(accepted["url"], "service").status == 200


def test_reading_a_large_batch_counts_by_its_size(api: MemoryApi) -> None:
    """A call more for each fifty; else one key could keep the process busy."""
    accepted = api.post("/v1/batches", {"submissions": [PROGRAM] * 100}).json
    before = api.gate.charged

    answer = api.get(accepted["url"])

    assert api.gate.charged - before == 2
    assert "ratelimit" in answer.headers


def test_a_batch_that_waits_tells_why(api: MemoryApi) -> None:
    """What the queue has, once for all that no worker has taken."""
    api.inspector.counters["grading-requests"] = counters(size=3, consumers=0)
    accepted = api.post("/v1/batches", batch()).json
    first = accepted["submissions"][0]["requestId"]
    api.rows.put(running(first, batch_id=accepted["batchId"], batch_size=3))

    taken, *waiting = api.get(accepted["url"]).json["submissions"]

    assert "queue" not in taken
    queue = waiting[0]["queue"]
    assert (queue["name"], queue["waiting"], queue["consumers"]) == ("grading-requests", 3, 0)
    assert queue["noteCode"] == "NO_WORKER"
    assert [each["queue"] for each in waiting] == [queue, queue]


def test_one_invalid_submission_refuses_the_batch(api: MemoryApi) -> None:
    """With its place; nothing is sent."""
    body = batch()
    body["submissions"][1]["language"] = "cobol"

    answer = api.post("/v1/batches", body)

    assert answer.json["errors"][0]["field"] == "submissions.1.language"
    assert (api.sent(), api.store.added) == ([], {})


@pytest.mark.parametrize(
    "submission",
    [{"source": None}, {"webhookUrl": "https://example.com/x"}, {"userId": "bob"}],
)
def test_a_submission_of_a_batch_is_complete(api: MemoryApi, submission: dict[str, Any]) -> None:
    """No upload, and no webhook of its own."""
    body = {"submissions": [{**PROGRAM, **submission}]}

    assert api.post("/v1/batches", body).status == 422


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_has_a_size(api: MemoryApi, count: int) -> None:
    """One to a thousand."""
    assert api.post("/v1/batches", batch(count)).status == 422


def test_a_repeated_batch_sends_what_was_not_taken(api: MemoryApi) -> None:
    """So that a client can repeat it after an error."""
    key = {"Idempotency-Key": "week 3"}
    first = api.post("/v1/batches", batch(), headers=key).json
    taken = first["submissions"][0]["requestId"]
    api.rows.put(failed(taken, batch_id=first["batchId"], batch_size=3))

    again = api.post("/v1/batches", batch(), headers=key)
    other = api.post("/v1/batches", batch(2), headers=key)

    assert again.json == first
    assert len(api.sent()) == 5
    assert (other.status, other.kind) == (422, "idempotency-key-reused")


def test_a_batch_of_a_service_may_have_several_users(api: MemoryApi) -> None:
    """Each submission is that of its user; the batch is read by who reads all."""
    programs = [{**PROGRAM, "userId": name} for name in ("ann", "bob")]
    accepted = api.post("/v1/batches", {"submissions": programs}, key="service").json
    first = accepted["submissions"][0]["requestId"]

    assert api.get(f"/v1/submissions/{first}", "ann").status == 200
    assert api.get(f"/v1/submissions/{first}", "bob").status == 404
    assert [api.get(accepted["url"], key).status for key in ("ann", "bob", "service")] == [
        *(404, 404, 200)
    ]
