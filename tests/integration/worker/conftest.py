"""Bucket, parameters, database and queues for each test, and worker processes."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import boto3
import pytest
from tcp_relay import Relay
from worker_process import WorkerProcess

from gradectl.local.loopback import free_ports
from gradectl.local.testing import RunningBroker, RunningDatabase
from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.frames import Frame
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.store import MysqlJobStore
from grader.contract.bucket import test_cases_prefix as cases_prefix
from grader.contract.messages import GradingResult

HERE = Path(__file__).parent
WAIT_SECONDS = 180.0
REGION = "ap-northeast-2"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@dataclass
class World:
    """One environment, with a client for the web tier's side."""

    environment: dict[str, str]
    broker: RunningBroker
    database: RunningDatabase
    web: Connection
    jobs: MysqlJobStore
    client: Callable[[str], Any]
    stack: ExitStack
    _came: dict[str, list[Frame]] = field(default_factory=dict)
    _queue_of: dict[str, str] = field(default_factory=dict)

    @property
    def bucket(self) -> str:
        return self.environment["GRADING_BUCKET"]

    def start(self, *command: str, **environment: str) -> Any:
        """Start a worker; by default one with a constant handler. A script is forked."""
        command = command or (str(HERE / "constant_worker.py"),)
        (port,) = free_ports(1)
        variables = {**self.environment, "HEALTH_PORT": str(port), **environment}
        worker = WorkerProcess(command, variables)
        self.stack.callback(worker.close)
        return worker

    def set_parameter(self, key: str, value: str) -> None:
        """Write ``/<environment>/<key>``."""
        name = f"/{self.environment['ENVIRONMENT']}/{key}"
        self.client("ssm").put_parameter(
            Name=name, Value=value, Type="SecureString", Overwrite=True
        )

    def relay(self, key: str, engine_port: int) -> Any:
        """Put a relay between workers and an engine; it starts cut."""
        (port,) = free_ports(1)
        relay = Relay(engine_port, port)
        self.stack.callback(relay.cut)
        scheme, host = ("stomp+ssl://", "localhost") if key.startswith("mq") else ("", "127.0.0.1")
        self.set_parameter(key, f"{scheme}{host}:{port}")
        return relay

    def request(self, **changes: object) -> dict[str, object]:
        """A valid request with changed fields; None removes a field."""
        request_id = f"req_{uuid.uuid4().hex[:12]}"
        good = {
            "requestId": request_id,
            "userId": "user_001",
            "problemId": "prob_001",
            "language": "python",
            "sourceFile": f"s3://{self.bucket}/submissions/{request_id}/solution.py",
            "testCases": f"s3://{self.bucket}/{cases_prefix('prob_001')}",
            "timeLimit": 5000,
            "memoryLimit": 256,
            "timestamp": datetime.now(UTC).isoformat(),
        }
        return {key: value for key, value in {**good, **changes}.items() if value is not None}

    def submit(self, **changes: object) -> str:
        """Send a request, as the web tier does; returns its id."""
        request = self.request(**changes)
        self.send(json.dumps(request).encode())
        return str(request["requestId"])

    def send(self, body: bytes, *, queue: str = "QUEUE_NAME") -> None:
        """Send a message to the queue in this variable."""
        self.web.send(self.environment[queue], body)

    def receive(self, queue: str, seconds: float = WAIT_SECONDS) -> Frame | None:
        """Receive from the queue in this variable; None after the timeout."""
        name = self.environment[queue]
        if name not in self._queue_of.values():
            self._queue_of[self.web.subscribe(name)] = name
        deadline = monotonic() + seconds
        while not self._came.get(name):
            frame = self.web.next_frame(max(deadline - monotonic(), 0.0))
            if frame is None:
                return None
            self.web.ack(frame)
            self._came.setdefault(self._queue_of[frame.subscription], []).append(frame)
        return self._came[name].pop(0)

    def result(self) -> GradingResult:
        """Receive a result; its correlation id must be the request id."""
        frame = self.receive("RESULT_QUEUE_NAME")
        assert frame is not None, "no result came"
        result = GradingResult.from_json(frame.body)
        assert frame.headers["correlation-id"] == result.request_id
        return result

    def dead_letter(self) -> Frame:
        """Receive a dead-lettered message."""
        frame = self.receive("DLQ_NAME")
        assert frame is not None, "nothing was dead-lettered"
        return frame

    def nothing_more(self) -> bool:
        """Whether neither a result nor a dead letter arrives for a moment."""
        return all(self.receive(queue, 0.3) is None for queue in ("RESULT_QUEUE_NAME", "DLQ_NAME"))

    def object(self, key: str) -> bytes:
        """Read an object."""
        return bytes(self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read())


def variables(name: str, moto_server: str, broker: RunningBroker, gate: Path) -> dict[str, str]:
    """Variables of the task definition and of the platform."""
    keys = ("mq/endpoint", "mq/username", "mq/password", "db/endpoint")
    keys = (*keys, "db/name", "db/username", "db/password")
    named = {f"{key.replace('/', '_').upper()}_PARAM": f"/{name}/{key}" for key in keys}
    return {
        **named,
        **CREDENTIALS,
        "MQ_ENDPOINT_PARAM": f"/{name}/mq/broker-endpoint",
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": moto_server,
        "SSL_CERT_FILE": str(broker.ca_file),
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


@pytest.fixture
def make_world(
    activemq: RunningBroker, fresh_database: RunningDatabase, moto_server: str, tmp_path: Path
) -> Iterator[Callable[..., World]]:
    """Create worlds, by default on the shared broker."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=moto_server,
            region_name=REGION,
            **{key.lower(): value for key, value in CREDENTIALS.items()},
        )

    with ExitStack() as stack:

        def make(broker: RunningBroker = activemq) -> World:
            name = f"t-{uuid.uuid4().hex[:12]}"
            gate = tmp_path / f"{name}.gate"
            os.mkfifo(gate)
            web = connect([broker.endpoint], broker.user, broker.password, ca_file=broker.ca_file)
            stack.callback(web.close)
            database = replace(fresh_database)
            login = DatabaseLogin(
                database.endpoint, database.name, database.user, database.password
            )
            engine = open_engine(lambda: login)
            stack.callback(engine.dispose)
            jobs = MysqlJobStore(engine)
            environment = variables(name, moto_server, broker, gate)
            world = World(environment, broker, database, web, jobs, client, stack)
            client("s3").create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
            world.set_parameter("mq/broker-endpoint", broker.endpoint)
            world.set_parameter("mq/username", broker.user)
            world.set_parameter("mq/password", broker.password)
            world.set_parameter("db/endpoint", database.endpoint)
            world.set_parameter("db/name", database.name)
            world.set_parameter("db/username", database.user)
            world.set_parameter("db/password", database.password)
            return world

        yield make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """An environment on the shared broker."""
    return make_world()
