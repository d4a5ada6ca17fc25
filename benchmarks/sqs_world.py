"""An account with queues of SQS and a database, without the local stack, and workers on them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, TextIO

import boto3
import pymysql
from botocore.config import Config

from gradectl.local.engines.find import find_engines
from gradectl.local.testing import RunningDatabase, running_control_plane, running_database
from grader.adapters.s3 import S3ObjectStore
from grader.contract.names import QUEUES, REQUESTS_QUEUE

_REGION = "ap-northeast-2"
_KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
_BUCKET = "bench-grading-files"
_DATABASE = "bench"
_PAUSE_SECONDS = 0.02
_TIMEOUT_SECONDS = 120.0


class CallLog:
    """
    Counts the calls that an emulated account has answered, by the name of the call.

    Args:
        file: Its access log, open at the place where counting starts.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._rest = ""
        self._counts: Counter[str] = Counter()

    def counts(self) -> Counter[str]:
        """Count the calls to SQS so far."""
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        self._counts.update(name for line in lines if (name := _call(line)))
        return Counter(self._counts)

    def wait_for(self, call: str, count: int) -> Counter[str]:
        """Wait until a call was answered so often, and return the counts of that moment."""
        return self._wait(lambda counts: counts[call] >= count)

    def wait_for_any(self, count: int) -> int:
        """Wait until so many calls were answered, and return their number at that moment."""
        return self._wait(lambda counts: counts.total() >= count).total()

    def _wait(self, is_reached: Callable[[Counter[str]], bool]) -> Counter[str]:
        deadline = monotonic() + _TIMEOUT_SECONDS
        while not is_reached(counts := self.counts()):
            if monotonic() > deadline:
                raise SystemExit(f"only {dict(counts)} within {_TIMEOUT_SECONDS:g} s")
            threading.Event().wait(_PAUSE_SECONDS)
        return counts


def _call(line: str) -> str:
    """Return the name in ``DATE TIME INFO 200 sqs POST / SendMessage``; empty for other lines."""
    _, found, call = line.partition(" sqs POST / ")
    return call.partition(" ")[0] if found else ""


@dataclass(frozen=True)
class World:
    """
    The account, and another one for the queues, so that their calls do not wait for S3's.

    Attributes:
        account: URL of S3 and the parameters.
        queues: URL of SQS.
        log: Access log of SQS.
    """

    account: str
    queues: str
    log: Path

    @property
    def bucket(self) -> str:
        """Name of the bucket."""
        return _BUCKET

    @property
    def objects(self) -> S3ObjectStore:
        """The bucket."""
        return S3ObjectStore(_client("s3", self.account), _BUCKET)

    def sqs(self, endpoint_url: str = "") -> Any:  # noqa: ANN401 - boto3 creates its classes
        """Open a client of SQS, by default of the account with the queues."""
        return _client("sqs", endpoint_url or self.queues)

    def create_queues(self, prefix: str) -> dict[str, str]:
        """Create the queues of an environment; returns URL by name."""
        sqs = self.sqs()
        return {name: sqs.create_queue(QueueName=f"{prefix}-{name}")["QueueUrl"] for name in QUEUES}

    @contextmanager
    def calls(self) -> Iterator[CallLog]:
        """Count the calls to SQS in the block."""
        with self.log.open() as file:
            file.seek(0, os.SEEK_END)
            yield CallLog(file)

    @contextmanager
    def running(self, command: list[str], urls: dict[str, str], **variables: str) -> Iterator[None]:
        """Run a worker on these queues."""
        environment = {
            **_KEYS,
            **{f"DB_{key.upper()}_PARAM": f"/bench/db/{key}" for key in _DATABASE_KEYS},
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": self.account,
            "AWS_ENDPOINT_URL_SQS": self.queues,
            "AWS_REGION": _REGION,
            "ENVIRONMENT": "bench",
            "GRADING_BUCKET": _BUCKET,
            "HEALTH_PORT": "0",
            "USE_SQS_QUEUE": "true",
            "SQS_QUEUE_URL": urls[REQUESTS_QUEUE],
            **variables,
        }
        with (self.log.parent / "worker.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command], env=environment, stdout=log, stderr=log
            )
        try:
            yield
        finally:
            process.kill()  # it would wait for its long poll
            process.wait()


_DATABASE_KEYS = ("endpoint", "name", "username", "password")


@contextmanager
def running_world() -> Iterator[World]:
    """Run the engines in a temporary folder."""
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, part) for part in ("database", "account", "queues")]
        for folder in folders:
            folder.mkdir()
        with (
            running_database(find_engines(), folders[0]) as database,
            running_control_plane(folders[1]) as account,
            running_control_plane(folders[2]) as queues,
        ):
            _fill(account, _create_database(database))
            yield World(account, queues, folders[2] / "moto.log")


def _create_database(server: RunningDatabase) -> RunningDatabase:
    connection = pymysql.connect(
        host="127.0.0.1", port=server.port, user=server.user, password=server.password
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {_DATABASE}")
    return replace(server, name=_DATABASE)


def _fill(account: str, database: RunningDatabase) -> None:
    """Create bucket and parameters."""
    _client("s3", account).create_bucket(
        Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": _REGION}
    )
    values = (database.endpoint, database.name, database.user, database.password)
    for key, value in zip(_DATABASE_KEYS, values, strict=True):
        _client("ssm", account).put_parameter(
            Name=f"/bench/db/{key}", Value=value, Type="SecureString"
        )


def _client(service: str, endpoint_url: str) -> Any:  # noqa: ANN401 - boto3 creates its classes
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=_REGION,
        config=Config(retries={"total_max_attempts": 1}),
        **{key.lower(): value for key, value in _KEYS.items()},
    )
