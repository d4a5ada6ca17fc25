"""Inspection of long queues, against a browse that only counts what it gets."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import Aim, Figure, Measured, clocked
from progress import say

from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.find import find_engines
from gradectl.local.testing import RunningBroker, running_broker
from gradectl.queues.inspection import queue_states, read_queue
from gradectl.queues.listing import Listing
from gradectl.queues.scan import ScanResult
from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.contract.names import DEAD_LETTER_QUEUE

ROOT = Path(__file__).resolve().parents[1]
_USER = BrokerUser("grader", "a-Password-for-benchmarks-1")
_BODY = (
    b'{"requestId": "req_%d", "userId": "user_001", "problemId": "prob_001", "language": "python",'
    b' "sourceFile": "s3://bucket/submissions/req_1/solution.py", "timeLimit": 5000,'
    b' "memoryLimit": 256, "timestamp": "2024-08-20T12:00:00Z"}'
)
_IN_A_TRANSACTION = 2_000
#: A queue may page in so many, by the memory of the broker.
_LEAST_SEEN = 10_000


def measure() -> Measured:
    """Measure the reading of 10,000 and of 100,000 waiting messages, on a broker of its own."""
    with _broker() as running, _connected(running) as connection:
        inspector = ActiveMQQueueInspector(connection)
        say("10,000 waiting messages")
        _fill(connection, 0, 10_000)
        yield "inspect_10000_seconds", _seconds(inspector, Aim(5))
        say("100,000 waiting messages")
        _fill(connection, 10_000, 100_000)
        yield "inspect_100000_seconds", _seconds(inspector, None)
        yield "inspect_100000_peak_mb", _peak(running)
        yield "queue_list_100000_seconds", _list(inspector)


@contextmanager
def _broker() -> Iterator[RunningBroker]:
    """Run a broker with a heap of 256 MB and the configuration of the messaging module."""
    xml = (ROOT / "tests/fixtures/broker.xml").read_text()
    with tempfile.TemporaryDirectory() as directory:
        broker = BrokerSpec("bench", xml, [_USER])
        with running_broker(find_engines(), Path(directory), broker) as running:
            yield running


@contextmanager
def _connected(running: RunningBroker) -> Iterator[Connection]:
    connection = connect(
        [running.endpoint], running.user, running.password, ca_file=running.ca_file
    )
    try:
        yield connection
    finally:
        connection.close()


def _fill(connection: Connection, first: int, end: int) -> None:
    for start in range(first, end, _IN_A_TRANSACTION):
        with connection.transaction() as transaction:
            for number in range(start, start + _IN_A_TRANSACTION):
                headers = {"correlation-id": f"req_{number}"}
                transaction.send(DEAD_LETTER_QUEUE, _BODY % number, headers)


def _inspect(inspector: ActiveMQQueueInspector) -> ScanResult:
    """Read as `gradectl queue inspect` does."""
    counters = inspector.statistics([DEAD_LETTER_QUEUE])[DEAD_LETTER_QUEUE]
    return read_queue(inspector, counters, Listing(counters.taken_at_ms).add)


def _browse(inspector: ActiveMQQueueInspector, count: int) -> None:
    """Baseline: as many messages by bare pages, which are the same page each time."""
    while count > 0:
        count -= len(inspector.browse(DEAD_LETTER_QUEUE))


def _seconds(inspector: ActiveMQQueueInspector, aim: Aim | None) -> Figure:
    """Measure how long a queue is read; a sample where the broker lacks memory for all of it."""
    seconds, scan = clocked(_inspect, inspector)
    say(scan.summary)
    if scan.seen < _LEAST_SEEN:
        raise SystemExit(f"too little was read: {scan.summary}")
    baseline, _ = clocked(_browse, inspector, scan.seen)
    return Figure(seconds, "seconds", baseline, 1, aim)


def _list(inspector: ActiveMQQueueInspector) -> Figure:
    """Measure the counters and ages of all queues, against the counters of one."""
    seconds, _ = clocked(queue_states, inspector)
    baseline, _ = clocked(inspector.statistics, [DEAD_LETTER_QUEUE])
    return Figure(seconds, "seconds", baseline, 1, Aim(2))


def _peak(running: RunningBroker) -> Figure:
    """Measure the peak memory of a process that inspects, against one that browses one page."""
    return Figure(_memory_of(running, "inspect"), "MB", _memory_of(running, "page"), 1)


def _memory_of(running: RunningBroker, work: str) -> float:
    done = subprocess.run(
        [sys.executable, __file__, work, running.endpoint, str(running.ca_file)],
        env={**os.environ, "BROKER_PASSWORD": running.password},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def _child(work: str, endpoint: str, ca_file: str) -> None:
    """Do the work in this process, and print its peak memory in MB."""
    running = RunningBroker(endpoint, 0, _USER.name, os.environ["BROKER_PASSWORD"], Path(ca_file))
    with _connected(running) as connection:
        inspector = ActiveMQQueueInspector(connection)
        if work == "inspect":
            _inspect(inspector)
        else:
            _browse(inspector, 1)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    _child(*sys.argv[1:])
