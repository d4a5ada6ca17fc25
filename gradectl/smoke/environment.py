"""What a smoke test uses of an environment, and the jobs that it sends there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from gradectl.queues.broker import Broker
from grader.client.submission import Limits, Source, make_request
from grader.contract.messages import GradingRequest
from grader.ports.jobs import JobStore
from grader.ports.stores import ObjectStore

#: The program of every job.
PROGRAM = Source("smoke.py", b"print(sum(map(int, input().split())))\n")
_LIMITS = Limits(time_ms=5000, memory_mb=128)


@dataclass(frozen=True)
class SmokeApi:
    """
    The HTTP API of an environment.

    Attributes:
        url: Its URL; empty where it is not known.
        key: Makes a key of a user that exists for the block only.
    """

    url: str
    key: Callable[[], AbstractContextManager[str]]


@dataclass(frozen=True)
class SmokeEnvironment:
    """
    The parts of an environment that a smoke test uses.

    Attributes:
        bucket: Name of the grading bucket.
        store: The bucket.
        broker: The queues.
        jobs: The table of jobs; None if the database cannot be reached.
        api: The HTTP API; None without one.
    """

    bucket: str
    store: ObjectStore
    broker: Broker
    jobs: JobStore | None
    api: SmokeApi | None = None


@dataclass(eq=False)
class SmokeJob:
    """A job of a smoke test with its progress, which the clean-up needs."""

    queue: str
    request_id: str
    problem_id: str
    sent: bool = False
    finished: bool = False  # it has a result, so no worker holds it
    received: bool = False  # its result message was consumed here
    sampled: bool = False  # its result message was not found where it cannot be searched
    buried: bool = True  # it may have a dead letter
    out_of_time: bool = False


def request_of(bucket: str, job: SmokeJob) -> GradingRequest:
    """Build the request of a job, which a healthy worker accepts."""
    return make_request(
        bucket=bucket,
        problem_id=job.problem_id,
        language="python",
        source=PROGRAM,
        limits=_LIMITS,
        user_id="gradectl-smoke",
        request_id=job.request_id,
    )
