"""A worker process on Amazon SQS: emulated queues, and a real database."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import boto3
import pytest
from http_relay import HttpRelay
from worker_process import WorkerProcess

from gradectl.local.loopback import free_ports
from gradectl.local.testing import RunningDatabase
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.store import MysqlJobStore
from grader.contract.messages import GradingResult

pytestmark = pytest.mark.engine

QUEUES = ("grading-requests", "grading-priority", "grading-results", "grading-dlq")
WAIT_SECONDS = 30.0
HERE = Path(__file__).parent
REGION = "ap-northeast-2"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@dataclass
class SqsSite:
    """Queues, bucket and database of one environment, and its workers."""

    environment: dict[str, str]
    client: Callable[[str], Any]
    jobs: MysqlJobStore
    make_worker: Callable[[dict[str, str]], Any]

    def __post_init__(self) -> None:
        """Create the queues."""
        self.sqs = self.client("sqs")
        self.urls = {
            name: self.sqs.create_queue(QueueName=f"{self.environment['ENVIRONMENT']}-{name}")[
                "QueueUrl"
            ]
            for name in QUEUES
        }

    def start(self, **environment: str) -> Any:
        """Start a worker."""
        urls = {"SQS_QUEUE_URL": self.urls["grading-requests"], "USE_SQS_QUEUE": "true"}
        return self.make_worker({**self.environment, **urls, **environment})

    def send(self, body: str, queue: str = "grading-requests") -> str:
        """Send a message without attributes, as a foreign producer; returns its id."""
        sent = self.sqs.send_message(QueueUrl=self.urls[queue], MessageBody=body)
        return str(sent["MessageId"])

    def request(self, **changes: object) -> dict[str, object]:
        """A valid request with changed fields."""
        request_id = f"req_{uuid.uuid4().hex[:12]}"
        good: dict[str, object] = {
            "requestId": request_id,
            "userId": "user_001",
            "problemId": "prob_001",
            "language": "python",
            "sourceFile": f"s3://{self.environment['GRADING_BUCKET']}/submissions/{request_id}/a.py",
            "timeLimit": 5000,
            "memoryLimit": 256,
            "timestamp": datetime.now(UTC).isoformat(),
        }
        return good | changes

    def submit(self, request: dict[str, object], queue: str = "grading-requests") -> str:
        """Send a request; returns its id."""
        self.send(json.dumps(request), queue)
        return str(request["requestId"])

    def receive(self, queue: str) -> Any:
        """Receive and delete a message; fails if none comes."""
        deadline = monotonic() + WAIT_SECONDS
        while monotonic() < deadline:
            found = self.sqs.receive_message(
                QueueUrl=self.urls[queue], WaitTimeSeconds=5, MessageAttributeNames=["All"]
            ).get("Messages", [])
            for message in found:
                self.sqs.delete_message(
                    QueueUrl=self.urls[queue], ReceiptHandle=message["ReceiptHandle"]
                )
                return message
        pytest.fail(f"no message came to {queue}")

    def result(self) -> GradingResult:
        """Receive a result."""
        return GradingResult.from_json(self.receive("grading-results")["Body"].encode())

    def redrive(self, queue: str, target: str) -> None:
        """Have SQS move the messages of a queue to another after the second receipt."""
        found = self.sqs.get_queue_attributes(
            QueueUrl=self.urls[target], AttributeNames=["QueueArn"]
        )
        policy = {"deadLetterTargetArn": found["Attributes"]["QueueArn"], "maxReceiveCount": 2}
        self.sqs.set_queue_attributes(
            QueueUrl=self.urls[queue], Attributes={"RedrivePolicy": json.dumps(policy)}
        )

    def count(self, queue: str) -> int:
        """Count the messages of a queue, those in flight and delayed included."""
        found = self.sqs.get_queue_attributes(QueueUrl=self.urls[queue], AttributeNames=["All"])
        return sum(
            int(found["Attributes"][f"ApproximateNumberOfMessages{kind}"])
            for kind in ("", "NotVisible", "Delayed")
        )


@pytest.fixture
def site(fresh_database: RunningDatabase, moto_server: str, tmp_path: Path) -> Iterator[SqsSite]:
    """An environment on SQS, without a broker."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    database = fresh_database
    login = DatabaseLogin(database.endpoint, database.name, database.user, database.password)
    parameters = {
        "endpoint": database.endpoint,
        "name": database.name,
        "username": database.user,
        "password": database.password,
    }
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    environment = {
        **CREDENTIALS,
        **{f"DB_{key.upper()}_PARAM": f"/{name}/db/{key}" for key in parameters},
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": moto_server,
        "AWS_REGION": REGION,
        "GATE": str(gate),
        "TMPDIR": str(tmp_path),
        "ENVIRONMENT": name,
        "GRADING_BUCKET": name,
        "RETRY_DELAY_MS": "1",
        "SQS_WAIT_SECONDS": "1",
    }

    def client(service: str) -> Any:
        keys = {key.lower(): value for key, value in CREDENTIALS.items()}
        return boto3.client(service, endpoint_url=moto_server, region_name=REGION, **keys)

    client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    for key, value in parameters.items():
        client("ssm").put_parameter(Name=f"/{name}/db/{key}", Value=value, Type="SecureString")
    engine = open_engine(lambda: login)
    with ExitStack() as stack:
        stack.callback(engine.dispose)

        def make_worker(variables: dict[str, str]) -> Any:
            (port,) = free_ports(1)
            worker = WorkerProcess(
                (str(HERE / "constant_worker.py"),), {**variables, "HEALTH_PORT": str(port)}
            )
            stack.callback(worker.close)
            return worker

        yield SqsSite(environment, client, MysqlJobStore(engine), make_worker)


