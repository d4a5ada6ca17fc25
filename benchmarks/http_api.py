"""
The HTTP API under load: submissions at a fixed rate, and many callers that wait for a result.

The API, broker, database, bucket and Redis run for these figures; the bucket is the emulated one.
No worker takes the submissions. A call counts from the moment at which it was planned, so a slow
answer delays no later call and hides in none.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from time import perf_counter

from api_engines import ApiEngines, api_engines
from api_world import ApiProcess
from figures import Aim, Figure, Measured, percentile, timed
from local_stack import ROOT
from open_loop import Caller
from progress import say
from worker_process import LoggingProcess

from grader.adapters.activemq.connection import Connection
from grader.adapters.s3 import S3ObjectStore
from grader.client.submission import Limits, Source, make_request, upload_source

#: In a process of its own, whose memory is measured.
_GRADER_API = (sys.executable, "-m", "grader", "api")
_RATE = 100.0
_SUBMISSIONS = 300
_ROUNDS = 3
_SINGLE = 100
_WAITING = 2000
_WAIT_SECONDS = 25
_LOOK_SECONDS = 0.5
_SUBMIT = "/v1/submissions"
_AIM = Aim(50)
_SOURCE = "# adds two numbers\n" * 40 + "print(sum(map(int, input().split())))\n"
_BODY = json.dumps({"problemId": "sum", "language": "python", "source": _SOURCE}).encode()
_RUN = {"functionId": "nothing", "waitSeconds": _WAIT_SECONDS}
_GAUGE = re.compile(r"^grading_api_(waiting_callers|lookups_total) ([0-9.e+]+)$", re.MULTILINE)


def measure() -> Measured:
    """Baselines: the bare framework, the bare work of a submission, an idle API, one caller."""
    say("the API")
    with api_engines() as engines, _bare() as port:
        key = engines.world.make_key("bench")
        api = engines.world.start_api(*_GRADER_API)
        yield from asyncio.run(_submissions(api, key, port))
        yield from asyncio.run(_in_turn(api, key, engines))
        say("callers that wait")
        plain = asyncio.run(_waiting(engines.world.start_api(*_GRADER_API), key))
        redis = engines.start_redis()
        pushed = asyncio.run(_waiting(engines.world.start_api(*_GRADER_API, **redis), key))
    yield "waiting_callers", Figure(plain.callers, "callers", 1, 1, Aim(_WAITING, at_least=True))
    yield "waiting_callers_mb", Figure(plain.megabytes, "MB", plain.idle_megabytes, 1, Aim(300))
    for name, found in (("", plain), ("_with_redis", pushed)):
        figure = Figure(found.lookups, "a second", found.lookups_of_one, 1, Aim(20))
        yield f"waiting_lookups{name}", figure


async def _submissions(api: ApiProcess, key: str, port: int) -> list[tuple[str, Figure]]:
    """Submit at a fixed rate, in turns with the bare framework."""
    ours = Caller(api.port, _SUBMIT, _headers(key), HTTPStatus.ACCEPTED)
    bare = Caller(port, _SUBMIT, {}, HTTPStatus.ACCEPTED)
    bodies = [_BODY] * _SUBMISSIONS
    for caller in (ours, bare):
        await caller.at_rate(bodies, _RATE)  # opens connections, and fills caches
    times: list[float] = []
    framework: list[float] = []
    for _ in range(_ROUNDS):
        times += await ours.at_rate(bodies, _RATE)
        framework += await bare.at_rate(bodies, _RATE)
    ours.close()
    bare.close()
    count = len(times)
    middle, slow = (
        (percentile(times, percent), percentile(framework, percent)) for percent in (50, 95)
    )
    return [
        ("api_submit_ms_p50", Figure(*_with_unit(middle), count)),
        ("api_submit_ms_p95", Figure(*_with_unit(slow), count, _AIM)),
    ]


def _with_unit(pair: tuple[float, float]) -> tuple[float, str, float]:
    return pair[0], "ms", pair[1]


async def _in_turn(api: ApiProcess, key: str, engines: ApiEngines) -> list[tuple[str, Figure]]:
    """Submit one after the other. Baseline: two objects and a message, from this process."""
    caller = Caller(api.port, _SUBMIT, _headers(key), HTTPStatus.ACCEPTED)
    times = await caller.in_turn([_BODY] * _SINGLE)
    caller.close()
    world = engines.world
    store = S3ObjectStore(world.aws("s3"), world.bucket)
    connection = engines.connect()
    work = [1000 * timed(_submit, store, connection, world.bucket) for _ in range(_SINGLE)]
    figure = Figure(percentile(times, 50), "ms", percentile(work, 50), _SINGLE)
    return [("api_submit_alone_ms_p50", figure)]


def _submit(store: S3ObjectStore, connection: Connection, bucket: str) -> None:
    source = Source("solution.py", _SOURCE.encode())
    request = make_request(
        bucket=bucket,
        problem_id="sum",
        language="python",
        source=source,
        limits=Limits(),
        user_id="bench",
    )
    upload_source(store, request, source)
    connection.send("bench-submissions", request.to_json())


@dataclass(frozen=True)
class _Waiting:
    """Memory and look-ups a second of an API while callers wait."""

    callers: int
    idle_megabytes: float
    megabytes: float
    lookups: float
    lookups_of_one: float


async def _waiting(api: ApiProcess, key: str) -> _Waiting:
    """Let many callers wait for runs that no worker takes; all get 202 at the end."""
    caller = Caller(api.port, "/v1/run", _headers(key), HTTPStatus.ACCEPTED)
    one = asyncio.create_task(caller.at_once([json.dumps({**_RUN, "waitSeconds": 5}).encode()]))
    alone = [seen async for seen in _watch(api, one)]
    idle = _megabytes(api)
    many = asyncio.create_task(caller.at_once([json.dumps(_RUN).encode()] * _WAITING))
    found = [seen async for seen in _watch(api, many)]
    caller.close()
    most = max(seen.callers for seen in found)
    return _Waiting(
        callers=most,
        idle_megabytes=idle,
        megabytes=max(seen.megabytes for seen in found),
        lookups=_rate([seen for seen in found if seen.callers == most]),
        lookups_of_one=_rate([seen for seen in alone if seen.callers]),
    )


@dataclass(frozen=True)
class _Seen:
    at: float
    callers: int
    lookups: float
    megabytes: float


async def _watch(api: ApiProcess, task: asyncio.Task[list[float]]) -> AsyncIterator[_Seen]:
    """Read the metrics of an API until a task has ended."""
    while not task.done():
        await asyncio.wait({task}, timeout=_LOOK_SECONDS)
        text = (await asyncio.to_thread(api.get, "/metrics")).body.decode()
        values = {name: float(value) for name, value in _GAUGE.findall(text)}
        callers = int(values["waiting_callers"])
        yield _Seen(perf_counter(), callers, values["lookups_total"], _megabytes(api))
    task.result()


def _rate(found: list[_Seen]) -> float:
    """Return the look-ups a second between the first and the last of these moments."""
    first, last = found[0], found[-1]
    return (last.lookups - first.lookups) / (last.at - first.at)


def _megabytes(api: ApiProcess) -> float:
    status = Path(f"/proc/{api.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@contextmanager
def _bare() -> Iterator[int]:
    """Run the bare framework; yields its port."""
    variables = {"PATH": "", "PYTHONPATH": str(ROOT)}
    process = LoggingProcess((sys.executable, str(ROOT / "benchmarks" / "bare_api.py")), variables)
    try:
        yield int(process.wait_for("listens on port").rpartition(" ")[2])
    finally:
        process.close()
