"""Each endpoint with each kind of key: who may, and on whose submissions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from memory_api import MemoryApi, graded, make_caller, running

from grader.api.auth import Scope

PROGRAM = {"problemId": "sum", "language": "python", "source": "print(3)"}
#: Keys with one scope each; `ann` owns what the paths name, and `other` is another user.
CALLERS = {
    "own": make_caller("key-own", "ann", frozenset({Scope.READ_OWN}), "reads own"),
    "submit": make_caller("key-submit", "ann", frozenset({Scope.SUBMIT}), "submits"),
    "other": make_caller(
        "key-other", "bob", frozenset({Scope.SUBMIT, Scope.READ_OWN}), "another user"
    ),
    "all": make_caller("key-all", None, frozenset({Scope.READ_ALL}), "reads all"),
    "admin": make_caller("key-operator", None, frozenset({Scope.ADMIN}), "operator"),
    "nothing": make_caller("key-nothing", "ann", frozenset(), "no scope"),
}
READ = {"own": 200, "submit": 403, "other": 404, "all": 200, "admin": 403, "nothing": 403}
SUBMIT = {"own": 403, "submit": 202, "other": 202, "all": 403, "admin": 403, "nothing": 403}
CATALOGUE = {**SUBMIT, "submit": 200, "other": 200}
ANYONE = dict.fromkeys(CALLERS, 200)
#: Method and path with a body, and the status of each key.
RIGHTS: dict[tuple[str, str], tuple[Any, dict[str, int]]] = {
    ("GET", "/v1/submissions/{request_id}"): (None, READ),
    ("GET", "/v1/submissions/{request_id}/events"): (None, READ),
    ("GET", "/v1/batches/{batch_id}"): (None, READ),
    ("GET", "/v1/submissions"): (None, {**READ, "other": 200}),
    ("POST", "/v1/submissions"): (PROGRAM, SUBMIT),
    ("POST", "/v1/submissions/{request_id}/uploaded"): (None, {**SUBMIT, "other": 404}),
    ("POST", "/v1/run"): ({"submission": PROGRAM, "waitSeconds": 0}, SUBMIT),
    ("POST", "/run"): ({"submission": PROGRAM, "waitSeconds": 0}, SUBMIT),
    ("POST", "/v1/batches"): ({"submissions": [PROGRAM]}, SUBMIT),
    ("GET", "/v1/problems"): (None, CATALOGUE),
    ("GET", "/v1/problems/{problem_id}/statement"): (None, CATALOGUE),
    ("GET", "/v1/languages"): (None, ANYONE),
    ("GET", "/v1/me"): (None, ANYONE),
    ("GET", "/v1/queue/status"): (None, ANYONE),
    ("GET", "/v1/operator/overview"): (None, {**dict.fromkeys(CALLERS, 403), "admin": 200}),
    ("GET", "/metrics"): (None, {**dict.fromkeys(CALLERS, 403), "admin": 200}),
}
IDS = {"{request_id}": "req_1", "{batch_id}": "batch_1", "{problem_id}": "sum"}
CELLS = [
    pytest.param(method, path, key, id=f"{method} {path} {key}")
    for method, path in RIGHTS
    for key in CALLERS
]


@pytest.fixture(scope="module")
def shared() -> Iterator[MemoryApi]:
    """An API with a graded submission of ann in a batch of hers, and a problem."""
    api = MemoryApi()
    api.gate.keys |= CALLERS
    api.rows.put(graded("req_1", batch_id="batch_1", batch_size=1))
    api.store.put("problems/sum/problem.yaml", b"name: Sum", content_type="text/plain")
    api.store.put("problems/sum/description.md", b"# Sum", content_type="text/plain")
    api.store.put(
        "submissions/req_1/metadata.json",
        b'{"requestId": "req_1", "userId": "ann", "problemId": "sum", "language": "python",'
        b' "owner": "key-ann", "timestamp": "2024-08-20T12:00:00Z"}',
        content_type="application/json",
    )
    yield api
    api.close()


@pytest.mark.parametrize(("method", "path", "key"), CELLS)
def test_each_key_may_what_its_scopes_say(
    shared: MemoryApi, method: str, path: str, key: str
) -> None:
    """What belongs to another user is answered as what does not exist."""
    body, statuses = RIGHTS[method, path]
    for name, value in IDS.items():
        path = path.replace(name, value)

    call_id = {"x-request-id": "call-12345"}
    answer = shared.call(method, path, key=key, body=body, headers=call_id)

    assert answer.status == statuses[key]
    if answer.status == 404:
        other = path.replace("_1", "_2")
        absent = shared.call(method, other, key=key, body=body, headers=call_id)
        assert absent.body.replace(b"_2", b"_1") == answer.body
    if path == "/v1/submissions" and key == "other" and method == "GET":
        assert answer.json == {"submissions": []}


def test_the_table_has_every_endpoint(shared: MemoryApi) -> None:
    """A new one needs a row."""
    paths = shared.get("/openapi.json").json["paths"]
    found = {(method.upper(), path) for path in paths for method in paths[path]}

    assert found - set(RIGHTS) == {("GET", "/health")}


@pytest.mark.parametrize(("method", "path"), RIGHTS)
def test_without_a_key_nothing_is_answered(shared: MemoryApi, method: str, path: str) -> None:
    """Nor through a proxy of this network, whatever it is told about the caller's address."""
    assert shared.call(method, path, key=None).status == 401
    for name in ("x-forwarded-for", "forwarded", "x-real-ip", "via"):
        headers = {name: "10.0.0.1"}
        answer = shared.call(method, path, key=None, headers=headers, peer="10.0.0.7")
        assert answer.status == 401


