"""Prefetching for the next job: broker, cache and sandbox."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from grader.adapters.activemq.connection import connect
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.contract.messages import GradingRequest
from grader.judge.caches import open_caches
from grader.logs import Redactor, make_logger
from grader.ports.messages import QueueInspector
from grader.testing import MemoryObjectStore
from grader.worker.activity import ActiveJobs
from grader.worker.prefetch import Prefetcher

pytestmark = pytest.mark.engine

WAIT_SECONDS = 180.0


class WatchedStore(MemoryObjectStore):
    """A bucket that knows which test cases were downloaded."""

    def __init__(self) -> None:
        """Nothing was."""
        super().__init__()
        self.fetched: list[str] = []

    def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
        """Write an object into a new file."""
        self.fetched.append(key.rpartition("/")[2])
        super().download(key, target, max_bytes=max_bytes, etag=etag)


@pytest.fixture
def watched(bench: Any) -> Iterator[Any]:
    """A bench over a watched bucket, with two problems of two cases each."""
    store = WatchedStore()
    with open_caches(store, bench.bucket, max_bytes=1 << 30) as caches:
        made = type(bench)(bench.box, store, caches)
        for problem in ("first", "second"):
            for number in (1, 2):
                made.case(f"{problem}-{number}", f"{number}\n", f"{2 * number}\n", problem=problem)
        yield made


def test_the_second_job_finds_its_test_cases_here(watched: Any, activemq: Any) -> None:
    """They were fetched while the first one ran, from a message that was only looked at."""
    queue = f"t.{uuid.uuid4().hex}"
    broker = activemq
    prepared, stopping = threading.Event(), threading.Event()
    grader = watched.grader()
    active = ActiveJobs()

    @contextmanager
    def open_inspector() -> Iterator[QueueInspector]:
        connection = connect(
            [broker.endpoint], broker.user, broker.password, ca_file=broker.ca_file
        )
        yield ActiveMQQueueInspector(connection)
        connection.close()

    def prepare(body: bytes) -> None:
        grader.prepare(GradingRequest.from_json(body))
        prepared.set()

    prefetcher = Prefetcher(
        queues=(queue,),
        count=2,
        active=active,
        open_inspector=open_inspector,
        prepare=prepare,
        stopping=stopping,
        log=make_logger("text", "INFO", redactor=Redactor()),
    )
    web = connect([broker.endpoint], broker.user, broker.password, ca_file=broker.ca_file)
    web.send(queue, watched.request(problem_id="second").to_json())
    with prefetcher.in_background():
        active.begin("consumer")
        first = watched.verdict("print(2 * int(input()))", problem_id="first")
        assert prepared.wait(WAIT_SECONDS)
        active.end("consumer")
        stopping.set()
    ahead = list(watched.store.fetched)

    second = watched.verdict("print(2 * int(input()))", problem_id="second")

    assert (first.verdict, second.verdict) == ("AC", "AC")
    assert {"second-1.in", "second-1.ans", "second-2.in", "second-2.ans"} <= set(ahead)
    assert watched.store.fetched == ahead
    assert ActiveMQQueueInspector(web).statistics([queue])[queue].size == 1
    web.close()
