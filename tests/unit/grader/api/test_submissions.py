"""Submissions: sending, reading, listing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from memory_api import NOW, MemoryApi, counters, failed, graded, running, until

from grader.api.services import ApiOptions

PROGRAM = {"problemId": "sum", "language": "python", "source": "print(3)"}


def stored(api: MemoryApi, key: str) -> Any:
    """A stored JSON object."""
    return json.loads(api.store.objects[key])


def test_a_submission_is_stored_and_then_sent(api: MemoryApi) -> None:
    """The answer has the id and where to ask; the worker finds program and limits."""
    answer = api.post("/v1/submissions", {**PROGRAM, "timeLimit": 2000, "stopAtFirstFailure": True})

    request_id = answer.json["requestId"]
    assert answer.status == 202
    assert answer.headers["location"] == f"/v1/submissions/{request_id}"
    assert answer.json == {
        "requestId": request_id,
        "status": "queued",
        "url": f"/v1/submissions/{request_id}",
        "eventsUrl": f"/v1/submissions/{request_id}/events",
    }
    (message,) = api.sent()
    assert (message["requestId"], message["userId"]) == (request_id, "ann")
    assert (message["timeLimit"], message["memoryLimit"]) == (2000, 256)
    assert message["stopAtFirstFailure"] is True
    assert message["sourceFile"] == f"s3://bucket/submissions/{request_id}/solution.py"
    assert api.store.objects[f"submissions/{request_id}/solution.py"] == b"print(3)"
    metadata = stored(api, f"submissions/{request_id}/metadata.json")
    assert (metadata["owner"], metadata["userId"]) == ("key-ann", "ann")


@pytest.fixture
def limited(api: MemoryApi) -> MemoryApi:
    """An API with a problem that has limits of its own."""
    text = b"limits: {time_limit: 2, memory: 128}"
    api.store.put("problems/sum/problem.yaml", text, content_type="text/plain")
    return api


def test_limits_are_those_of_the_problem_unless_a_request_lowers_them(limited: MemoryApi) -> None:
    """Each for itself."""
    limited.post("/v1/submissions", PROGRAM)
    limited.post("/v1/submissions", {**PROGRAM, "timeLimit": 500, "memoryLimit": None})
    limited.post("/v1/submissions", {**PROGRAM, "problemId": "other"})

    assert [(each["timeLimit"], each["memoryLimit"]) for each in limited.sent()] == [
        (2000, 128),
        (500, 128),
        (5000, 256),
    ]


@pytest.mark.parametrize("limit", [{"timeLimit": 2001}, {"memoryLimit": 129}])
def test_a_user_does_not_raise_the_limits(limited: MemoryApi, limit: dict[str, int]) -> None:
    """Of no endpoint; the answer has what is allowed. A service may."""
    more = {**PROGRAM, **limit}
    bodies = {
        "/v1/submissions": more,
        "/v1/run": {"submission": more},
        "/v1/batches": {"submissions": [more]},
    }
    ((name, _),) = limit.items()
    for path, body in bodies.items():
        answer = limited.post(path, body)
        assert (answer.status, answer.kind) == (422, "invalid-request")
        assert answer.json["errors"][0]["field"].endswith(name)
        assert {"timeLimit": "2000 ms", "memoryLimit": "128 MB"}[name] in answer.json["detail"]
    upload = {name: value for name, value in more.items() if name != "source"}
    assert limited.post("/v1/submissions", upload).status == 422
    assert not limited.sent()

    limited.post("/v1/submissions", {**more, "userId": "eve"}, key="service")
    assert limited.sent()[0][name] == limit[name]


def test_an_urgent_submission_goes_to_its_queue(api: MemoryApi) -> None:
    """Workers take from it first."""
    urgent = {**PROGRAM, "userId": "root", "priority": True}
    answers = [api.post("/v1/submissions", urgent, key=key) for key in ("service", "admin")]

    assert [each.status for each in answers] == [202, 202], answers
    assert not api.sent()
    assert len(api.sent("grading-priority")) == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/submissions", {**PROGRAM, "priority": True}),
        ("/v1/submissions", {"problemId": "sum", "language": "python", "priority": True}),
        ("/v1/run", {"submission": {**PROGRAM, "priority": True}}),
        ("/v1/run", {"functionId": "f", "priority": True}),
        ("/v1/batches", {"submissions": [PROGRAM, {**PROGRAM, "priority": True}]}),
    ],
)
def test_a_user_does_not_overtake_others(api: MemoryApi, path: str, body: object) -> None:
    """Else each would; only a service knows what is urgent."""
    answer = api.post(path, body)

    assert (answer.status, answer.kind) == (403, "forbidden")
    assert (api.sent(), api.sent("grading-priority"), api.store.added) == ([], [], {})


def test_a_program_may_be_base64_and_has_its_extension(api: MemoryApi) -> None:
    """For a source that is not UTF-8; an odd extension does not become part of a key."""
    content = b"\xff\xfe print"
    text = base64.b64encode(content).decode()
    names = {"A.PY": "PY", "noext": "py", "x.a/b": "py", "한.한글": "py"}

    for name, extension in names.items():
        body = {"problemId": "sum", "language": "python", "sourceBase64": text, "fileName": name}
        request_id = api.post("/v1/submissions", body).json["requestId"]
        assert api.store.objects[f"submissions/{request_id}/solution.{extension}"] == content


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"language": "cobol"}, "language"),
        ({"problemId": "../x"}, "problemId"),
        ({"problemId": "unknown"}, "problemId"),
        ({"source": ""}, "source"),
        ({"source": "x" * (1 << 20) + "x"}, "source"),
        ({"sourceBase64": "AAAA"}, "sourceBase64"),
        ({"source": None, "sourceBase64": "%%"}, "sourceBase64"),
        ({"timeLimit": 0}, "timeLimit"),
        ({"timeLimit": 2**60}, "timeLimit"),
        ({"timeLimit": True}, "timeLimit"),
        ({"priority": "yes"}, "priority"),
        ({"userId": "bob"}, "userId"),
        ({"webhookUrl": "https://example.com"}, "webhookUrl"),
        ({"typo": 1}, "typo"),
    ],
)
def test_an_invalid_field_is_named(api: MemoryApi, changes: dict[str, Any], field: str) -> None:
    """And nothing is stored or sent."""
    answer = api.post("/v1/submissions", {**PROGRAM, **changes})

    assert (answer.status, answer.kind) == (422, "invalid-request")
    assert [each["field"] for each in answer.json["errors"]] == [field]
    assert answer.json["nextStep"]
    assert (api.sent(), api.store.added) == ([], {})


def test_a_problem_can_be_submitted_to_once_it_is_pushed(api: MemoryApi) -> None:
    """That it did not exist is not remembered, and one without settings has those of the API."""
    body = {**PROGRAM, "problemId": "new"}
    before = api.post("/v1/submissions", body).status
    api.store.objects["problems/new/testcases/1.in"] = b"1"

    assert (before, api.post("/v1/submissions", body).status) == (422, 202)


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff\xfe", b"[" * 100_000, b'{"source": "\\ud800"}', b"1" * 10_000],
    ids=["cut", "bytes", "deep", "surrogate", "digits"],
)
def test_a_body_that_is_not_json_is_refused(api: MemoryApi, body: bytes) -> None:
    """With 400, whatever it is."""
    answer = api.post("/v1/submissions", body)

    assert answer.status in (400, 422)
    assert answer.kind in ("malformed-body", "invalid-request")


def test_a_service_names_the_user(api: MemoryApi) -> None:
    """Its key has no user of its own."""
    without = api.post("/v1/submissions", PROGRAM, key="service")
    named = api.post("/v1/submissions", {**PROGRAM, "userId": "eve"}, key="service")

    assert without.json["errors"][0]["field"] == "userId"
    assert named.status == 202
    assert [each["userId"] for each in api.sent()] == ["eve"]


def test_the_same_key_and_body_is_one_submission(api: MemoryApi) -> None:
    """Also where the first call failed between storing and sending."""
    key = {"Idempotency-Key": "homework 3"}
    api.sender.away = True
    lost = api.post("/v1/submissions", PROGRAM, headers=key)
    api.sender.away = False
    api.parts.intake._dispatcher._sending._spared_until = 0.0
    first = api.post("/v1/submissions", PROGRAM, headers=key)
    request_id = first.json["requestId"]
    api.rows.put(running(request_id))
    again = api.post("/v1/submissions", PROGRAM, headers=key)

    assert lost.status == 503
    assert first.json == again.json
    assert [each["requestId"] for each in api.sent()] == [request_id]


def test_the_same_key_with_another_body_is_refused(api: MemoryApi) -> None:
    """It is a mistake of the client; another caller may use the same key."""
    key = {"Idempotency-Key": "1"}
    first = api.post("/v1/submissions", PROGRAM, headers=key)
    other = api.post("/v1/submissions", {**PROGRAM, "source": "print(4)"}, headers=key)
    bob = api.post("/v1/submissions", PROGRAM, key="bob", headers=key)

    assert (other.status, other.kind) == (422, "idempotency-key-reused")
    assert bob.status == 202
    assert bob.json["requestId"] != first.json["requestId"]
    assert len(api.sent()) == 2


def test_a_large_program_is_uploaded(api: MemoryApi) -> None:
    """It is sent once the client says that the upload is complete."""
    answer = api.post("/v1/submissions", {"problemId": "sum", "language": "python"})
    request_id = answer.json["requestId"]
    path = f"/v1/submissions/{request_id}"

    assert answer.json["status"] == "awaiting_upload"
    assert answer.json["uploadHeaders"] == {
        "Content-Type": "text/plain; charset=utf-8",
        "If-None-Match": "*",
    }
    assert api.get(path).json["status"] == "awaiting_upload"
    missing = api.post(f"{path}/uploaded", None)
    assert (missing.status, missing.kind) == (409, "upload-missing")
    assert api.post(f"{path}/uploaded", None, key="bob").status == 404
    api.store.put(f"submissions/{request_id}/solution.py", b"x", content_type="text/plain")
    assert api.post(f"{path}/uploaded", None).status == 202
    assert api.post(f"{path}/uploaded", None).status == 202
    assert [each["requestId"] for each in api.sent()] == [request_id]
    assert api.get(path).json["status"] == "queued"


@pytest.mark.parametrize("size", [0, 1001])
def test_an_upload_is_not_larger_than_a_worker_takes(
    make_api: Callable[..., MemoryApi], size: int
) -> None:
    """Nor is a program in the body: both limits are the setting of the workers."""
    api = make_api(ApiOptions(max_source_bytes=1000))
    program = {"problemId": "sum", "language": "python"}
    request_id = api.post("/v1/submissions", program).json["requestId"]
    api.store.put_new(f"submissions/{request_id}/solution.py", b"x" * size, content_type="text")

    sent = api.post(f"/v1/submissions/{request_id}/uploaded", None)
    in_body = api.post("/v1/submissions", {**program, "source": "x" * size})

    for answer in (sent, in_body):
        assert (answer.status, answer.json["errors"][0]["field"]) == (422, "source")
        assert f"{size} bytes; allowed are 1 to 1000" in answer.json["detail"]
    assert not api.sent()


def test_a_repeated_key_continues_an_upload(api: MemoryApi) -> None:
    """Until it was uploaded; then it is queued."""
    body, key = {"problemId": "sum", "language": "python"}, {"Idempotency-Key": "1"}
    first = api.post("/v1/submissions", body, headers=key)
    second = api.post("/v1/submissions", body, headers=key)
    request_id = first.json["requestId"]
    api.store.put(f"submissions/{request_id}/solution.py", b"x", content_type="text/plain")
    api.post(f"/v1/submissions/{request_id}/uploaded", None)
    third = api.post("/v1/submissions", body, headers=key)

    assert second.json["status"] == "awaiting_upload"
    assert (third.json["requestId"], third.json["status"]) == (request_id, "queued")


def test_a_full_queue_refuses_with_a_time(make_api: Callable[..., MemoryApi]) -> None:
    """The limit is a setting; what this process sent since the last count is counted too."""
    api = make_api(ApiOptions(max_queue=3))
    api.inspector.counters["grading-requests"] = counters(size=2)
    api.get("/v1/queue/status")

    first = api.post("/v1/submissions", PROGRAM)
    api.inspector.counters["grading-requests"] = counters(size=3)  # if they are read again by now
    full = api.post("/v1/submissions", PROGRAM)

    assert first.status == 202
    assert (full.status, full.kind) == (503, "queue-full")
    assert int(full.headers["retry-after"]) > 0


def test_a_full_queue_does_not_refuse_a_repetition(make_api: Callable[..., MemoryApi]) -> None:
    """It was taken: the client lost only the answer. A new key, and a new batch, are refused."""
    api = make_api(ApiOptions(max_queue=3))
    api.get("/v1/queue/status")
    calls = (("/v1/submissions", PROGRAM), ("/v1/batches", {"submissions": [PROGRAM] * 2}))

    first = [api.post(path, body, headers={"Idempotency-Key": "1"}) for path, body in calls]
    api.inspector.counters["grading-requests"] = counters(size=3)  # if they are read again by now
    again = [api.post(path, body, headers={"Idempotency-Key": "1"}) for path, body in calls]
    other = [api.post(path, body, headers={"Idempotency-Key": "2"}) for path, body in calls]

    assert [each.status for each in first] == [202, 202]
    assert [each.json for each in again] == [each.json for each in first]
    assert [each.kind for each in other] == ["queue-full", "queue-full"]


def test_a_waiting_submission_tells_its_position(api: MemoryApi) -> None:
    """By the counters of the queue: how many came before it, and how many are gone."""
    queue = counters(size=4, enqueued=100, dequeued=97, in_flight=1)
    api.inspector.counters["grading-requests"] = queue
    api.get("/v1/queue/status")
    request_id = api.post("/v1/submissions", PROGRAM).json["requestId"]

    waiting = api.get(f"/v1/submissions/{request_id}").json

    assert waiting["status"] == "queued"
    assert waiting["queue"] == {
        "name": "grading-requests",
        "position": 3,
        "waiting": 3,
        "consumers": 1,
    }


def test_the_position_of_an_upload_counts_from_its_end(api: MemoryApi) -> None:
    """A stream that was opened before sees it queued, with that position."""
    inspector = api.inspector.counters
    inspector["grading-requests"] = counters(size=0, enqueued=100, dequeued=100)
    api.get("/v1/queue/status")
    upload = {"problemId": "sum", "language": "python"}
    request_id = api.post("/v1/submissions", upload).json["requestId"]
    stream = api.open("GET", f"/v1/submissions/{request_id}/events")
    first = stream.event()
    inspector["grading-requests"] = counters(size=9, enqueued=109, dequeued=100)
    until(lambda: api.get("/v1/queue/status").json["queue_info"]["messages_available"] == "9")
    api.store.put(f"submissions/{request_id}/solution.py", b"x", content_type="text/plain")
    api.post(f"/v1/submissions/{request_id}/uploaded", None)

    second = stream.event()
    stream.leave()

    assert [each[1]["status"] for each in (first, second)] == ["awaiting_upload", "queued"]
    assert second[1]["queue"]["position"] >= 9  # of nine that were counted, and itself
    assert api.get(f"/v1/submissions/{request_id}").json["queue"]["position"] >= 9


def test_without_a_worker_a_waiting_submission_says_so(api: MemoryApi) -> None:
    """Else it would be in the queue without a word."""
    api.inspector.counters["grading-requests"] = counters(size=1, consumers=0)
    request_id = api.post("/v1/submissions", PROGRAM).json["requestId"]

    assert api.get(f"/v1/submissions/{request_id}").json["queue"]["note"].startswith("no worker")


def test_only_the_user_and_who_reads_all_see_a_submission(api: MemoryApi) -> None:
    """Others get the same answer as for an id that does not exist."""
    queued = api.post("/v1/submissions", PROGRAM).json["requestId"]
    api.rows.put(graded("req_done"))

    for request_id in (queued, "req_done"):
        own, other, service = (
            api.get(f"/v1/submissions/{request_id}", key) for key in ("ann", "bob", "service")
        )
        absent = api.get("/v1/submissions/req_absent", "bob")
        assert (own.status, other.status, service.status) == (200, 404, 200)
        assert other.json["detail"].replace(request_id, "req_absent") == absent.json["detail"]


def test_a_result_has_nothing_of_the_bucket(api: MemoryApi) -> None:
    """The document is exactly what the contract names."""
    api.rows.put(graded("req_1"))

    assert api.get("/v1/submissions/req_1").json == {
        "requestId": "req_1",
        "status": "completed",
        "userId": "ann",
        "problemId": "sum",
        "language": "python",
        "submittedAt": "2024-08-20T12:00:15Z",
        "finishedAt": "2024-08-20T12:00:15Z",
        "attempts": 1,
        "result": {
            "verdict": "AC",
            "score": 100,
            "executionTime": 3,
            "memoryUsage": 5,
            "testResults": [{"case": 1, "status": "AC", "time": 3, "memory": 5}],
        },
    }


def test_a_request_rejected_unread_belongs_to_its_sender(api: MemoryApi) -> None:
    """Its row has no user; the metadata has."""
    request_id = api.post("/v1/submissions", PROGRAM).json["requestId"]
    api.rows.put(failed(request_id, user_id=""))

    assert api.get(f"/v1/submissions/{request_id}").json["error"]["code"] == "INTERNAL_ERROR"
    assert api.get(f"/v1/submissions/{request_id}", "bob").status == 404


def test_pages_list_each_submission_once(api: MemoryApi) -> None:
    """The newest first, and only those of the user."""
    for number in range(5):
        api.rows.put(graded(f"req_{number}", created_at=NOW + timedelta(seconds=number)))
    api.rows.put(graded("req_bob", "bob"))

    first = api.get("/v1/submissions?limit=3").json
    second = api.get(f"/v1/submissions?limit=3&cursor={first['next']}").json

    pages = [*first["submissions"], *second["submissions"]]
    assert [each["requestId"] for each in pages] == ["req_4", "req_3", "req_2", "req_1", "req_0"]
    assert "next" not in second
    assert len(api.get("/v1/submissions", "service").json["submissions"]) == 6
    bobs = api.get("/v1/submissions?userId=bob", "service").json["submissions"]
    assert [each["requestId"] for each in bobs] == ["req_bob"]


@pytest.mark.parametrize("query", ["userId=bob", "limit=0", "limit=x", "cursor=x", "cursor=%FF"])
def test_a_list_refuses_odd_values(api: MemoryApi, query: str) -> None:
    """Another user's list is one of them."""
    assert api.get(f"/v1/submissions?{query}").status == 422