def test_an_idempotency_key_is_that_of_its_caller(shared: MemoryApi) -> None:
    """Another caller's is another submission, whatever its text."""
    headers = {"idempotency-key": "the-same"}
    bodies = [
        shared.post("/v1/submissions", PROGRAM, key, headers=headers).json["requestId"]
        for key in ("submit", "submit", "other")
    ]

    assert bodies[0] == bodies[1] != bodies[2]
    assert shared.get(f"/v1/submissions/{bodies[2]}", "own").status == 404


def test_the_upload_of_another_user_is_not_continued(shared: MemoryApi) -> None:
    """Nor does a guessed id give its upload URL: each URL is for one object."""
    body = {"problemId": "sum", "language": "python"}
    mine = shared.post("/v1/submissions", body, "submit").json
    request_id = mine["requestId"]

    assert f"submissions/{request_id}/" in mine["uploadUrl"]
    assert shared.post(f"/v1/submissions/{request_id}/uploaded", None, "other").status == 404
    assert shared.post(f"/v1/submissions/{request_id}/uploaded", None, "submit").status == 409


def test_a_user_does_not_submit_as_another_one(shared: MemoryApi) -> None:
    """By no endpoint, and by no field."""
    named = {**PROGRAM, "userId": "bob"}
    for path, body in (
        ("/v1/submissions", named),
        ("/v1/run", {"submission": named}),
        ("/v1/run", {"submission": PROGRAM, "userId": "bob"}),
        ("/v1/run", {"functionId": "f", "userId": "bob"}),
        ("/v1/batches", {"submissions": [named]}),
    ):
        assert shared.post(path, body, "submit").status == 422


def test_a_batch_of_several_users_is_read_by_none_of_them(shared: MemoryApi) -> None:
    """It is that of the service; its members are read one by one."""
    for number, user in enumerate(("ann", "bob")):
        shared.rows.put(running(f"req_m{number}", user, batch_id="batch_mixed", batch_size=2))

    statuses = [
        shared.get("/v1/batches/batch_mixed", key).status for key in ("own", "other", "all")
    ]

    assert statuses == [404, 404, 200]