def test_requests_of_foreign_producers_become_results(site: SqsSite) -> None:
    """Plain JSON without attributes, in both queues; the consumer is ready and stops at once."""
    worker = site.start()
    expected = {
        site.submit(site.request()),
        site.submit(site.request(), "grading-priority"),
    }

    found = [site.result() for _ in expected]

    assert {each.request_id for each in found} == expected
    assert {site.jobs.get(each).status for each in expected} == {"completed"}
    assert worker.health()[1]["queue-0"]["ok"]
    worker.signal(signal.SIGTERM)
    assert worker.ended() == 0
    assert [site.count(name) for name in QUEUES] == [0, 0, 0, 0]


def test_bad_messages_are_answered_and_dead_lettered(site: SqsSite) -> None:
    """No JSON, JSON that is no request, and a request that the handler rejects."""
    site.start()
    nothing = site.send("this is no JSON")
    broken = site.submit({"requestId": "req_broken"})
    rejected = site.submit(site.request(language="nonsense"))

    letters = [site.receive("grading-dlq") for _ in range(3)]

    reasons = {
        each["MessageAttributes"]["x-gradectl-original-id"]["StringValue"]: each for each in letters
    }
    assert nothing in reasons
    assert {site.result().request_id for _ in range(2)} == {broken, rejected}
    assert site.jobs.get(rejected).status == "failed"
    assert site.count("grading-requests") == 0


def test_attempts_that_fail_are_repeated_until_exhausted(site: SqsSite) -> None:
    """More often than workers may crash: the row says that none did."""
    site.start(MAX_ATTEMPTS="4", MAX_CRASHES="2")
    request_id = site.submit(site.request(language="storm"))

    letter = site.receive("grading-dlq")["MessageAttributes"]

    assert site.result().error.code == "INTERNAL_ERROR"
    assert site.jobs.get(request_id).attempts == 4
    assert letter["x-gradectl-attempt"]["StringValue"] == "4"
    assert "the weather is bad" in letter["x-gradectl-reason"]["StringValue"]


