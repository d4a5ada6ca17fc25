"""Secrets of a running environment: real broker, database and workers, found by names alone."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import boto3
import jsonschema
import pytest
from process_record import ProcessRecord

from gradectl.local import lifecycle
from gradectl.local.engines.activemq import broker_answers
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.stack import DIRECTORY_VARIABLE, Stack, StackLocation
from grader.adapters.activemq.connection import Connection, connect

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests" / "fixtures"
SCHEMAS = ROOT / "docs" / "schemas" / "cli"
XML = (FIXTURES / "broker.xml").read_text()
GUARDED = XML.replace("</plugins>", (FIXTURES / "authorization.xml").read_text() + "</plugins>")
REGION, ACCOUNT = "ap-northeast-2", "123456789012"
FIRST_PASSWORD = "password-in-the-state-1"  # as Terraform creates a broker with it
CLUSTER, SERVICE = "local-grading-cluster", "local-grading-service"
BUCKET = "local-grading-files"
STATE_BUCKET = f"local-gradectl-state-{ACCOUNT}"
LONG = 300.0  # a limit for a hung test, not a measurement
PARTS = ("mq", "mq-operator", "mq-web", "mq-worker")
#: Adds up its input, and takes a while.
PROGRAM = "from time import sleep\nsleep(0.1)\nprint(sum(map(int, open(0).read().split()[1:])))\n"


@dataclass
class Deployed:
    """An environment that has everything but its Terraform."""

    root: Path
    stack: Stack
    record: ProcessRecord = field(default_factory=ProcessRecord)
    said: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    def client(self, service: str) -> Any:
        """A client of the emulated account."""
        return boto3.client(
            service,
            endpoint_url=self.stack.endpoint_url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def gradectl(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "GRADECTL_", "TF_"))
        }
        with self.record.recording():
            done = subprocess.run(
                [sys.executable, "-m", "gradectl.cli", *arguments],
                cwd=self.root,
                env={**kept, DIRECTORY_VARIABLE: str(self.stack.directory)},
                input=text,
                capture_output=True,
                text=True,
                timeout=LONG,
                check=False,
            )
        self.said += [done.stdout, done.stderr]
        return done

    def ask(self, *arguments: str) -> Any:
        """Run a command that must succeed; its document is checked with the published schema."""
        done = self.gradectl(*arguments, "--output", "json")
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        schema = json.loads((SCHEMAS / f"{document['kind']}.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(document)
        return document

    def queues(self) -> Any:
        """The counters of the queues."""
        done = self.gradectl("queue", "list", "-e", "local", "--output", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["queues"]

    def keep(self, name: str, value: str, kind: str = "String") -> None:
        """Write a parameter, as Terraform does."""
        self.client("ssm").put_parameter(Name=f"/local/{name}", Value=value, Type=kind)

    def password(self, part: str) -> str:
        """Read a password."""
        name = f"/local/{part}/password"
        answer = self.client("ssm").get_parameter(Name=name, WithDecryption=True)
        value = str(answer["Parameter"]["Value"])
        self.secrets.add(value)
        return value

    def logs(self) -> str:
        """The log files of the stack, and the log of the tasks in CloudWatch."""
        files = (self.stack.directory / "logs").rglob("*.log")
        found = [path.read_text(errors="replace") for path in files]
        events = self.client("logs").filter_log_events(logGroupName="/ecs/local-grading")
        return "\n".join([*found, *(each["message"] for each in events["events"])])

    def accepts(self, user: str, password: str) -> bool:
        """Whether the broker accepts a login."""
        port = int(self.stack.broker_endpoint.rpartition(":")[2])
        return broker_answers(port, self.stack.ca_file, BrokerUser(user, password))

    def web(self) -> Connection:
        """A connection of the web tier, with the password that is in SSM now."""
        password = self.password("mq-web")
        endpoints = [self.stack.broker_endpoint]
        return connect(endpoints, "web", password, ca_file=self.stack.ca_file)

    def settle(self) -> None:
        """Wait until everything that should run does."""
        assert any(lifecycle.is_settled(self.stack, 10) for _ in range(6))

    def submit(self, count: int) -> list[str]:
        """Send requests as the web tier does; returns their ids."""
        ids = [f"req_{uuid.uuid4().hex[:12]}" for _ in range(count)]
        web = self.web()
        for request_id in ids:
            key = f"submissions/{request_id}/solution.py"
            self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=PROGRAM.encode())
            request = {
                "requestId": request_id,
                "userId": "user_001",
                "problemId": "sum",
                "language": "python",
                "sourceFile": f"s3://{BUCKET}/{key}",
                "timeLimit": 5000,
                "memoryLimit": 128,
                "timestamp": datetime.now(UTC).isoformat(),
            }
            web.send("grading-requests", json.dumps(request).encode())
        web.close()
        return ids

    def results(self, count: int) -> Counter[str]:
        """Receive results until all have come, and for a second longer; counts each request."""
        web, seen = self.web(), Counter[str]()
        web.subscribe("grading-results")
        deadline = monotonic() + LONG + count
        while len(seen) < count and monotonic() < deadline:
            self._receive(web, seen, 1.0)
        while self._receive(web, seen, 1.0):
            pass
        web.close()
        return seen

    def _receive(self, web: Connection, seen: Counter[str], seconds: float) -> bool:
        frame = web.next_frame(seconds)
        if frame is None:
            return False
        result = json.loads(frame.body)
        assert result["result"]["verdict"] == "AC", result
        seen[result["requestId"]] += 1
        web.ack(frame)
        return True


@pytest.fixture(name="deployed", scope="module")
def _deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """An environment with users per role, an application user in the database, and two workers."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "environments" / "local", root / "environments" / "local")
    directory = Path(tempfile.mkdtemp(prefix="gradectl-test-"))  # box users traverse it
    directory.chmod(0o711)
    try:
        stack = lifecycle.up(StackLocation(directory, REGION, ACCOUNT), dict(os.environ))
        deployed = Deployed(root, stack)
        _create(deployed)
        yield deployed
    finally:
        lifecycle.down(directory)
        shutil.rmtree(directory)


