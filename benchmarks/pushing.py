"""
Results over Redis against look-ups of the row, and what progress costs a case.

A caller waits in the API's own hub for the result of a job that takes a while; measured is the time
from the stored row until the caller has the document. Redis and the database are real, over TLS.
"""

from __future__ import annotations

import asyncio
import io
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from figures import Figure, Measured, timed
from progress import say

from gradectl.local.engines.find import find_engines, find_redis
from gradectl.local.engines.tls import make_certificates
from gradectl.local.loopback import free_ports
from gradectl.local.testing import running_database
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.store import MysqlJobStore
from grader.adapters.mysql.submissions import MysqlSubmissions
from grader.adapters.redis import RedisLogin, RedisPublisher
from grader.api.redis_feed import RedisFeed
from grader.api.remote import RemoteService
from grader.api.waiting import WaitingHub
from grader.contract.messages import CaseResult, Grade, GradingRequest, GradingResult
from grader.contract.verdicts import Status, Verdict
from grader.judge.progress import FinishedCases
from grader.logs import Logger, Redactor, make_logger
from grader.migrations import migrate
from grader.ports.jobs import Claim
from grader.ports.results import NoProgress, ProgressSink
from grader.worker.pushing import PushedResults

RESULTS = 40
CASES = 100
ROUNDS = 200
_JOB_SECONDS = 0.3
_SECONDS = 30.0
_PASSWORD = "a-Password-of-the-benchmark"


def measure() -> Measured:
    """Measure both ways of a result, then the cost of progress."""
    say("results over Redis")
    log = make_logger("text", "ERROR", redactor=Redactor(), stream=io.StringIO())
    with TemporaryDirectory() as directory, _redis(Path(directory)) as login:
        home = Path(directory, "database")
        home.mkdir()
        with running_database(find_engines(), home) as database:
            where = DatabaseLogin(database.endpoint, "bench", database.user, database.password)
            with open_engine(lambda: replace(where, name="")).connect() as connection:
                connection.exec_driver_sql("CREATE DATABASE bench")
            engine = open_engine(lambda: where)
            migrate(engine)
            bench = _Bench(MysqlJobStore(engine), MysqlSubmissions(engine), log)
            pushed = PushedResults(RedisPublisher(lambda: login), log)
            with pushed.in_background():
                times = asyncio.run(bench.times(RedisFeed(lambda: login, log), pushed))
                yield "progress_case_us", _progress(pushed)
            looked_up = asyncio.run(bench.times(None, None))
            engine.dispose()
    value, baseline = (statistics.median(each) * 1000 for each in (times, looked_up))
    yield "redis_result_ms_p50", Figure(value, "milliseconds", baseline, RESULTS)


def _progress(sink: ProgressSink) -> Figure:
    """Baseline: the same without a sink."""

    def cases(to: ProgressSink) -> None:
        done = FinishedCases(CASES)
        result = CaseResult(case=1, status=Verdict.ACCEPTED, time=1, memory=1)
        for _ in range(CASES):
            done.add(result)
            to.report("req_progress", done.progress)

    none = NoProgress()
    found = [(timed(cases, sink), timed(cases, none)) for _ in range(ROUNDS)]
    with_one, without = (statistics.median(each) / CASES * 1e6 for each in zip(*found, strict=True))
    return Figure(with_one, "microseconds", without, ROUNDS)


class _Bench:
    """Jobs that end one after the other, and a caller that waits for each."""

    def __init__(self, jobs: MysqlJobStore, reader: MysqlSubmissions, log: Logger) -> None:
        self._jobs = jobs
        self._reader = reader
        self._log = log

    async def times(self, feed: RedisFeed | None, pushed: PushedResults | None) -> list[float]:
        """Return the seconds from each stored row to its caller."""
        database = RemoteService("database", 2, self._log)
        hub = WaitingHub(self._reader, database, feed, most_waiters=10, log=self._log)
        await hub.start()
        name = "pushed" if pushed else "looked-up"
        times = [await self._one(hub, pushed, f"{name}_{number}") for number in range(RESULTS)]
        await hub.close()
        return times

    async def _one(self, hub: WaitingHub, pushed: PushedResults | None, request_id: str) -> float:
        request = GradingRequest(
            request_id=request_id, user_id="bench", problem_id="sum", language="python",
            source_file=f"s3://bucket/submissions/{request_id}/a.py", time_limit=1000,
            memory_limit=64, timestamp=datetime.now(UTC),
        )  # fmt: skip
        claim = Claim(request, f"ID:{request_id}", "grading-requests", "bench")
        await asyncio.to_thread(self._jobs.claim, claim)
        async with hub.watch(request_id) as watch:
            await asyncio.sleep(_JOB_SECONDS)
            result = _result(request_id)
            await asyncio.to_thread(self._jobs.finish, result, attempt=1)
            begin = perf_counter()
            if pushed:
                pushed.publish(request.to_json(), result, 1)
            if await watch.next(_SECONDS) is None:
                raise RuntimeError("no result")
            return perf_counter() - begin


def _result(request_id: str) -> GradingResult:
    cases = tuple(
        CaseResult(case=number, status=Verdict.ACCEPTED, time=12, memory=9) for number in range(20)
    )
    grade = Grade(
        verdict=Verdict.ACCEPTED, score=100, execution_time=240, memory_usage=9, test_results=cases
    )
    return GradingResult(
        request_id=request_id, status=Status.COMPLETED, result=grade, timestamp=datetime.now(UTC)
    )


@contextmanager
def _redis(directory: Path) -> Iterator[RedisLogin]:
    files = make_certificates(directory, "localhost")
    (port,) = free_ports(1)
    options = {
        "port": "0", "tls-port": str(port), "bind": "127.0.0.1", "save": "",
        "tls-cert-file": str(files.pem_file), "tls-key-file": str(files.pem_file),
        "tls-ca-cert-file": str(files.ca_file), "tls-auth-clients": "no",
        "requirepass": _PASSWORD, "dir": str(directory),
    }  # fmt: skip
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    command = [find_redis().server, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or not any("Ready to accept" in line for line in process.stdout):
            raise RuntimeError("Redis did not start")
        try:
            yield RedisLogin.of_url(f"rediss://localhost:{port}", _PASSWORD, files.ca_file)
        finally:
            process.kill()
