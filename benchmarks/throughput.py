"""Messages per second through one worker process, with everything real except the grading."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from figures import Aim, Figure, Measured
from local_stack import ROOT, Local

from grader.adapters.activemq.connection import Connection
from grader.contract.messages import GradingRequest
from grader.contract.names import parameter_name

_MESSAGES = 2000
_BATCH = 200
_CONSUMERS = (1, 4)
#: The worker of the tests, real except for a constant verdict.
WORKER = ROOT / "tests" / "integration" / "worker" / "constant_worker.py"
_BARE = ROOT / "benchmarks" / "bare_consumer.py"
#: Part of the rate of the baseline.
_AIM = 0.6
_TIMEOUT_SECONDS = 60.0
_MARK = f"bench-{secrets.token_hex(4)}"


def measure(local: Local) -> Measured:
    """
    Baseline: a bare consumer of the same broker, in a process of its own.

    It commits a result and the acknowledgement in one transaction, one message after the other, and
    has neither rows nor a second consumer.
    """
    bare = _rate_of(local, _BARE, 1)
    for consumers in _CONSUMERS:
        rate = _rate_of(local, WORKER, consumers)
        name = "worker_messages_per_second" + (f"_{consumers}_slots" if consumers > 1 else "")
        aim = Aim(_AIM * bare, at_least=True)
        yield name, Figure(rate, "messages/s", bare, _MESSAGES, aim)


def _rate_of(local: Local, program: Path, consumers: int) -> float:
    mark = f"{_MARK}-{program.stem.replace('_', '-')}-{consumers}"
    requests, results = f"{mark}-requests", f"{mark}-results"
    with local.broker() as connection:
        _fill(connection, requests)
        # Always faster than the program: automatic acknowledgement and a large prefetch.
        connection.subscribe(results, headers={"ack": "auto", "activemq.prefetchSize": "1000"})
        with _running(program, _environment(local, requests, results, consumers)):
            return _rate(connection)


def _fill(connection: Connection, queue: str) -> None:
    for start in range(0, _MESSAGES, _BATCH):
        with connection.transaction() as transaction:
            for number in range(start, start + _BATCH):
                transaction.send(queue, request(f"{queue}-{number}"))


def _rate(connection: Connection) -> float:
    """Receive all results; time counts from the first one, so the start of a program does not."""
    started = 0.0
    for number in range(_MESSAGES):
        frame = connection.next_frame(_TIMEOUT_SECONDS)
        if frame is None:
            raise SystemExit(f"only {number} of {_MESSAGES} messages arrived")
        started = started or time.perf_counter()
    return (_MESSAGES - 1) / (time.perf_counter() - started)


def request(request_id: str) -> bytes:
    """Return a message that asks for a constant verdict."""
    return GradingRequest(
        request_id=request_id,
        user_id="bench",
        problem_id="bench",
        language="python",
        source_file=f"s3://local-grading-files/submissions/{request_id}/solution.py",
        time_limit=1000,
        memory_limit=64,
        timestamp=datetime.now(UTC),
    ).to_json()


@contextmanager
def _running(program: Path, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, program],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _environment(local: Local, requests: str, results: str, consumers: int) -> dict[str, str]:
    parameters = {
        f"{part.upper()}_{variable}_PARAM": parameter_name("local", part, key)
        for part, variable, key in (
            ("mq", "ENDPOINT", "broker-endpoint"),
            ("mq", "USERNAME", "username"),
            ("mq", "PASSWORD", "password"),
            ("db", "ENDPOINT", "endpoint"),
            ("db", "NAME", "name"),
            ("db", "USERNAME", "username"),
            ("db", "PASSWORD", "password"),
        )
    }
    return {
        **parameters,
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": local.stack.endpoint_url,
        "AWS_REGION": local.stack.region,
        "SSL_CERT_FILE": str(local.stack.ca_file),
        "ENVIRONMENT": "local",
        "GRADING_BUCKET": local.target.bucket,
        "QUEUE_NAME": requests,
        "PRIORITY_QUEUE_NAME": "",
        "RESULT_QUEUE_NAME": results,
        "WORKER_SLOTS": str(consumers),
        "HEALTH_PORT": "0",
    }