def _create(deployed: Deployed) -> None:
    """Create the resources that Terraform would create, and what gradectl does after an apply."""
    _write_parameters(deployed)
    location = {"LocationConstraint": REGION}
    deployed.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
    deployed.client("logs").create_log_group(logGroupName="/ecs/local-grading")
    _create_engines(deployed)
    _create_service(deployed)
    deployed.settle()
    synced = deployed.gradectl("broker-users", "sync", "local", "--yes")
    assert synced.returncode == 0, synced.stderr


def _write_parameters(deployed: Deployed) -> None:
    stack = deployed.stack
    plain = {
        "mq/broker-endpoint": stack.broker_endpoint,
        "mq/username": "admin",
        **{f"mq-{role}/username": role for role in ("operator", "web", "worker")},
        "db/endpoint": stack.db_endpoint,
        "db/name": "grading",
        "db/username": "grader",
        "db-app/username": "application",
    }
    for name, value in plain.items():
        deployed.keep(name, value)
    for part in (*PARTS, "db", "db-app"):
        deployed.keep(f"{part}/password", f"a-Password-of-{part}-1", "SecureString")


def _create_engines(deployed: Deployed) -> None:
    mq, name = deployed.client("mq"), "local-grading-mq"
    engine = {"EngineType": "ACTIVEMQ", "EngineVersion": "5.18"}
    configuration = mq.create_configuration(Name=name, **engine)["Id"]
    encoded = base64.b64encode(GUARDED.encode()).decode()
    mq.update_configuration(ConfigurationId=configuration, Data=encoded)
    mq.create_broker(
        BrokerName=name,
        **engine,
        DeploymentMode="SINGLE_INSTANCE",
        HostInstanceType="mq.t3.micro",
        PubliclyAccessible=False,
        AutoMinorVersionUpgrade=True,
        Users=[{"Username": "admin", "Password": FIRST_PASSWORD}],
        Configuration={"Id": configuration, "Revision": 2},
    )
    deployed.client("rds").create_db_instance(
        DBInstanceIdentifier="local-grading",
        Engine="mysql",
        DBInstanceClass="db.t3.micro",
        MasterUsername="grader",
        MasterUserPassword=deployed.password("db"),
        DBName="grading",
        AllocatedStorage=20,
    )


