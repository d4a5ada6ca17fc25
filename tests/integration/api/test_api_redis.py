"""Results and progress from workers to the callers of the API over Redis."""

from __future__ import annotations

import pytest
from api_world import ApiProcess, ApiWorld
from redis_server import RedisServer

pytestmark = pytest.mark.engine
PROGRAM = {"problemId": "sum", "language": "python", "source": "print(3)"}


@pytest.fixture
def pushing(world: ApiWorld, redis_server: RedisServer) -> ApiProcess:
    """An API and workers with Redis; the other workers of the folder publish nothing."""
    queues = {"QUEUE_NAME": f"{world.name}.pushed", "PRIORITY_QUEUE_NAME": ""}
    world.set_parameter("redis/url", redis_server.url)
    world.set_parameter("redis/password", redis_server.password)
    variables = {
        **queues,
        "REDIS_URL_PARAM": f"/{world.name}/redis/url",
        "REDIS_PASSWORD_PARAM": f"/{world.name}/redis/password",
        "REDIS_CA_FILE": str(redis_server.ca_file),
    }
    world.start_worker(**variables)
    return world.start_api(**variables)


def test_every_way_has_the_same_text_also_while_redis_is_away(
    pushing: ApiProcess, key: str, redis_server: RedisServer
) -> None:
    """The answer of a run, the document by GET, and the value in Redis."""
    answer = pushing.post("/v1/run", {"submission": PROGRAM}, key)
    request_id = answer.json["requestId"]
    with redis_server.client() as client:
        kept = client.get(f"result:{request_id}")

    assert answer.status == 200
    assert answer.body == kept == pushing.get(f"/v1/submissions/{request_id}", key).body

    redis_server.kill()
    without = pushing.post("/v1/run", {"submission": PROGRAM}, key)
    assert (without.status, without.json["status"]) == (200, "completed")

    redis_server.start()
    pushing.process.wait_for("Redis is back")
    again = pushing.post("/v1/run", {"submission": PROGRAM}, key)
    assert (again.status, again.json["status"]) == (200, "completed")
