"""Services that go away while the API runs, and an environment on SQS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import pytest
from api_world import WAIT_SECONDS, Answer, ApiProcess, ApiWorld, open_world
from redis_server import RedisServer
from tcp_relay import Relay

from gradectl.local.loopback import free_ports
from gradectl.local.testing import RunningDatabase
from grader.contract.api_keys import Scope

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
    batch: str  # id of a batch
    upload: str  # id of a submission whose program was not uploaded
    relays: dict[str, Relay]


@pytest.fixture(scope="module")
def faulty(
    world: ApiWorld, apis: tuple[ApiProcess, ApiProcess], running_redis_server: RedisServer
) -> Iterator[Faulty]:
    """An API with a relay to each service, that of the bucket for Parameter Store too."""
    assert apis
    assert world.broker is not None
    moto = int(world.environment["AWS_ENDPOINT_URL"].rpartition(":")[2])
    redis = running_redis_server
    redis_port = int(redis.url.rpartition(":")[2])
    engines = {
        "database": world.database.port,
        "queue": world.broker.port,
        "bucket": moto,
        "redis": redis_port,
    }
    ports = dict(zip(engines, free_ports(len(engines)), strict=True))
    relays = {name: Relay(engines[name], port) for name, port in ports.items()}
    for relay in relays.values():
        relay.open()
    world.set_parameter("relay/db", f"127.0.0.1:{ports['database']}")
    world.set_parameter("relay/mq", f"stomp+ssl://localhost:{ports['queue']}")
    world.set_parameter("relay/redis", redis.url.replace(f":{redis_port}", f":{ports['redis']}"))
    world.set_parameter("relay/redis-password", redis.password)
    api = world.start_api(
        REDIS_URL_PARAM=f"/{world.name}/relay/redis",
        REDIS_PASSWORD_PARAM=f"/{world.name}/relay/redis-password",
        REDIS_CA_FILE=str(redis.ca_file),
        DB_ENDPOINT_PARAM=f"/{world.name}/relay/db",
        MQ_ENDPOINT_PARAM=f"/{world.name}/relay/mq",
        AWS_ENDPOINT_URL=f"http://localhost:{ports['bucket']}",
    )
    key = world.make_key("ann", *Scope)
    world.put("problems/sum/description.md", b"# Sum")
    done = api.post("/v1/run", {"submission": PROGRAM}, key).json["requestId"]
    batch = api.post("/v1/batches", {"submissions": [PROGRAM]}, key).json["batchId"]
    upload = api.post("/v1/submissions", {"problemId": "sum", "language": "python"}, key)
    faulty = Faulty(api, key, done, batch, upload.json["requestId"], relays)
    for name in NEEDS:
        eventually(partial(call, faulty, name), OK[name])
    yield faulty
    for relay in relays.values():
        relay.cut()


def eventually(action: Callable[[], Answer], status: int) -> Answer:
    """Repeat a call until it has this status."""
    deadline = monotonic() + WAIT_SECONDS
    while (answer := action()).status != status:
        assert monotonic() < deadline, answer
        assert int(answer.headers["retry-after"]) > 0
    return answer


#: What each call needs; it is 503 while that is away, and works without the others.
NEEDS = {
    "page": "",
    "languages": "",
    "me": "",
    "health": "",
    "read": "database",
    "list": "database",
    "batch": "database",
    "events": "database",
    "overview": "",  # it has what works
    "counters": "queue",
    "absent": "database bucket",
    "problems": "bucket",
    "statement": "bucket",
    "uploaded": "bucket",
    "submit": "bucket queue",
    "repeat": "bucket",  # without the database it is sent again
    "upload": "bucket",
    "submit_batch": "bucket queue",
    "run": "bucket queue",
}
#: May be answered with what was read before.
CACHED = ("counters", "problems")
SENT = ("submit", "repeat", "upload", "submit_batch")
#: Statuses while all is well.
OK = {name: 202 if name in SENT else 200 for name in NEEDS} | {"absent": 404, "uploaded": 409}


def call(faulty: Faulty, name: str) -> Answer:
    """Make a call by its name."""
    repeated = {"headers": {"idempotency-key": "the-same"}}
    paths = {
        "page": "/",
        "languages": "/v1/languages",
        "me": "/v1/me",
        "health": "/health",
        "read": f"/v1/submissions/{faulty.done}",
        "list": "/v1/submissions",
        "batch": f"/v1/batches/{faulty.batch}",
        "events": f"/v1/submissions/{faulty.done}/events",
        "overview": "/v1/operator/overview",
        "counters": "/v1/queue/status",
        "absent": "/v1/submissions/req_absent",
        "problems": "/v1/problems",
        "statement": "/v1/problems/sum/statement",
    }
    bodies: dict[str, tuple[str, Any, dict[str, Any]]] = {
        "submit": ("/v1/submissions", PROGRAM, {}),
        "repeat": ("/v1/submissions", PROGRAM, repeated),
        "upload": ("/v1/submissions", {"problemId": "sum", "language": "python"}, {}),
        "submit_batch": ("/v1/batches", {"submissions": [PROGRAM] * 20}, {}),
        "uploaded": (f"/v1/submissions/{faulty.upload}/uploaded", None, {}),
        "run": ("/v1/run", {"submission": PROGRAM, "waitSeconds": 5}, {}),
    }
    if name in paths:
        return faulty.api.get(paths[name], faulty.key)
    path, body, options = bodies[name]
    return faulty.api.post(path, body, faulty.key, **options)


def call_all(faulty: Faulty) -> dict[str, Answer]:
    """Make all calls at once."""
    with ThreadPoolExecutor(len(NEEDS)) as pool:
        answers = {name: pool.submit(call, faulty, name) for name in NEEDS}
        return {name: each.result() for name, each in answers.items()}


@pytest.mark.parametrize("how", ["cut", "freeze"])
@pytest.mark.parametrize("away", ["database", "queue", "bucket", "redis"])
def test_what_does_not_need_a_service_works_without_it(faulty: Faulty, away: str, how: str) -> None:
    """The rest is 503 with Retry-After, soon; afterwards all works again without a restart."""
    relay = faulty.relays[away]

    getattr(relay, how)()
    started = monotonic()
    answers = call_all(faulty)
    seconds = monotonic() - started
    eventually_ok(lambda: faulty.api.get("/health").json["checks"][away] == "away")
    relay.open() if how == "cut" else relay.thaw()

    assert seconds < SOON
    for name, needs in NEEDS.items():
        answer = answers[name]
        is_cached = name in CACHED and answer.status == OK[name]
        if away not in needs.split() or is_cached:
            assert answer.status in (OK[name], 202), (name, answer)
            continue
        assert answer.status == 503, (name, answer)
        assert answer.json["type"] == "/problems/unavailable"
        assert int(answer.headers["retry-after"]) > 0
    for name in NEEDS:
        eventually(partial(call, faulty, name), OK[name])


def test_a_rotated_password_is_read_after_a_refused_login(
    world: ApiWorld, apis: tuple[ApiProcess, ApiProcess]
) -> None:
    """Of the database and of the broker; the API goes on without a restart."""
    key = world.make_key("ann")
    done = eventually(lambda: apis[0].post("/v1/submissions", PROGRAM, key), 202)
    names = {
        "DB_PASSWORD_PARAM": f"/{world.name}/db-web/password",
        "MQ_PASSWORD_PARAM": world.environment["MQ_PASSWORD_PARAM"],
    }
    found = world.aws("ssm").get_parameters(Names=list(names.values()), WithDecryption=True)
    right = {each["Name"]: each["Value"] for each in found["Parameters"]}
    mine = {variable: f"rotated/{variable.lower()}" for variable in names}
    for key_of in mine.values():
        world.set_parameter(key_of, "the-former-Password-1")
    api = world.start_api(**{name: f"/{world.name}/{each}" for name, each in mine.items()})

    def read() -> Answer:
        return api.get(f"/v1/submissions/{done.json['requestId']}", key)

    def submit() -> Answer:
        return api.post("/v1/submissions", PROGRAM, key)

    assert (read().status, submit().status) == (503, 503)
    for variable, name in names.items():
        world.set_parameter(mine[variable], right[name])
    eventually(read, 200)
    eventually(submit, 202)


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
    """Consumers and positions are not known there; dead letters are counted."""
    directory = tmp_path_factory.mktemp("sqs")
    with open_world(
        moto_server=moto_server, database=mariadb, directory=directory, broker=None
    ) as world:
        api, key = world.start_api(), world.make_key("ann")
        queued = api.post("/v1/submissions", PROGRAM, key).json
        status = api.get("/v1/queue/status", key).json
        overview = api.get("/v1/operator/overview", world.make_key("root", *Scope)).json
        deadline = monotonic() + WAIT_SECONDS
        while "note" not in (waiting := api.get(queued["url"], key).json)["queue"]:
            assert monotonic() < deadline, waiting  # SQS counts a moment later
        world.start_worker()
        run = api.post("/v1/run", {"submission": PROGRAM}, key)

    assert status["sqs_enabled"] is True
    assert [each["name"] for each in overview["queues"]] == [
        world.environment[name] for name in ("QUEUE_NAME", "PRIORITY_QUEUE_NAME", "DLQ_NAME")
    ]
    assert status["queue_info"]["queue_url"] == world.environment["SQS_QUEUE_URL"]
    assert waiting["status"] == "queued"
    assert "position" not in waiting["queue"]
    assert "worker" in waiting["queue"]["note"]
    assert run.json["result"]["verdict"] == "AC"
