"""`gradectl queue` on SQS with the database, where an interruption must not lose a message."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from applied_environment import Applied, make_environment
from sqs_queues import DEAD, REQUESTS, SqsQueues

from gradectl.local.testing import RunningDatabase
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.store import MysqlJobStore
from grader.contract.messages import Failure, GradingRequest, JobResult
from grader.migrations import migrate
from grader.ports.jobs import Claim

pytestmark = pytest.mark.engine
SECONDS = 120.0  # a limit for a hung test
REQUEST = {
    "userId": "u",
    "problemId": "sum",
    "language": "python",
    "sourceFile": "s3://b/submissions/r/solution.py",
    "timeLimit": 1000,
    "memoryLimit": 64,
    "timestamp": "2024-08-20T12:00:00Z",
}


@pytest.fixture
def applied(
    own_database: RunningDatabase, moto_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Applied]:
    """An environment without a broker."""
    none: Any = SimpleNamespace(endpoint="-", user="-", password="-", ca_file=Path("none"))
    made = make_environment(none, own_database, moto_server, tmp_path_factory.mktemp)
    for key in ("broker-endpoint", "username", "password"):
        made.client("ssm").delete_parameter(Name=f"/{made.name}/mq/{key}")
    yield made
    made.stack.close()


@pytest.fixture
def queues(applied: Applied) -> SqsQueues:
    """Its queues."""
    return SqsQueues(applied, applied.name)


@pytest.fixture
def jobs(own_database: RunningDatabase) -> Iterator[MysqlJobStore]:
    """The table of jobs."""
    where = own_database
    engine = open_engine(
        lambda: DatabaseLogin(where.endpoint, where.name, where.user, where.password)
    )
    migrate(engine)
    yield MysqlJobStore(engine)
    engine.dispose()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        threading.Event().wait(0.05)


def test_a_redriven_request_is_not_answered_with_its_old_failure(
    applied: Applied, queues: SqsQueues, jobs: MysqlJobStore
) -> None:
    """Its failed row is deleted before its message is put back."""
    request = GradingRequest.model_validate({**REQUEST, "requestId": "req_7"})
    jobs.claim(Claim(request, "m", REQUESTS, "worker-1"))
    error = Failure(code="INTERNAL_ERROR", message="it failed")
    jobs.finish(
        JobResult(request_id="req_7", status="failed", error=error, timestamp=request.timestamp),
        attempt=1,
    )
    queues.dead_letter(7)
    queues.dead_letter(8, "DOWNLOAD_FAILED")

    done = applied.gradectl(
        *("--yes", "queue", "redrive", "--reason", "INTERNAL_ERROR", "--apply", "-o", "json")
    )

    assert done.code == 0, done.stderr
    assert (done.document["taken"], done.document["seen"]) == (1, 2)
    assert jobs.get("req_7") is None
    assert (queues.waiting(DEAD), queues.waiting(REQUESTS)) == (1, 1)
    (copy,) = queues.take(REQUESTS)
    headers = {key: value["StringValue"] for key, value in copy["MessageAttributes"].items()}
    assert headers["x-gradectl-redrives"] == "1"
    assert "x-gradectl-reason-code" not in headers


@pytest.mark.usefixtures("jobs")
def test_an_interrupted_redrive_loses_nothing_and_goes_on(
    applied: Applied, queues: SqsQueues
) -> None:
    """What was not moved is visible at once; the journal has what was, and no message is twice."""
    for number in range(30):
        queues.dead_letter(number)
    redrive = ("--yes", "queue", "redrive", "--apply", "-o", "json")
    process = applied.start(*redrive, "--rate", "2")
    until(lambda: queues.waiting(REQUESTS) > 0)

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=SECONDS)
    moved = queues.waiting(REQUESTS)
    left = queues.waiting(DEAD)
    rest = applied.gradectl(*redrive)

    assert process.returncode == 130, errors
    assert "the last ten may be in both queues, and none is lost" in errors
    assert 0 < moved < 30
    assert moved + left == 30
    assert rest.code == 0, rest.stderr
    assert (queues.waiting(DEAD), queues.waiting(REQUESTS)) == (0, 30)
    (first, _) = sorted((applied.root / ".gradectl" / "queues").glob("*.ndjson"))
    taken = [json.loads(line) for line in first.read_text().splitlines()]
    assert sum(len(each["message_ids"]) for each in taken if each["event"] == "taken") >= moved - 10