def test_a_job_longer_than_its_message_is_hidden_is_done_once(site: SqsSite) -> None:
    """Its heartbeat keeps the message; a second worker is free all the time."""
    workers = [site.start(SQS_VISIBILITY_SECONDS="3") for _ in range(2)]
    request_id = site.submit(site.request(language="gate"))
    others = [site.submit(site.request()) for _ in range(2)]
    assert {site.result().request_id for _ in others} == set(others)
    ends = monotonic() + 4  # longer than the message is hidden without a heartbeat
    while monotonic() < ends:
        assert (
            site.sqs.receive_message(QueueUrl=site.urls["grading-dlq"], WaitTimeSeconds=1).get(
                "Messages", []
            )
            == []
        )

    workers[0].pass_gate()

    assert site.result().request_id == request_id
    assert site.jobs.get(request_id).attempts == 1


def test_killed_worker_leaves_its_request_to_the_next(site: SqsSite) -> None:
    """Its message is visible again when its time is over."""
    first = site.start(SQS_VISIBILITY_SECONDS="3")
    request_id = site.submit(site.request(language="gate"))
    first.wait_for(f"Processing request {request_id}")
    first.signal(signal.SIGKILL)
    second = site.start(SQS_VISIBILITY_SECONDS="3")
    second.wait_for(f"Processing request {request_id}")
    second.pass_gate()

    assert site.result().request_id == request_id
    assert site.jobs.get(request_id).attempts == 2


def test_a_request_given_back_is_received_at_once(site: SqsSite) -> None:
    """Its attempt does not count, and nobody waits for the end of its time."""
    first = site.start(DRAIN_SECONDS="0")
    request_id = site.submit(site.request(language="gate"))
    first.wait_for(f"Processing request {request_id}")
    first.signal(signal.SIGTERM)
    assert first.ended() == 143
    second = site.start()
    second.wait_for(f"Processing request {request_id}")
    second.pass_gate()

    assert site.result().request_id == request_id
    assert site.jobs.get(request_id).attempts == 1


def test_wrong_queues_end_the_worker_with_the_reason(site: SqsSite) -> None:
    """Another region or account, no such queue, and queues whose redrive policies are a circle."""
    mine = site.urls["grading-requests"]
    host = "https://sqs.eu-west-1.amazonaws.com/123456789012/x-grading-requests"
    missing = mine.replace("t-", "no-")
    foreign = mine.replace("/123456789012/", "/999999999999/")
    assert foreign != mine
    site.redrive("grading-requests", "grading-dlq")
    site.redrive("grading-dlq", "grading-requests")
    workers = [site.start(SQS_QUEUE_URL=url) for url in (host, missing, foreign, mine)]

    codes = [worker.ended() for worker in workers]

    assert codes == [78, 78, 78, 78]
    assert "eu-west-1" in workers[0].lines[-1]
    assert missing in "".join(workers[1].lines)
    assert f"{foreign}: GetQueueAttributes: The specified" in workers[2].lines[-1]
    assert "check region, account and name" in workers[2].lines[-1]
    assert "the redrive policies lead in a circle" in workers[3].lines[-1]


def test_a_queue_deleted_while_working_is_waited_for(site: SqsSite) -> None:
    """The worker says so, and goes on when it exists again; a purge only empties it."""
    worker = site.start()
    site.submit(site.request())
    assert site.result().status == "completed"
    site.sqs.purge_queue(QueueUrl=site.urls["grading-requests"])
    site.sqs.delete_queue(QueueUrl=site.urls["grading-requests"])
    worker.wait_for("Waiting for the queue-0")
    name = site.urls["grading-requests"].rpartition("/")[2]
    site.sqs.create_queue(QueueName=name)

    request_id = site.submit(site.request())

    assert site.result().request_id == request_id


@pytest.fixture
def relay(moto_server: str) -> Iterator[HttpRelay]:
    """A relay before the account, which refuses chosen calls."""
    with HttpRelay(moto_server).running() as running:
        yield running