def _create_service(deployed: Deployed) -> None:
    """The service of the workers, with no worker yet."""
    values = {
        "AWS_REGION": REGION,
        "ENVIRONMENT": "local",
        "GRADING_BUCKET": BUCKET,
        "LANGUAGES": "python",
        "RETRY_DELAY_MS": "200",
        "MQ_ENDPOINT_PARAM": "/local/mq/broker-endpoint",
        **{
            f"MQ_{key.upper()}_PARAM": f"/local/mq-worker/{key}" for key in ("username", "password")
        },
        **{f"DB_{key.upper()}_PARAM": f"/local/db/{key}" for key in ("endpoint", "name")},
        **{f"DB_{key.upper()}_PARAM": f"/local/db-app/{key}" for key in ("username", "password")},
    }
    ecs = deployed.client("ecs")
    ecs.create_cluster(clusterName=CLUSTER)
    definition = ecs.register_task_definition(
        family="local-grading-task",
        containerDefinitions=[
            {
                "name": "grading-worker",
                "image": "unused",
                "memory": 128,
                "entryPoint": [sys.executable, "-m"],
                "command": ["grader", "worker"],
                "environment": [{"name": key, "value": value} for key, value in values.items()],
                "stopTimeout": 60,
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": "/ecs/local-grading",
                        "awslogs-stream-prefix": "grading-worker",
                    },
                },
            }
        ],
    )["taskDefinition"]["taskDefinitionArn"]
    ecs.create_service(
        cluster=CLUSTER,
        serviceName=SERVICE,
        taskDefinition=definition,
        desiredCount=0,
        launchType="FARGATE",
    )


@pytest.fixture(name="grading", scope="module")
def _grading(deployed: Deployed) -> Deployed:
    """The environment with a migrated database, a problem and two workers."""
    migrated = deployed.gradectl("db", "migrate", "local")
    assert migrated.returncode == 0, migrated.stderr
    problem = str(ROOT / "examples" / "problems" / "sum")
    pushed = deployed.gradectl("problem", "push", "-e", "local", problem)
    assert pushed.returncode == 0, pushed.stderr
    deployed.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, desiredCount=2)
    deployed.settle()
    return deployed


def test_a_failed_migration_has_its_exit_code_and_its_log(deployed: Deployed) -> None:
    """The task really runs; the wrong login is that of the database's administrator."""
    right = deployed.password("db")
    ssm = deployed.client("ssm")
    name = "/local/db/password"
    ssm.put_parameter(Name=name, Value="a-Wrong-password-1", Type="SecureString", Overwrite=True)

    done = deployed.gradectl("db", "migrate", "local")
    ssm.put_parameter(Name=name, Value=right, Type="SecureString", Overwrite=True)

    assert done.returncode == 77, done.stderr
    assert "grader database-user exited with 77" in done.stderr
    assert "Access denied for user 'grader'" in done.stderr
    assert "a-Wrong-password-1" not in done.stderr


def test_a_migration_sets_up_the_schema_and_the_application_user(deployed: Deployed) -> None:
    """As a task whose log is shown; a second run changes nothing."""
    first = deployed.ask("db", "migrate", "local")
    again = deployed.ask("db", "migrate", "local")

    assert (first["command"], first["exit_code"]) == ("grader database-user", 0)
    assert any("application can log in to grading" in line for line in first["log"])
    assert any("User application is unchanged" in line for line in again["log"])
    assert first["task_arn"] != again["task_arn"]


def test_the_password_that_the_broker_was_created_with_is_dead(deployed: Deployed) -> None:
    """Also after a sync that found its users by the names of parameters."""
    assert not deployed.accepts("admin", FIRST_PASSWORD)
    for part in PARTS:
        user = part.removeprefix("mq-") if part != "mq" else "admin"
        assert deployed.accepts(user, deployed.password(part))

    assert deployed.ask("broker-users", "sync", "local", "--yes")["rebooted"] is False


@pytest.mark.parametrize(
    "jobs", [30, pytest.param(200, marks=pytest.mark.exhaustive)], ids=["some", "many"]
)
def test_a_rotation_while_jobs_run_loses_no_result(grading: Deployed, jobs: int) -> None:
    """Each request has exactly one result, and no old password is accepted."""
    before = {part: grading.password(part) for part in PARTS}
    sent = grading.submit(jobs)
    _await_first_result(grading, sent)

    rotated = grading.ask("secrets", "rotate", "local", "--yes")

    assert {each["name"] for each in rotated["rotated"]} == {
        f"/local/{part}/password" for part in PARTS
    }
    assert rotated["broker_rebooted"]
    assert rotated["workers_replaced"]
    assert grading.results(jobs) == Counter(sent)
    for part, old in before.items():
        user = part.removeprefix("mq-") if part != "mq" else "admin"
        assert not grading.accepts(user, old)
        assert grading.accepts(user, grading.password(part))
    queues = {each["queue"]: each for each in grading.queues()}
    assert [queues[name]["size"] for name in ("grading-requests", "grading-dlq")] == [0, 0]
    assert queues["grading-requests"]["consumers"] == 2


