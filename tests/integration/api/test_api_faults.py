"""Services that go away while the API runs, and an environment on SQS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

import pytest
from api_world import WAIT_SECONDS, Answer, ApiProcess, ApiWorld, open_world
from redis_server import RedisServer
from tcp_relay import Relay

from gradectl.local.loopback import free_ports
from gradectl.local.testing import RunningDatabase

pytestmark = pytest.mark.engine
PROGRAM = {"problemId": "sum", "language": "python", "source": "print(3)"}
#: Longest time of an answer while a service is away; a connection is refused at once.
SOON = 20.0


@dataclass
class Faulty:
    """An API whose services are behind relays."""

    api: ApiProcess
    key: str
    done: str  # id of a graded submission
    relays: dict[str, Relay]

    def read(self) -> Answer:
        """Read the graded submission."""
        return self.api.get(f"/v1/submissions/{self.done}", self.key)

    def submit(self) -> Answer:
        """Submit."""
        return self.api.post("/v1/submissions", PROGRAM, self.key)


@pytest.fixture(scope="module")
def faulty(world: ApiWorld, apis: tuple[ApiProcess, ApiProcess]) -> Iterator[Faulty]:
    """An API with a relay to each service; the worker has none."""
    assert apis
    assert world.broker is not None
    moto = int(world.environment["AWS_ENDPOINT_URL"].rpartition(":")[2])
    engines = {"database": world.database.port, "queue": world.broker.port, "bucket": moto}
    ports = dict(zip(engines, free_ports(3), strict=True))
    relays = {name: Relay(engines[name], port) for name, port in ports.items()}
    for relay in relays.values():
        relay.open()
    world.set_parameter("relay/db", f"127.0.0.1:{ports['database']}")
    world.set_parameter("relay/mq", f"stomp+ssl://localhost:{ports['queue']}")
    api = world.start_api(
        DB_ENDPOINT_PARAM=f"/{world.name}/relay/db",
        MQ_ENDPOINT_PARAM=f"/{world.name}/relay/mq",
        AWS_ENDPOINT_URL=f"http://localhost:{ports['bucket']}",
    )
    key = world.make_key("ann")
    done = api.post("/v1/run", {"submission": PROGRAM}, key).json["requestId"]
    yield Faulty(api, key, done, relays)
    for relay in relays.values():
        relay.cut()


def eventually(action: Callable[[], Answer], status: int) -> Answer:
    """Repeat a call until it has this status."""
    deadline = monotonic() + WAIT_SECONDS
    while (answer := action()).status != status:
        assert monotonic() < deadline, answer
        assert int(answer.headers["retry-after"]) > 0
    return answer


@pytest.mark.parametrize(
    ("away", "fails", "works"),
    [("database", "read", "submit"), ("queue", "submit", "read"), ("bucket", "submit", "read")],
)
def test_what_does_not_need_a_service_works_without_it(
    faulty: Faulty, away: str, fails: str, works: str
) -> None:
    """The rest is 503 with Retry-After, soon; afterwards all works again without a restart."""
    assert (faulty.read().status, faulty.submit().status) == (200, 202)

    faulty.relays[away].cut()
    started = monotonic()
    refused = getattr(faulty, fails)()
    seconds = monotonic() - started
    good = getattr(faulty, works)()
    health = faulty.api.get("/health")
    faulty.relays[away].open()

    assert refused.status == 503
    assert refused.json["type"] == "/problems/unavailable"
    assert int(refused.headers["retry-after"]) > 0
    assert seconds < SOON
    assert good.status in (200, 202)
    assert (health.status, health.json["checks"][away]) == (200, "away")
    eventually(getattr(faulty, fails), 200 if fails == "read" else 202)


def test_results_are_pushed_over_redis_and_looked_up_without_it(
    world: ApiWorld, redis_server: RedisServer
) -> None:
    """A push needs no look-up; Redis may go away while a caller waits."""
    world.set_parameter("redis/url", redis_server.url)
    world.set_parameter("redis/password", redis_server.password)
    variables = {
        "REDIS_URL_PARAM": f"/{world.name}/redis/url",
        "REDIS_PASSWORD_PARAM": f"/{world.name}/redis/password",
        "REDIS_CA_FILE": str(redis_server.ca_file),
        "QUEUE_NAME": f"{world.name}.pushed",
    }
    api, key = world.start_api(**variables), world.make_key("ann")
    world.start_worker(**variables)
    eventually_ok(lambda: api.get("/health").json["checks"]["redis"] == "ok")

    pushed = api.post("/v1/run", {"submission": PROGRAM}, key)
    redis_server.kill()
    looked_up = api.post("/v1/run", {"submission": PROGRAM}, key)

    assert (pushed.status, looked_up.status) == (200, 200)
    assert pushed.body == api.get(f"/v1/submissions/{pushed.json['requestId']}", key).body
    eventually_ok(lambda: api.get("/health").json["checks"]["redis"] == "away")


def eventually_ok(condition: Callable[[], bool]) -> None:
    """Repeat until a condition is true."""
    deadline = monotonic() + WAIT_SECONDS
    while not condition():
        assert monotonic() < deadline


def test_an_environment_on_sqs_works_alike(
    mariadb: RunningDatabase, moto_server: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Consumers and positions are not known there."""
    directory = tmp_path_factory.mktemp("sqs")
    with open_world(
        moto_server=moto_server, database=mariadb, directory=directory, broker=None
    ) as world:
        api, key = world.start_api(), world.make_key("ann")
        queued = api.post("/v1/submissions", PROGRAM, key).json
        status = api.get("/v1/queue/status", key).json
        deadline = monotonic() + WAIT_SECONDS
        while "note" not in (waiting := api.get(queued["url"], key).json)["queue"]:
            assert monotonic() < deadline, waiting  # SQS counts a moment later
        world.start_worker()
        run = api.post("/v1/run", {"submission": PROGRAM}, key)

    assert status["sqs_enabled"] is True
    assert status["queue_info"]["queue_url"] == world.environment["SQS_QUEUE_URL"]
    assert waiting["status"] == "queued"
    assert "position" not in waiting["queue"]
    assert "worker" in waiting["queue"]["note"]
    assert run.json["result"]["verdict"] == "AC"