def test_throttled_calls_are_repeated(site: SqsSite, relay: HttpRelay) -> None:
    """First all of them, then those that settle a job."""
    worker = site.start(AWS_ENDPOINT_URL=relay.url, SQS_VISIBILITY_SECONDS="3")
    worker.wait_for("Worker started")
    phases = [
        (("ReceiveMessage", "SendMessage", "DeleteMessage"), 400, "ThrottlingException"),
        (("SendMessage", "DeleteMessage"), 503, "ServiceUnavailable"),
    ]
    for calls, status, code in phases:
        with relay.failing(*calls, status=status, code=code):
            request_id = site.submit(site.request())
            line = worker.wait_for("Waiting for the queue-0")
            assert f"{calls[0]}: not by this test" in line
            assert ("SQS throttles" in line) == (status == 400)

        assert site.result().request_id == request_id
        assert site.jobs.get(request_id).attempts == 1

    worker.signal(signal.SIGTERM)
    assert worker.ended() == 0
    assert [site.count(name) for name in QUEUES] == [0, 0, 0, 0]
    assert not any("Traceback" in line for line in worker.lines)


def test_a_missing_right_at_the_start_ends_the_worker(site: SqsSite, relay: HttpRelay) -> None:
    """The platform starts it again."""
    with relay.failing("GetQueueAttributes", status=403, code="AccessDeniedException"):
        worker = site.start(AWS_ENDPOINT_URL=relay.url)
        assert worker.ended() == 77

    assert f"{site.urls[QUEUES[0]]}: GetQueueAttributes: not by this test" in worker.lines[-1]


def test_large_requests_and_results_are_in_the_bucket(site: SqsSite) -> None:
    """Messages of 256 KiB travel as they are, larger ones as the pointer of AWS's libraries."""
    site.start()
    s3, bucket = site.client("s3"), site.environment["GRADING_BUCKET"]
    text = "x" * (256 << 10)
    request = site.request(language="large")
    body = json.dumps(request) + " " * (300 << 10)
    s3.put_object(Bucket=bucket, Key="temp/messages/1", Body=body.encode())
    pointer = [
        "software.amazon.payloadoffloading.PayloadS3Pointer",
        {"s3BucketName": bucket, "s3Key": "temp/messages/1"},
    ]

    site.send(text)
    site.sqs.send_message(
        QueueUrl=site.urls["grading-requests"],
        MessageBody=json.dumps(pointer),
        MessageAttributes={
            "ExtendedPayloadSize": {"DataType": "Number", "StringValue": str(len(body))}
        },
    )
    small = site.submit(site.request(sourceFile="s3://" + "y" * (256 << 10)))

    found = [site.receive("grading-results") for _ in range(2)]

    assert site.receive("grading-dlq")["Body"] == text
    (large,) = [each for each in found if "ExtendedPayloadSize" in each["MessageAttributes"]]
    place = json.loads(large["Body"])[1]
    stored = json.loads(s3.get_object(Bucket=bucket, Key=place["s3Key"])["Body"].read())
    (plain,) = [json.loads(each["Body"]) for each in found if each is not large]
    assert (stored["requestId"], plain["requestId"]) == (request["requestId"], small)


def test_a_worker_frozen_for_longer_than_its_receipt_sends_nothing(
    site: SqsSite, tmp_path: Path
) -> None:
    """Its receipt handle is over; another one has answered, and it goes on with the next job."""
    (tmp_path / "open gate").touch()
    frozen = site.start(SQS_VISIBILITY_SECONDS="3")
    request_id = site.submit(site.request(language="gate"))
    frozen.wait_for(f"Processing request {request_id}")
    frozen.signal(signal.SIGSTOP)
    other = site.start(GATE=str(tmp_path / "open gate"))
    assert site.result().request_id == request_id
    other.signal(signal.SIGTERM)
    assert other.ended() == 0

    frozen.signal(signal.SIGCONT)
    frozen.pass_gate()
    next_id = site.submit(site.request())

    assert site.result().request_id == next_id
    assert site.jobs.get(request_id).attempts == 2
    assert site.count("grading-requests") in (0, 1)
    assert [site.count(name) for name in ("grading-results", "grading-dlq")] == [0, 0]
