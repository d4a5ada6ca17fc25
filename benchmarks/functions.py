"""
Functions: from an HTTP request to its answer, and the start of an interpreter.

The API, the worker with its sandbox, broker, database, bucket and Redis run for these figures. Runs
come one after the other with a pause, so that a warm interpreter is ready for each.
"""

from __future__ import annotations

import http.client
import json
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from api_engines import api_engines
from api_world import ApiProcess, ApiWorld
from figures import Aim, Figure, Measured, clocked, percentile, timed
from progress import say
from sandboxes import many_boxes

from grader.adapters.activemq.connection import Connection
from grader.adapters.s3 import S3ObjectStore
from grader.client.functions import make_manifest, upload_function

_RUNS = 60
_PAUSE_SECONDS = 0.1
_TIMEOUT_SECONDS = 60.0
_AIM = Aim(25)
_ECHO = "bench-echo"
_BODY = {"functionId": "hello", "inputData": {"name": "Ada"}}
_PYTHON = b"import json, sys\nprint('Hello,', json.load(sys.stdin)['name'])\n"
_CPP = b'#include <cstdio>\nint main() { std::puts("Hello"); }\n'
_FUNCTIONS = {"hello": ("python", _PYTHON), "hello-cpp": ("cpp20", _CPP)}


def measure() -> Measured:
    """Baseline of each figure: a bare round trip through the same broker."""
    say("functions")
    with _running() as bench:
        bare = 1000 * percentile(bench.round_trips(), 50)
        warm, own = bench.runs("hello")
        yield "run_warm_python_ms_p50", Figure(percentile(warm, 50), "ms", bare, _RUNS, _AIM)
        yield "run_warm_python_ms_p95", Figure(percentile(warm, 95), "ms", bare, _RUNS)
        cpp, _ = bench.runs("hello-cpp")
        yield "run_cpp_ms_p50", Figure(percentile(cpp, 50), "ms", bare, _RUNS)
    with _running(has_redis=False) as bench:
        polled, _ = bench.runs("hello")
        yield "run_without_redis_ms_p50", Figure(percentile(polled, 50), "ms", bare, _RUNS)
    with _running(FUNCTION_POOL_MB="0") as bench:
        cold, cold_own = bench.runs("hello")
        yield "run_cold_python_ms_p50", Figure(percentile(cold, 50), "ms", bare, _RUNS)
    middle, cold_middle = statistics.mean(own), statistics.mean(cold_own)
    yield "warm_python_in_the_box_ms", Figure(middle, "ms", cold_middle, _RUNS)


@dataclass(frozen=True)
class _Bench:
    """A running system with two functions."""

    api: ApiProcess
    key: str
    broker: Connection

    def runs(self, function_id: str) -> tuple[list[float], list[float]]:
        """Run a function several times; returns milliseconds of the calls, and in the box."""
        connection = self.api.connect()
        body = json.dumps({**_BODY, "functionId": function_id})
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        calls, own = [], []
        for number in range(_RUNS + 1):
            threading.Event().wait(_PAUSE_SECONDS)
            seconds, answer = clocked(_call, connection, body, headers)
            if number:  # the first one compiles, and fills caches
                calls.append(1000 * seconds)
                own.append(float(answer["durationMillis"]))
        connection.close()
        return calls, own

    def round_trips(self) -> list[float]:
        """Seconds of bare round trips: send, receive, acknowledge."""
        self.broker.subscribe(_ECHO)
        return [timed(self._round_trip) for _ in range(_RUNS)]

    def _round_trip(self) -> None:
        self.broker.send(_ECHO, json.dumps(_BODY).encode())
        frame = self.broker.next_frame(_TIMEOUT_SECONDS)
        if frame is None:
            raise SystemExit("no answer of the broker")
        self.broker.ack(frame)


def _call(
    connection: http.client.HTTPConnection, body: str, headers: dict[str, str]
) -> dict[str, int]:
    connection.request("POST", "/v1/run", body, headers)
    answer = connection.getresponse()
    document: dict[str, int] = json.loads(answer.read())
    if answer.status != http.client.OK or document.get("exitCode") != 0:
        raise SystemExit(f"the function did not run: {document}")
    return document


@contextmanager
def _running(*, has_redis: bool = True, **settings: str) -> Iterator[_Bench]:
    """Run everything in a temporary folder, with these settings of the worker."""
    with many_boxes() as launcher, api_engines() as engines:
        world = engines.world
        _push(world)
        if has_redis:
            world.environment.update(engines.start_redis())
        world.start_worker(
            *(sys.executable, "-m", "grader", "worker"),
            LAUNCHER_PATH=str(launcher),
            JOB_HANDLER="function",
            LANGUAGES="python,cpp20",
            **settings,
        )
        yield _Bench(world.start_api(), world.make_key("bench"), engines.connect())


def _push(world: ApiWorld) -> None:
    store = S3ObjectStore(world.aws("s3"), world.bucket)
    for function_id, (runtime, source) in _FUNCTIONS.items():
        contents = {"main": source}
        manifest = make_manifest(
            function_id=function_id, runtime=runtime, entry="main", contents=contents
        )
        upload_function(store, manifest, contents)