def _await_first_result(grading: Deployed, sent: list[str]) -> None:
    """Wait until a job is done, so that the rotation meets running and waiting ones."""
    pause = threading.Event()
    deadline = monotonic() + LONG
    while monotonic() < deadline:
        found = grading.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="results/")
        if any(
            request_id in item["Key"] for item in found.get("Contents", ()) for request_id in sent
        ):
            return
        pause.wait(0.1)
    pytest.fail("no job was done")


@pytest.fixture(name="rendered", scope="module")
def _rendered(grading: Deployed) -> Deployed:
    """The environment with its rendered files, and the bucket of the state and of the lock."""
    shutil.copytree(ROOT / "templates", grading.root / "templates")
    for path in (ROOT / "environments").glob("*.tf"):
        shutil.copy(path, grading.root / "environments")
    rendered = grading.gradectl("render", "local")
    assert rendered.returncode == 0, rendered.stderr
    location = {"LocationConstraint": REGION}
    grading.client("s3").create_bucket(Bucket=STATE_BUCKET, CreateBucketConfiguration=location)
    return grading


def test_a_smoke_test_that_fails_in_a_deployment_names_the_way_back(rendered: Deployed) -> None:
    """The workers run but lack a language; the printed rollback replaces them and works."""
    grading = rendered
    ecs, names = grading.client("ecs"), {"cluster": CLUSTER, "service": SERVICE}
    (service,) = ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"]
    good = service["taskDefinition"]
    described = ecs.describe_task_definition(taskDefinition=good)["taskDefinition"]
    containers = described["containerDefinitions"]
    for each in containers[0]["environment"]:
        each["value"] = "c" if each["name"] == "LANGUAGES" else each["value"]
    newer = ecs.register_task_definition(
        family=described["family"], containerDefinitions=containers
    )["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(**names, taskDefinition=newer)
    grading.settle()

    failed = grading.gradectl("deploy", "local", "--only", "smoke", "--report", "report.json")
    report = json.loads((grading.root / "report.json").read_text())
    back = re.search(r"the way back: (gradectl rollback local \d+) ", failed.stderr)

    assert failed.returncode == 4, failed.stderr
    assert "step smoke failed: " in failed.stderr
    assert "then: gradectl deploy local --from smoke" in failed.stderr
    assert [each["state"] for each in report["steps"]] == ["failed"]
    assert back
    assert back[1] in report["steps"][0]["detail"]
    assert not grading.client("s3").list_objects_v2(Bucket=STATE_BUCKET)["KeyCount"]
    document = grading.ask(*shlex.split(back[1])[1:], "--yes")
    assert document["rolled_back"]
    assert document["to"] == good.rpartition("/")[2]
    tasks = ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE)["taskArns"]
    running = ecs.describe_tasks(cluster=CLUSTER, tasks=tasks)["tasks"]
    supervisor = (grading.stack.directory / "logs" / "supervisor.log").read_text()
    assert [each["taskDefinitionArn"] for each in running] == [good, good], supervisor
    assert {each["lastStatus"] for each in running} == {"RUNNING"}


def test_no_secret_was_in_a_process_a_log_or_an_output(grading: Deployed) -> None:
    """Neither the old nor the new values of rotations, migrations and changes of users."""
    old = grading.password("db-app")
    grading.ask("secrets", "rotate", "local", "db-app", "--yes")
    grading.ask("broker-users", "sync", "local", "--yes")

    assert grading.password("db-app") != old
    for part in PARTS:
        grading.password(part)
    assert len(grading.secrets) > len(PARTS)
    places = {
        "command line": b"\n".join(grading.record.command_lines),
        "environment": b"\n".join(grading.record.environments),
        "output": "\n".join(grading.said).encode(),
        "log": grading.logs().encode(),
    }
    assert b"gradectl.cli" in places["command line"]
    assert b"MQ_PASSWORD_PARAM=/local/mq-worker/password" in places["environment"]
    found = {
        place
        for place, content in places.items()
        for secret in grading.secrets
        if secret.encode() in content
    }
    assert found == set()