@pytest.mark.parametrize(
    "place",
    ["0001-01-01T00:00:00+23:59 x", "9999-12-31T23:59:59-23:59 x", "2024-01-01T00:00:00Z", "now x"],
)
def test_a_forged_cursor_is_refused(api: MemoryApi, place: str) -> None:
    """Also a moment that UTC has no date for."""
    cursor = base64.urlsafe_b64encode(place.encode()).decode()

    assert api.get(f"/v1/submissions?cursor={cursor}").status == 422


@pytest.mark.parametrize("path", ["", "/req_1", "/req_1/events"])
def test_reading_needs_a_scope(api: MemoryApi, path: str) -> None:
    """A key that only sends cannot read, also not what it sent."""
    api.rows.put(graded("req_1"))

    answer = api.get(f"/v1/submissions{path}", "sender")

    assert (answer.status, answer.kind) == (403, "forbidden")


@pytest.mark.parametrize("request_id", ["a%2Fb", "..", "x" * 200, "%00", "-x", "a%0A"])
def test_an_odd_id_is_not_found(api: MemoryApi, request_id: str) -> None:
    """It never becomes part of an object key."""
    assert api.get(f"/v1/submissions/{request_id}").status == 404


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_without_the_media_type_of_json_is_refused(api: MemoryApi, media_type: str) -> None:
    """And says so: `curl -d` sends another one by itself."""
    answer = api.post("/v1/submissions", PROGRAM, headers={"content-type": media_type})

    assert (answer.status, answer.kind) == (415, "unsupported-media-type")
    assert "application/json" in answer.json["nextStep"]
