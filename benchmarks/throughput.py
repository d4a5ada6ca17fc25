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

from figures import Figure, Measured
from local_stack import ROOT, Local

from grader.adapters.activemq.connection import Connection
from grader.contract.messages import GradingRequest
from grader.contract.names import parameter_name

_MESSAGES = 2000
_BATCH = 200
_CONSUMERS = (1, 4)
#: The worker of the tests, real except for a constant verdict.
_WORKER = ROOT / "tests" / "integration" / "worker" / "constant_worker.py"
_TIMEOUT_SECONDS = 60.0
_MARK = f"bench-{secrets.token_hex(4)}"


def measure(local: Local) -> Measured:
    """Baseline: a bare consumer on the same broker that only acknowledges."""
    bare = _bare_rate(local)
    for consumers in _CONSUMERS:
        rate = _worker_rate(local, consumers)
        name = "worker_messages_per_second" + (f"_{consumers}_slots" if consumers > 1 else "")
        yield name, Figure(rate, "messages/s", bare, _MESSAGES)


def _bare_rate(local: Local) -> float:
    queue = f"{_MARK}-bare"
    with local.broker() as connection:
        _fill(connection, queue)
        connection.subscribe(queue)
        return _rate(connection)


def _worker_rate(local: Local, consumers: int) -> float:
    requests, results = f"{_MARK}-requests-{consumers}", f"{_MARK}-results-{consumers}"
    with local.broker() as connection:
        _fill(connection, requests)
        # Always faster than the worker: automatic acknowledgement and a large prefetch.
        connection.subscribe(results, headers={"ack": "auto", "activemq.prefetchSize": "1000"})
        with _worker(local, requests, results, consumers):
            return _rate(connection, acknowledge=False)


def _fill(connection: Connection, queue: str) -> None:
    for start in range(0, _MESSAGES, _BATCH):
        with connection.transaction() as transaction:
            for number in range(start, start + _BATCH):
                transaction.send(queue, _request(f"{queue}-{number}"))


def _rate(connection: Connection, *, acknowledge: bool = True) -> float:
    """Receive all messages; time counts from the first one, so the start of the worker does not."""
    started = 0.0
    for number in range(_MESSAGES):
        frame = connection.next_frame(_TIMEOUT_SECONDS)
        if frame is None:
            raise SystemExit(f"only {number} of {_MESSAGES} messages arrived")
        if acknowledge:
            connection.ack(frame)
        started = started or time.perf_counter()
    return (_MESSAGES - 1) / (time.perf_counter() - started)


def _request(request_id: str) -> bytes:
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
def _worker(local: Local, requests: str, results: str, consumers: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, _WORKER],
        env=_environment(local, requests, results, consumers),
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
