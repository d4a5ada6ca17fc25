"""
An environment with real engines: bucket, parameters, queues, database, workers and API processes.

`open_world` makes one on running engines; a folder of tests shares it for the session.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pymysql
from forked_script import GRADER
from memory_api import PROBLEMS
from worker_process import WAIT_SECONDS, LoggingProcess

from gradectl.local.testing import RunningBroker, RunningDatabase
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.users import ReaderUser, ensure_user
from grader.contract.api_keys import (
    ID_BYTES,
    SECRET_BYTES,
    ApiKeyRecord,
    Scope,
    format_key,
    hash_secret,
)
from grader.migrations import migrate

REGION = "ap-northeast-2"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
#: A worker whose language decides what it does; it needs no sandbox.
CONSTANT_WORKER = Path(__file__).parents[1] / "integration" / "worker" / "constant_worker.py"


@dataclass(frozen=True)
class Answer:
    """An answer of the API."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class ApiProcess:
    """A running API."""

    process: LoggingProcess
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self, seconds: float = WAIT_SECONDS) -> http.client.HTTPConnection:
        """Open a connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)

    def call(
        self,
        method: str,
        path: str,
        key: str = "",
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make a call."""
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json"} if raw is not None else {}
        if key:
            sent["authorization"] = f"Bearer {key}"
        connection = self.connect()
        try:
            connection.request(method, path, raw, {**sent, **(headers or {})})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, path: str, key: str = "", **options: Any) -> Answer:
        """Read."""
        return self.call("GET", path, key, **options)

    def post(self, path: str, body: object, key: str = "", **options: Any) -> Answer:
        """Send JSON."""
        return self.call("POST", path, key, body, **options)

    @contextmanager
    def events(
        self, request_id: str, key: str, last: str = ""
    ) -> Iterator[Iterator[tuple[int, Any]]]:
        """Open the event stream of a submission; yields number and document of each event."""
        connection = self.connect()
        headers = {"authorization": f"Bearer {key}", **({"last-event-id": last} if last else {})}
        try:
            connection.request("GET", f"/v1/submissions/{request_id}/events", headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            yield _events(answer)
        finally:
            connection.close()


def _events(answer: http.client.HTTPResponse) -> Iterator[tuple[int, Any]]:
    number = 0
    for line in answer:
        if line.startswith(b"id: "):
            number = int(line[4:])
        if line.startswith(b"data: "):
            yield number, json.loads(line[6:])


@dataclass
class ApiWorld:
    """
    One environment.

    Args:
        environment: Variables that workers and APIs share.
        aws: Makes a client of the emulated AWS.
        stack: Ends what was started.
        broker: The broker; None on SQS.
        database: The database of the environment.
    """

    environment: dict[str, str]
    aws: Any
    stack: ExitStack
    broker: RunningBroker | None
    database: RunningDatabase
    _number: int = field(default=0)

    @property
    def name(self) -> str:
        """Name of the environment."""
        return self.environment["ENVIRONMENT"]

    @property
    def bucket(self) -> str:
        """Name of the bucket."""
        return self.environment["GRADING_BUCKET"]

    def set_parameter(self, key: str, value: str) -> None:
        """Write `/<environment>/<key>`."""
        self.aws("ssm").put_parameter(
            Name=f"/{self.name}/{key}", Value=value, Type="SecureString", Overwrite=True
        )

    def put(self, key: str, body: bytes) -> None:
        """Write an object."""
        self.aws("s3").put_object(Bucket=self.bucket, Key=key, Body=body)

    def make_key(
        self, user_id: str | None = None, *scopes: Scope, rate: int = 1_000_000, at_once: int = 5000
    ) -> str:
        """Make an API key; by default one that may submit and read its own."""
        key_id, secret, text = format_key(
            secrets.token_bytes(ID_BYTES), secrets.token_bytes(SECRET_BYTES)
        )
        record = ApiKeyRecord(
            hash=hash_secret(secret),
            name=f"key of {user_id or 'a service'}",
            user_id=user_id,
            scopes=frozenset(scopes or (Scope.SUBMIT, Scope.READ_OWN)),
            rate_per_minute=rate,
            concurrency=at_once,
            created_at=datetime.now(UTC),
        )
        self.set_parameter(f"api-keys/{key_id}", record.to_json().decode())
        return text

    def start_api(self, *command: str, **environment: str) -> ApiProcess:
        """Start an API on a free port, by default in a forked process."""
        variables = {
            **self.environment,
            "API_PORT": "0",
            "DB_USERNAME_PARAM": f"/{self.name}/db-web/username",
            "DB_PASSWORD_PARAM": f"/{self.name}/db-web/password",
            **environment,
        }
        process = LoggingProcess(command or (GRADER, "api"), variables)
        self.stack.callback(process.close)
        line = process.wait_for("API listens on")
        return ApiProcess(process, int(line.rpartition(":")[2]))

    def start_worker(self, *command: str, **environment: str) -> LoggingProcess:
        """Start a worker, by default one with a constant handler, and wait until it is ready."""
        variables = {**self.environment, "HEALTH_PORT": "0", **environment}
        process = LoggingProcess(command or (str(CONSTANT_WORKER),), variables)
        self.stack.callback(process.close)
        process.wait_for("Worker started")
        return process

    def pass_gate(self) -> None:
        """Let the request at the gate go on: a submission in the language `gate`."""
        Path(self.environment["GATE"]).write_bytes(b"go")


@contextmanager
def open_world(
    *,
    moto_server: str,
    database: RunningDatabase,
    directory: Path,
    broker: RunningBroker | None,
    problems: Sequence[str] = PROBLEMS,
) -> Iterator[ApiWorld]:
    """
    Make an environment, with a database user for the API that can only read.

    Args:
        moto_server: URL of the emulated AWS.
        database: A database server, with a user who may do everything.
        directory: For the gate of the constant worker.
        broker: The broker; None: the environment is on SQS.
        problems: Their ids; the constant worker reads none of their cases.
    """
    name = f"a-{uuid.uuid4().hex[:12]}"

    def aws(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=moto_server,
            region_name=REGION,
            **{key.lower(): value for key, value in CREDENTIALS.items()},
        )

    gate = directory / f"{name}.gate"
    os.mkfifo(gate)
    environment = _variables(name, moto_server, gate)
    with ExitStack() as stack:
        world = ApiWorld(environment, aws, stack, broker, database)
        aws("s3").create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        for problem_id in problems:
            world.put(f"problems/{problem_id}/testcases/1.in", b"1 2")
        _make_database(world, stack)
        if broker is None:
            _use_sqs(world)
        else:
            _use_broker(world, broker)
        yield world


def _variables(name: str, moto_server: str, gate: Path) -> dict[str, str]:
    keys = ("db/endpoint", "db/name", "db/username", "db/password")
    return {
        **{f"{key.replace('/', '_').upper()}_PARAM": f"/{name}/{key}" for key in keys},
        **CREDENTIALS,
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": moto_server,
        "GATE": str(gate),
        "TMPDIR": str(gate.parent),
        "ENVIRONMENT": name,
        "GRADING_BUCKET": name,
        "QUEUE_NAME": f"{name}.requests",
        "PRIORITY_QUEUE_NAME": f"{name}.priority",
        "RESULT_QUEUE_NAME": f"{name}.results",
        "DLQ_NAME": f"{name}.dlq",
        "RETRY_DELAY_MS": "200",
    }


def _use_broker(world: ApiWorld, broker: RunningBroker) -> None:
    world.environment["SSL_CERT_FILE"] = str(broker.ca_file)
    for key, value in (
        ("broker-endpoint", broker.endpoint),
        ("username", broker.user),
        ("password", broker.password),
    ):
        world.set_parameter(f"mq/{key}", value)
        variable = {"broker-endpoint": "MQ_ENDPOINT_PARAM"}.get(key, f"MQ_{key.upper()}_PARAM")
        world.environment[variable] = f"/{world.name}/mq/{key}"


def _use_sqs(world: ApiWorld) -> None:
    client = world.aws("sqs")
    world.environment["USE_SQS_QUEUE"] = "true"
    urls = {}
    for variable in ("PRIORITY_QUEUE_NAME", "RESULT_QUEUE_NAME", "DLQ_NAME", "QUEUE_NAME"):
        plain = world.environment[variable].replace(".", "-")
        world.environment[variable] = plain
        urls[variable] = client.create_queue(QueueName=plain)["QueueUrl"]
    world.environment["SQS_QUEUE_URL"] = urls["QUEUE_NAME"]
    world.environment["SQS_DLQ_URL"] = urls["DLQ_NAME"]
    world.environment["SQS_WAIT_SECONDS"] = "1"


def _make_database(world: ApiWorld, stack: ExitStack) -> None:
    """Create schema and tables, and the user that can only read."""
    server, schema = world.database, world.name.replace("-", "_")
    password = "a-Password-of-the-reader-1"
    administrator = pymysql.connect(
        host="127.0.0.1", port=server.port, user=server.user, password=server.password
    )
    stack.callback(administrator.close)
    with administrator.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {schema}")
    login = DatabaseLogin(server.endpoint, schema, server.user, server.password)
    engine = open_engine(lambda: login)
    migrate(engine)
    reader = ReaderUser(f"r_{world.name.partition('-')[2]}", schema, password)
    ensure_user(engine, login, reader)
    engine.dispose()
    stack.callback(lambda: _drop(administrator, schema, reader.name))
    for key, value in (
        ("db/endpoint", server.endpoint),
        ("db/name", schema),
        ("db/username", server.user),
        ("db/password", server.password),
        ("db-web/username", reader.name),
        ("db-web/password", password),
    ):
        world.set_parameter(key, value)


def _drop(administrator: Any, schema: str, reader: str) -> None:
    with administrator.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {schema}")
        cursor.execute(f"DROP USER {reader}")
