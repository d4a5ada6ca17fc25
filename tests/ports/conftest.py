"""Each port in two variants, by fixture parameter: in-memory fake and real."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

import boto3
import ministack
import pymysql
import pytest
from sqlalchemy import insert

from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.source import ActiveMqJobSource
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.outbox import MysqlOutbox
from grader.adapters.mysql.store import MysqlJobStore
from grader.adapters.mysql.submissions import MysqlSubmissions
from grader.adapters.mysql.table import JOBS
from grader.adapters.s3 import S3ObjectStore
from grader.adapters.s3_put import DirectPuts
from grader.adapters.sqs.client import SqsClient
from grader.adapters.sqs.source import SqsJobSource
from grader.adapters.ssm import SsmParameterStore
from grader.migrations import migrate
from grader.ports.jobs import JobStore
from grader.ports.messages import JobSource, Outgoing
from grader.ports.results import Outbox
from grader.ports.stores import ParameterStore, SubmissionStore
from grader.ports.submissions import SubmissionReader, SubmissionRow
from grader.testing import (
    MemoryJobSource,
    MemoryJobStore,
    MemoryObjectStore,
    MemoryParameterStore,
    MemoryQueues,
    MemorySqsJobSource,
    MemorySqsQueues,
    MemorySubmissions,
)

FAKE_AND_REAL = ["fake", pytest.param("real", marks=pytest.mark.engine)]
REGION = "ap-northeast-2"


@pytest.fixture
def aws(moto_server: str) -> Callable[[str], Any]:
    """Create clients of the emulated AWS."""
    return partial(client_of, moto_server)


def client_of(endpoint_url: str, service: str) -> Any:
    """A client of an emulated AWS."""
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


@pytest.fixture(params=[*FAKE_AND_REAL, pytest.param("direct", marks=pytest.mark.engine)])
def object_store(request: pytest.FixtureRequest) -> SubmissionStore:
    """An empty bucket; `direct`: with writes that go past boto3."""
    if request.param == "fake":
        return MemoryObjectStore()
    client = request.getfixturevalue("aws")("s3")
    bucket = f"t-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    if request.param == "direct":
        return S3ObjectStore(client, bucket, direct_puts(client, bucket))
    return S3ObjectStore(client, bucket)


def direct_puts(client: Any, bucket: str) -> DirectPuts:
    """Writes that go past boto3."""
    credentials = boto3.Session("testing", "testing").get_credentials()
    return DirectPuts(client, bucket, credentials, None)


@pytest.fixture(params=FAKE_AND_REAL)
def parameter_store(request: pytest.FixtureRequest) -> ParameterStore:
    """A store with parameters ``/t/0`` to ``/t/11``; each value is its number."""
    values = {f"/t/{number}": str(number) for number in range(12)}
    if request.param == "fake":
        return MemoryParameterStore(values)
    client = request.getfixturevalue("aws")("ssm")
    for name, value in values.items():
        client.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
    return SsmParameterStore(client)


class Clock:
    """A clock that tests advance."""

    def __init__(self) -> None:
        self.now = datetime(2024, 8, 20, 12, 0, 0)  # noqa: DTZ001 - the database has naive times

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of `job_store`."""
    return Clock()


@pytest.fixture(params=FAKE_AND_REAL)
def job_store(request: pytest.FixtureRequest, clock: Clock) -> Iterator[JobStore]:
    """An empty table of jobs."""
    if request.param == "fake":
        yield MemoryJobStore(now=clock)
        return
    database = request.getfixturevalue("fresh_database")
    login = DatabaseLogin(database.endpoint, database.name, database.user, database.password)
    engine = open_engine(lambda: login)
    migrate(engine)
    yield MysqlJobStore(engine, now=clock)
    engine.dispose()


@dataclass(frozen=True)
class SubmissionTable:
    """Rows that a reader reads."""

    reader: SubmissionReader
    put: Callable[..., None]  # a row, and the worker that wrote it


@pytest.fixture(params=FAKE_AND_REAL)
def submissions(request: pytest.FixtureRequest) -> Iterator[SubmissionTable]:
    """An empty table of jobs, with its reader."""
    if request.param == "fake":
        memory = MemorySubmissions()
        yield SubmissionTable(memory, memory.put)
        return
    database = request.getfixturevalue("fresh_database")
    login = DatabaseLogin(database.endpoint, database.name, database.user, database.password)
    engine = open_engine(lambda: login)
    migrate(engine)

    def put(row: SubmissionRow, *, worker_id: str = "") -> None:
        values = {**asdict(row), "progress": row.progress_json, "worker_id": worker_id}
        del values["progress_json"]
        times = {
            key: value.replace(tzinfo=None)
            for key, value in values.items()
            if isinstance(value, datetime)
        }
        with engine.connect() as connection:
            connection.execute(insert(JOBS).values(queue="", message_id="", **values | times))

    yield SubmissionTable(MysqlSubmissions(engine), put)
    engine.dispose()


