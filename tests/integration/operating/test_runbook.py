"""The commands of docs/runbook.md, each in the trouble that its section is about."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
import pytest
import runbook
from sqs_queues import SqsQueues

from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.migrations import migrate

pytestmark = pytest.mark.engine
PAGE = runbook.sections(runbook.PAGE.read_text())
SUM = runbook.ROOT / "examples" / "problems" / "sum"
SAMPLE = runbook.ROOT / "examples" / "submissions" / "sum" / "accepted.py"
SECONDS = 120.0  # a limit for a hung test
#: The exit codes of commands that report a trouble.
CODES = {"gradectl doctor ENV": 4, "gradectl secrets check ENV": 4}


@dataclass
class Operated:
    """An environment in some trouble, and what the placeholders of the page stand for in it."""

    applied: Any
    launcher: Path
    names: dict[str, str] = field(default_factory=dict)
    trouble: str = ""
    printed: dict[str, str] = field(default_factory=dict)
    worker: subprocess.Popen[bytes] | None = None

    def get_into(self, trouble: Trouble) -> None:
        """Prepare a trouble, unless the environment is in it."""
        if self.trouble != trouble.__name__:
            self.trouble = trouble.__name__
            self.printed.clear()
            active = f"/{self.applied.name}/sqs/active"
            self.applied.client("ssm").delete_parameters(Names=[active])
            trouble(self)

    def run(self, line: str) -> str:
        """What a command of the page prints, on both streams; run once in each trouble."""
        if line not in self.printed:
            done = self.applied.gradectl("--yes", *runbook.words(line, self.names))
            assert done.code == CODES.get(line, 0), f"{line}\n{done.stdout}\n{done.stderr}"
            self.printed[line] = f"{done.stdout}\n{done.stderr}"
        return self.printed[line]

    def submit(self, *options: str) -> Any:
        """Submit the sample; returns the document."""
        done = self.applied.gradectl(
            *("submit", "-p", "sum", "-l", "python", str(SAMPLE), "-o", "json", *options)
        )
        assert done.stdout, done.stderr
        return done.document

    def start_worker(self) -> None:
        """Start the worker if it does not run."""
        if self.worker is None:
            self.worker = subprocess.Popen(
                [sys.executable, "-m", "grader", "worker"],
                env=self.applied.worker_environment(self.launcher),
                stderr=subprocess.DEVNULL,
            )

    def stop_worker(self) -> None:
        """Stop the worker if it runs."""
        if self.worker is not None:
            self.worker.terminate()
            self.worker.wait(SECONDS)
            self.worker = None

    def until_waiting(self, queue: str, count: int) -> None:
        """Wait until a queue has a number of messages."""
        end = time.monotonic() + SECONDS
        with closing(self.applied.open_broker()) as broker:
            while broker.inspector.statistics([queue])[queue].size != count:
                assert time.monotonic() < end, f"{queue} has not got {count} messages"
                threading.Event().wait(0.1)


Trouble = Callable[[Operated], None]


def no_worker_runs(operated: Operated) -> None:
    """Requests wait, and no worker is connected."""
    for _ in range(3):
        operated.submit()


def a_worker_was_lost(operated: Operated) -> None:
    """The row says that a worker grades the request, and has done so for hours."""
    operated.start_worker()
    request_id = operated.submit("--wait")["request_id"]
    applied, database = operated.applied, operated.applied.database
    applied.client("s3").delete_object(
        Bucket=applied.bucket, Key=f"results/{request_id}/result.json"
    )
    connection = pymysql.connect(
        host="127.0.0.1", port=database.port, user=database.user,
        password=database.password, database=database.name, autocommit=True,
    )  # fmt: skip
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs SET status = 'running', result_json = NULL,"
            " updated_at = updated_at - INTERVAL 2 HOUR,"
            " leased_until = leased_until - INTERVAL 2 HOUR WHERE request_id = %s",
            (request_id,),
        )
    assert (
        applied.gradectl(
            "--yes",
            "queue",
            "delete",
            "grading-results",
            "--where",
            f"body.requestId == '{request_id}'",
            "--apply",
        ).code
        == 0
    )
    operated.names["REQUEST_ID"] = request_id


def cases_are_missing(operated: Operated) -> None:
    """Two requests failed because of that, and one expired."""
    applied, s3 = operated.applied, operated.applied.client("s3")
    operated.until_waiting("grading-requests", 0)
    for key in applied.stored():
        if key.endswith(".ans"):  # cases without an answer are none
            s3.delete_object(Bucket=applied.bucket, Key=key)
    sent = [operated.submit()["request"] for _ in range(2)]
    with closing(applied.open_broker()) as broker:
        late = {**sent[0], "requestId": "req_late"}
        broker.send("grading-requests", json.dumps(late).encode(), {"expires": "1000"})
    operated.until_waiting("grading-dlq", 3)
    found = applied.gradectl("queue", "inspect", "grading-dlq", "-o", "json").document["messages"]
    (operated.names["ID"],) = [
        each["message_id"] for each in found if each["request_id"] == sent[0]["requestId"]
    ]


def queues_are_on_sqs(operated: Operated) -> None:
    """Two requests failed, on an environment whose transport is SQS."""
    where = operated.applied.database
    engine = open_engine(
        lambda: DatabaseLogin(where.endpoint, where.name, where.user, where.password)
    )
    migrate(engine)
    engine.dispose()
    queues = SqsQueues(operated.applied, operated.applied.name)
    for number in range(2):
        queues.dead_letter(number, "TEST_CASES_NOT_FOUND")


def everything_works(operated: Operated) -> None:
    """A worker is connected, and the problem has its test cases."""
    operated.start_worker()


def a_key_leaked(operated: Operated) -> None:
    """The environment has one key."""
    made = operated.applied.gradectl("api-key", "create", operated.applied.name, "--name", "old")
    assert made.code == 0, made.stderr
    operated.names["KEY_ID"] = made.stdout.strip()[3:15]


#: The sections of the page in their order.
TROUBLES = {
    "First look": no_worker_runs,
    "A deployment failed": no_worker_runs,
    "Messages pile up and nothing is processed": no_worker_runs,
    "Stop grading for a while": no_worker_runs,
    "Change the transport": no_worker_runs,
    "Graded, but no result comes back": a_worker_was_lost,
    "A webhook does not arrive": everything_works,
    "Messages in `grading-dlq`": cases_are_missing,
    "Queues on Amazon SQS": queues_are_on_sqs,
    "Tasks end by themselves": everything_works,
    "The broker is short of something": everything_works,
    "The API fails or is slow": everything_works,
    "Testing all day": everything_works,
    "Passwords": everything_works,
    "Change passwords": everything_works,
    "The database's application user": everything_works,
    "A key of the API leaked": a_key_leaked,
}


@pytest.fixture(scope="module")
def operated(make_applied: Callable[[], Any], launcher: Path) -> Iterator[Operated]:
    """An environment as Terraform creates it, whose tasks do not run."""
    applied = make_applied()
    create_services(applied)
    pushed = applied.gradectl("problem", "push", str(SUM))
    assert pushed.code == 0, pushed.stderr
    made = Operated(applied, launcher, {"ENV": applied.name, "examples/problems/sum": str(SUM)})
    yield made
    made.stop_worker()
    applied.stack.close()


def create_services(applied: Any) -> None:
    """Create the service, the broker, the database and the log that `status` and `logs` read."""
    name = f"{applied.name}-grading"
    ecs = applied.client("ecs")
    ecs.create_cluster(clusterName=f"{name}-cluster")
    ecs.register_task_definition(
        family=f"{name}-task",
        containerDefinitions=[
            {"name": "grading-worker", "image": "example.com/worker:1", "memory": 512}
        ],
    )
    ecs.create_service(
        cluster=f"{name}-cluster",
        serviceName=f"{name}-service",
        taskDefinition=f"{name}-task",
        desiredCount=2,
    )
    applied.client("mq").create_broker(
        BrokerName=f"{name}-mq", EngineType="ACTIVEMQ", EngineVersion="5.18",
        DeploymentMode="SINGLE_INSTANCE", HostInstanceType="mq.t3.micro",
        PubliclyAccessible=False, AutoMinorVersionUpgrade=True,
        Users=[{"Username": "admin", "Password": "throw-away-password-1"}],
    )  # fmt: skip
    applied.client("rds").create_db_instance(
        DBInstanceIdentifier=name, Engine="mysql", DBInstanceClass="db.t3.micro",
        MasterUsername="admin", MasterUserPassword="database-password-1", AllocatedStorage=20,
    )  # fmt: skip
    logs = applied.client("logs")
    log = {"logGroupName": f"/ecs/{name}", "logStreamName": "grading-worker/grading-worker/0a1b2c"}
    logs.create_log_group(logGroupName=log["logGroupName"])
    logs.create_log_stream(**log)
    line = "[2024-08-20 12:00:00] ERROR: Broker refused user 'worker'"
    logs.put_log_events(**log, logEvents=[{"timestamp": int(time.time() * 1000), "message": line}])


def test_each_section_with_commands_has_its_trouble() -> None:
    """A new section needs a line in `TROUBLES`."""
    assert [each.title for each in PAGE] == list(TROUBLES)


@pytest.mark.parametrize("section", PAGE, ids=lambda each: each.title)
def test_the_commands_of_a_section_print_what_the_page_shows(
    operated: Operated, section: runbook.Section
) -> None:
    """In the trouble of the section, and in the order of the page."""
    operated.get_into(TROUBLES[section.title])
    for line in section.runnable:
        printed = operated.run(line)
        lost = runbook.missing(section.excerpts.get(line, ()), printed, operated.applied.name)
        assert not lost, f"{line}\ndid not print: {lost}\nbut:\n{printed}"
