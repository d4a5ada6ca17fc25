"""Submissions to a problem whose test cases are already in the worker's cache."""

from __future__ import annotations

import secrets
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3
import judge
from figures import Figure, Measured, timed
from progress import say
from ten_submissions import Case, find

from gradectl.local.testing import running_control_plane
from grader.adapters.s3 import S3ObjectStore

_PROBLEMS = 5
_CASES = 50
_NUMBERS = 10_000  # per case: about 60 kB
_REGION = "us-east-1"


def measure(launcher: Path) -> Measured:
    """
    Measure a submission to a problem that was judged before; baseline: to a new problem.

    The bucket is the emulated S3, in a separate process; the program is compiled beforehand.
    """
    say("test cases fetched for the first time and from the cache")
    source = find("accepted.c").path.read_bytes()
    with (
        _bucket() as objects,
        judge.running(launcher, time_limit_ms=1000, memory_limit_mb=64, objects=objects) as ours,
    ):
        ours.add_problem("other", _cases()[:1])
        ours.accept("other", "c", source)
        seconds = []
        for _ in range(_PROBLEMS):
            problem = secrets.token_hex(8)
            ours.add_problem(problem, _cases())
            seconds.append([timed(ours.accept, problem, "c", source) for _ in ("first", "again")])
    first, again = (statistics.median(column) for column in zip(*seconds, strict=True))
    yield f"submission_{_CASES}_known_cases_seconds", Figure(again, "seconds", first, _PROBLEMS)


def _cases() -> list[Case]:
    made = []
    for case in range(_CASES):
        numbers = [(index * 7919 + case) % 100_003 for index in range(_NUMBERS)]
        text = f"{_NUMBERS}\n{' '.join(map(str, numbers))}\n"
        made.append(Case(text.encode(), f"{sum(numbers)}\n".encode()))
    return made


@contextmanager
def _bucket() -> Iterator[S3ObjectStore]:
    with TemporaryDirectory() as name, running_control_plane(Path(name)) as url:
        client = boto3.client(
            "s3",
            region_name=_REGION,
            endpoint_url=url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        client.create_bucket(Bucket=judge.BUCKET)
        yield S3ObjectStore(client, judge.BUCKET)
