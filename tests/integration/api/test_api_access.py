"""Who may use an API that runs as a process, with keys in the parameter store."""

from __future__ import annotations

import socket

import pytest
from api_world import ApiProcess, ApiWorld
from memory_api import until

from grader.contract.api_keys import Scope

pytestmark = pytest.mark.engine
PROGRAM = {"problemId": "sum", "language": "python", "source": "print(3)"}


def test_users_do_not_see_each_other(world: ApiWorld, api: ApiProcess, key: str) -> None:
    """Rows are read by a user of the database that has rights on two tables only."""
    url = api.post("/v1/run", {"submission": PROGRAM}, key).json["requestId"]
    other = world.make_key("bob")
    service = world.make_key(None, Scope.READ_ALL)

    statuses = [
        api.get(f"/v1/submissions/{url}", each).status for each in (key, other, service, "gk_", "")
    ]

    assert statuses == [200, 404, 200, 401, 401]
    assert api.get("/v1/submissions", other).json["submissions"] == []
    assert api.post("/v1/submissions", PROGRAM, service).status == 403


def test_a_key_has_its_rate_and_each_answer_tells_what_is_left(
    world: ApiWorld, api: ApiProcess
) -> None:
    """429 with Retry-After; another key is not affected."""
    slow = world.make_key("ann", rate=2)

    answers = [api.get("/v1/me", slow) for _ in range(3)]

    assert [each.status for each in answers] == [200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"key";q=2;w=60'
    assert answers[2].headers["retry-after"] == "30"
    assert api.get("/v1/me", world.make_key("ann")).status == 200


def test_an_open_stream_is_one_of_the_calls_of_a_key(world: ApiWorld) -> None:
    """It is given back when the client leaves."""
    key = world.make_key("ann", at_once=1)
    waiting = world.start_api(QUEUE_NAME=f"{world.name}.unused")
    accepted = waiting.post("/v1/submissions", PROGRAM, key).json
    with waiting.events(accepted["requestId"], key) as events:
        next(events)
        refused = waiting.get("/v1/me", key)
        assert (refused.status, refused.json["type"]) == (429, "/problems/too-many-calls")

    until(lambda: waiting.get("/v1/me", key).status != 429)
    assert waiting.get("/v1/me", key).status == 200


def test_counters_are_for_this_network(api: ApiProcess, world: ApiWorld, key: str) -> None:
    """Not for a call that came through a load balancer, unless its key is an administrator's."""
    through = {"X-Forwarded-For": "127.0.0.1"}
    admin = world.make_key(None, Scope.ADMIN)

    assert api.get("/metrics").status == 200
    assert api.get("/metrics", headers=through).status == 401
    assert api.get("/metrics", key, headers=through).status == 403
    assert api.get("/metrics", admin, headers=through).status == 200


def test_a_slow_client_does_not_keep_a_connection(api: ApiProcess, key: str) -> None:
    """The process has the limits of `grader.api.protection`: endless headers are refused."""
    with socket.create_connection(("127.0.0.1", api.port), 30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\na: " + b"x" * 70_000)
        assert b" 431 " in connection.recv(1000)
    assert api.get("/v1/me", key).status == 200
