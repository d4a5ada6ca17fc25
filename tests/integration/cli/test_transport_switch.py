"""A running environment changes to SQS and back with requests in flight, and none is lost."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import in_process
import pymysql
import pytest
import runbook
from applied_environment import running_queues
from worker_process import WorkerProcess

from gradectl.adapters.broker import BrokerAccess, open_broker
from gradectl.local.engines.find import Engines
from gradectl.local.loopback import free_ports
from gradectl.local.testing import RunningBroker, RunningDatabase

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[3]
WORKERS = ROOT / "tests" / "integration" / "worker"
REQUESTS, PRIORITY, RESULTS, DEAD = "requests", "priority", "results", "dlq"
#: Key of the parameter with the URL of each queue.
KEYS = {
    REQUESTS: "requests-url",
    PRIORITY: "priority-url",
    RESULTS: "results-url",
    DEAD: "dead-letter-url",
}
IN_FLIGHT = 200
#: Added to commands that drain: the second number ends a hung test.
QUICKLY = "--quiet 1 --drain 120"
#: The commands of the page, in their order.
(LINES,) = [
    each.commands
    for each in runbook.sections(runbook.PAGE.read_text())
    if each.title == "Change the transport"
]


@dataclass
class Running:
    """An environment with real queues of both transports, and what was sent to it."""

    project: Any
    broker: RunningBroker
    database: RunningDatabase
    urls: dict[str, str]
    gate: Path
    stack: ExitStack
    sent: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Name of the environment."""
        return str(self.project.name)

    def run(self, line: str, errors: io.StringIO | None = None, *, code: int = 0) -> Any:
        """Run a command of the page."""
        environ = {**self.project.environ, "SSL_CERT_FILE": str(self.broker.ca_file)}
        words = runbook.words(line, {"ENV": self.name})
        done = in_process.run(self.project.root, environ, "--yes", *words, errors=errors)
        assert done.code == code, done.stdout + done.stderr
        return done

    def start_worker(self, active: str, *, drains: bool) -> Any:
        """Start a worker as the task definition of the root would."""
        mq = ("endpoint", "username", "password")
        db = ("endpoint", "name", "username", "password")
        uses = {active, "activemq", "sqs"} if drains else {active}
        variables = {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_ENDPOINT_URL": self.project.endpoint,
            "AWS_REGION": "ap-northeast-2",
            "SSL_CERT_FILE": str(self.broker.ca_file),
            "GATE": str(self.gate),
            "TMPDIR": str(self.gate.parent),
            "ENVIRONMENT": self.name,
            "GRADING_BUCKET": f"{self.name}-grading-files",
            "HEALTH_PORT": str(free_ports(1)[0]),
            "RETRY_DELAY_MS": "100",
            "SQS_WAIT_SECONDS": "1",
            **{f"DB_{key.upper()}_PARAM": f"/{self.name}/db/{key}" for key in db},
        }
        if "activemq" in uses:
            variables |= {f"MQ_{key.upper()}_PARAM": f"/{self.name}/mq/{key}" for key in mq}
            variables["MQ_ENDPOINT_PARAM"] = f"/{self.name}/mq/broker-endpoint"
        if "sqs" in uses:
            variables |= {
                "USE_SQS_QUEUE": str(active == "sqs").lower(),
                "SQS_QUEUE_URL": self.urls[REQUESTS],
                "SQS_PRIORITY_QUEUE_URL": self.urls[PRIORITY],
                "SQS_RESULT_QUEUE_URL": self.urls[RESULTS],
                "SQS_DLQ_URL": self.urls[DEAD],
            }
        if drains:
            variables["DRAIN_OTHER_TRANSPORT"] = "true"
        worker = WorkerProcess([str(WORKERS / "constant_worker.py")], variables)
        self.stack.callback(worker.close)
        return worker

    def send(self, to: str, count: int, language: str = "python") -> list[str]:
        """Send requests to a transport, as a producer does; returns their ids."""
        bodies = {}
        for _ in range(count):
            request_id = f"req_{uuid.uuid4().hex[:12]}"
            bodies[request_id] = json.dumps(
                {
                    "requestId": request_id,
                    "userId": "user_001",
                    "problemId": "prob_001",
                    "language": language,
                    "sourceFile": f"s3://{self.name}-grading-files/submissions/x.py",
                    "testCases": f"s3://{self.name}-grading-files/problems/prob_001/",
                    "timeLimit": 5000,
                    "memoryLimit": 256,
                    "timestamp": datetime.now(UTC).isoformat(),
                }
            )
        if to == "sqs":
            self._send_to_sqs(list(bodies.values()))
        else:
            access = BrokerAccess(*self._login, self.broker.ca_file)
            with open_broker(access) as broker:
                for body in bodies.values():
                    broker.send("grading-requests", body.encode(), {})
        self.sent.update(bodies)
        return list(bodies)

    def _send_to_sqs(self, bodies: list[str]) -> None:
        sqs = self.project.client("sqs")
        for start in range(0, len(bodies), 10):
            batch = bodies[start : start + 10]
            entries = [{"Id": str(at), "MessageBody": body} for at, body in enumerate(batch)]
            sqs.send_message_batch(QueueUrl=self.urls[REQUESTS], Entries=entries)

    @property
    def _login(self) -> tuple[str, str, str]:
        return self.broker.endpoint, self.broker.user, self.broker.password

    def rows(self) -> Counter[tuple[str, str]]:
        """Number of rows by request and status."""
        found = self.database
        connection = pymysql.connect(
            host="127.0.0.1", port=found.port, user=found.user,
            password=found.password, database=found.name,
        )  # fmt: skip
        with closing(connection), connection.cursor() as cursor:
            cursor.execute("SELECT request_id, status FROM jobs")
            return Counter((str(row[0]), str(row[1])) for row in cursor.fetchall())

    def expected_rows(self, refused: list[str]) -> Counter[tuple[str, str]]:
        """One row of each request."""
        return Counter(
            (request_id, "failed" if request_id in refused else "completed")
            for request_id in self.sent
        )

    def in_broker(self, queue: str) -> list[Any]:
        """The messages of a queue of the broker."""
        with open_broker(BrokerAccess(*self._login, self.broker.ca_file)) as broker:
            return list(broker.inspector.browse(f"grading-{queue}"))

    def in_sqs(self) -> dict[str, int]:
        """Number of messages in each queue of SQS."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        sqs = self.project.client("sqs")
        return {
            queue: sum(
                int(number)
                for number in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))[
                    "Attributes"
                ].values()
            )
            for queue, url in self.urls.items()
        }


@pytest.fixture
def root(project: Any) -> Any:
    """The project with the root whose transport can be changed."""
    shutil.copy(ROOT / "tests" / "fixtures" / "transport_root.tf", project.root / "environments")
    (project.root / "environments" / "main.tf").unlink()
    return project


@pytest.fixture
def running(
    root: Any,
    engines: Engines,
    fresh_database: RunningDatabase,
    tmp_path: Path,
) -> Iterator[Running]:
    """An environment on the broker, with queues of SQS that it does not use yet."""
    project = root
    sqs, ssm, name = project.client("sqs"), project.client("ssm"), project.name
    urls = {
        queue: sqs.create_queue(QueueName=f"{name}-grading-{queue}")["QueueUrl"] for queue in KEYS
    }
    project.client("s3").create_bucket(
        Bucket=f"{name}-grading-files",
        CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"},
    )
    database = fresh_database
    for key, value in {
        "endpoint": database.endpoint,
        "name": database.name,
        "username": database.user,
        "password": database.password,
    }.items():
        ssm.put_parameter(Name=f"/{name}/db/{key}", Value=value, Type="SecureString")
    folder = tmp_path / "broker"
    folder.mkdir()
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with ExitStack() as stack:
        broker = stack.enter_context(running_queues(engines, folder))
        project.configure(
            variables={
                "broker_parameters": {
                    "broker-endpoint": broker.endpoint,
                    "username": broker.user,
                    "password": broker.password,
                },
                "queue_parameters": {KEYS[queue]: url for queue, url in urls.items()},
            }
        )
        done = project.run("apply", name, "--yes", "--no-wait")
        assert done.returncode == 0, done.stderr
        yield Running(project, broker, database, urls, gate, stack)


class Meanwhile(io.StringIO):
    """
    The errors of a command; something happens when certain words were written.

    Args:
        actions: What happens, once, by the words.
    """

    def __init__(self, actions: dict[str, Callable[[], None]]) -> None:
        super().__init__()
        self._actions = actions

    def write(self, text: str) -> int:
        """Write, and act."""
        count = super().write(text)
        for words in [each for each in self._actions if each in text]:
            self._actions.pop(words)()
        return count


@dataclass
class Workers:
    """The worker of an environment, which is replaced as a deployment of ECS does it."""

    running: Running
    current: Any = None

    def start(self, active: str) -> None:
        """Start the first one, and let it begin a request that waits at the gate."""
        self.current = self.running.start_worker(active, drains=False)
        self.running.send(active, 1, "gate")
        self.current.wait_for("Processing")

    def replace(self, active: str, *, drains: bool, at_gate: bool = False) -> None:
        """End the worker after its job, which it may hold at the gate, and start another one."""
        self.current.signal(signal.SIGTERM)
        self.current.wait_for("Stopping")  # else it may take a request before it has noticed
        if at_gate:
            self.current.pass_gate()
        assert self.current.ended() == 0, self.current.lines
        self.current = self.running.start_worker(active, drains=drains)


def change_to_sqs(running: Running, workers: Workers) -> list[str]:
    """Send requests to the broker, and change to SQS; returns the ids of the refused ones."""
    show, dry_run, until_drain, rest = LINES
    workers.start("activemq")
    running.send("activemq", 1, "gate")
    running.send("activemq", IN_FLIGHT - 4)
    refused = running.send("activemq", 2, "nonsense")
    assert "activemq" in running.run(show).stdout
    assert "+  drain_other_transport: true" in running.run(dry_run).stderr

    def deploy() -> None:
        """Do what follows the first apply."""
        assert len(running.in_broker(REQUESTS)) == IN_FLIGHT
        workers.replace("activemq", drains=True, at_gate=True)
        workers.current.wait_for("Processing")

    def deploy_and_interrupt() -> None:
        """Do what follows the change, and press Ctrl-C in the drain."""
        assert len(running.in_broker(REQUESTS)) == IN_FLIGHT - 1
        running.send("sqs", 20)
        workers.replace("sqs", drains=True, at_gate=True)
        signal.raise_signal(signal.SIGINT)

    actions = {"[2/3]": deploy, "[3/3]": deploy_and_interrupt}
    stopped = running.run(until_drain, Meanwhile(actions), code=130)
    assert f"resume: gradectl transport switch {running.name} --to sqs" in stopped.stderr
    done = running.run(f"{rest} {QUICKLY} -o json")
    assert done.document["next"] == f"gradectl smoke {running.name}"
    assert done.document["moved"] == {"grading-results": IN_FLIGHT, "grading-dlq": 2}
    assert all(not running.in_broker(queue) for queue in KEYS)
    workers.replace("sqs", drains=False)
    assert running.rows() == running.expected_rows(refused)
    counts = running.in_sqs()
    assert counts == {REQUESTS: 0, PRIORITY: 0, RESULTS: len(running.sent), DEAD: 2}
    return refused


def change_back(running: Running, workers: Workers, refused: list[str]) -> None:
    """Send requests to SQS, and change to the broker."""
    show, *_, rest = LINES
    running.send("sqs", 1, "gate")
    workers.current.wait_for("Processing")
    running.send("sqs", 1, "gate")
    running.send("sqs", IN_FLIGHT - 2)

    def deploy_again() -> None:
        """Do what follows the first apply."""
        assert sum(running.in_sqs().values()) >= IN_FLIGHT
        workers.replace("sqs", drains=True, at_gate=True)
        workers.current.wait_for("Processing")

    def deploy_last() -> None:
        """Do what follows the change."""
        assert running.in_sqs()[REQUESTS] > 0
        running.send("activemq", 20)
        workers.replace("activemq", drains=True, at_gate=True)

    actions = {"[2/4]": deploy_again, "[3/4]": deploy_last}
    line = f"{rest.replace('--to sqs', '--to activemq')} {QUICKLY}"
    back = running.run(line, Meanwhile(actions))
    assert "environments/" in back.stderr
    assert set(running.in_sqs().values()) == {0}
    shown = running.run(f"{show} -o json").document
    assert (shown["active"], shown["drained"], shown["due"]) == ("activemq", None, [])
    workers.replace("activemq", drains=False)
    assert running.rows() == running.expected_rows(refused)
    results = Counter(json.loads(each.body)["requestId"] for each in running.in_broker(RESULTS))
    assert results == Counter(running.sent), "each result once"
    dead = running.in_broker(DEAD)
    assert {json.loads(each.body)["requestId"] for each in dead} == set(refused)
    assert all(each.headers["x-gradectl-reason-code"] == "UNKNOWN_LANGUAGE" for each in dead)
    assert all(each.headers["x-gradectl-original-queue"] == "grading-requests" for each in dead)
    assert not running.in_broker(REQUESTS)


def test_an_environment_changes_to_sqs_and_back_without_losing_a_message(
    running: Running, published: Callable[[str], Any]
) -> None:
    """The commands of the runbook, with 200 requests in flight each way, one of them running."""
    workers = Workers(running)
    refused = change_to_sqs(running, workers)
    shown = running.run(f"{LINES[0]} -o json").document
    published(json.dumps(shown))
    assert (shown["active"], shown["drained"], shown["due"]) == ("sqs", None, [])

    change_back(running, workers, refused)


def test_a_pipeline_applies_what_the_command_writes(root: Any) -> None:
    """Exit code 3 until it has; then the same command goes on, here with an empty transport."""
    name, ssm, sqs = root.name, root.client("ssm"), root.client("sqs")
    urls = {
        key: sqs.create_queue(QueueName=f"{name}-grading-{queue}")["QueueUrl"]
        for queue, key in KEYS.items()
    }
    root.configure(
        variables={"broker_parameters": {}, "queue_parameters": urls, "use_sqs_queue": True}
    )

    def set_parameter(key: str, value: str) -> None:
        ssm.put_parameter(Name=f"/{name}/{key}", Value=value, Type="String", Overwrite=True)

    def switch() -> Any:
        words = ("transport", "switch", name, "--to", "activemq", "--no-apply", "--quiet", "0")
        return root.run(*words, "--yes")

    for key, url in {**urls, "active": "true"}.items():
        set_parameter(f"sqs/{key}", url)
    file = root.root / "environments" / name / "environment.yaml"

    first = switch()
    assert first.returncode == 3, first.stderr
    assert "let your pipeline apply environments/" in first.stderr
    assert "use_sqs_queue: true" in file.read_text()
    assert "drain_other_transport: true" in file.read_text()
    assert switch().returncode == 3, "nothing was applied yet"

    set_parameter("mq/broker-endpoint", "stomp+ssl://broker.example.com:61614")
    changed = switch()
    assert changed.returncode == 3, changed.stderr
    assert "use_sqs_queue: false" in file.read_text()
    set_parameter("sqs/active", "false")
    second = switch()
    assert second.returncode == 3, second.stderr
    assert "Amazon SQS is empty and unused" in second.stderr
    assert "drain_other_transport" not in file.read_text()

    ssm.delete_parameters(Names=[f"/{name}/sqs/{key}" for key in (*urls, "active")])
    last = switch()
    assert last.returncode == 0, last.stderr
    assert f"{name} uses ActiveMQ alone" in last.stdout