@dataclass(frozen=True)
class Webhooks:
    """A table of jobs, and two senders at its outbox."""

    jobs: JobStore
    outbox: Outbox
    other: Outbox


@pytest.fixture(params=FAKE_AND_REAL)
def webhooks(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Webhooks]:
    """An empty table of jobs with an empty outbox."""
    if request.param == "fake":
        jobs = MemoryJobStore(now=clock)
        yield Webhooks(jobs, jobs.outbox, jobs.outbox)
        return
    database = request.getfixturevalue("outbox_database")
    engine = open_engine(lambda: database)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM jobs")
        connection.exec_driver_sql("DELETE FROM webhook_deliveries")
    outboxes = [MysqlOutbox(engine, now=clock) for _ in range(2)]
    yield Webhooks(MysqlJobStore(engine, now=clock), *outboxes)
    engine.dispose()


@pytest.fixture(scope="session")
def outbox_database(mariadb: Any) -> DatabaseLogin:
    """One migrated database for all tests of the outbox: migrating takes longer than a test."""
    user = {"user": mariadb.user, "password": mariadb.password}
    with pymysql.connect(host="127.0.0.1", port=mariadb.port, **user) as connection:
        connection.cursor().execute("CREATE DATABASE outbox")
    login = DatabaseLogin(mariadb.endpoint, "outbox", mariadb.user, mariadb.password)
    engine = open_engine(lambda: login)
    migrate(engine)
    engine.dispose()
    return login


@dataclass(frozen=True)
class Queues:
    """The queues of one test on one broker."""

    open: Callable[..., JobSource]  # a source on these queues, with its own connection
    send: Callable[[Outgoing], None]
    name: Callable[[str], str]  # of a queue that no other test uses


SQS = [
    "fake-sqs",
    "moto-sqs",
    pytest.param(
        "ministack-sqs",
        marks=pytest.mark.skipif(
            not ministack.PROGRAM.exists(), reason="scripts/ministack has not installed ministack"
        ),
    ),
]
TRANSPORTS = ["fake", pytest.param("activemq", marks=pytest.mark.engine), *SQS]


@pytest.fixture(scope="session")
def ministack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a second emulator of SQS."""
    with ministack.running_ministack(tmp_path_factory.mktemp("ministack")) as url:
        yield url


@pytest.fixture(params=TRANSPORTS)
def queues(request: pytest.FixtureRequest) -> Iterator[Queues]:
    """Queues without messages, on each transport."""
    yield from _OPEN[request.param](request)


@pytest.fixture(params=SQS)
def sqs_queues(request: pytest.FixtureRequest) -> Iterator[Queues]:
    """Queues without messages on SQS; `open` takes `visibility_seconds` as well."""
    yield from _OPEN[request.param](request)


def _fake(_request: pytest.FixtureRequest) -> Iterator[Queues]:
    memory = MemoryQueues()
    yield Queues(lambda *names: MemoryJobSource(memory, names), memory.send, str)


def _fake_sqs(_request: pytest.FixtureRequest) -> Iterator[Queues]:
    memory = MemorySqsQueues()
    yield Queues(
        lambda *names, **options: MemorySqsJobSource(memory, names, **options), memory.send, str
    )


def _moto_sqs(request: pytest.FixtureRequest) -> Iterator[Queues]:
    yield from _sqs(request.getfixturevalue("moto_server"))


def _ministack_sqs(request: pytest.FixtureRequest) -> Iterator[Queues]:
    yield from _sqs(request.getfixturevalue("ministack_url"))


def _sqs(endpoint_url: str) -> Iterator[Queues]:
    boto = client_of(endpoint_url, "sqs")
    run = uuid.uuid4().hex
    urls: dict[str, str] = {}
    client = SqsClient(boto, urls)

    def name_queue(name: str) -> str:
        urls[name] = boto.create_queue(QueueName=f"{run}-{name}")["QueueUrl"]
        return name

    with ExitStack() as stack:

        def open_source(*names: str, **options: int) -> JobSource:
            source = SqsJobSource(client, names, wait_seconds=1, **options)
            # the next test need not wait for the polls in flight
            stack.callback(threading.Thread(target=source.close).start)
            return source

        yield Queues(open_source, client.send, name_queue)


def _activemq(request: pytest.FixtureRequest) -> Iterator[Queues]:
    broker = request.getfixturevalue("activemq")
    run = uuid.uuid4().hex
    with ExitStack() as stack:

        def open_connection() -> Connection:
            connection = connect(
                [broker.endpoint], broker.user, broker.password, ca_file=broker.ca_file
            )
            stack.callback(connection.close)
            return connection

        producer = open_connection()
        yield Queues(
            lambda *names: ActiveMqJobSource(open_connection(), names),
            lambda message: producer.send(message.queue, message.body, message.headers),
            lambda name: f"{run}.{name}",
        )


_OPEN = {
    "fake": _fake,
    "activemq": _activemq,
    "fake-sqs": _fake_sqs,
    "moto-sqs": _moto_sqs,
    "ministack-sqs": _ministack_sqs,
}
