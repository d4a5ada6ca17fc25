"""The local stack follows its control plane, and nothing of it outlives it."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest

from gradectl.local import lifecycle
from gradectl.local.activemq import broker_answers
from gradectl.local.broker_xml import BrokerUser
from gradectl.local.lifecycle import Place, ServiceStatus
from gradectl.local.mariadb import database_answers
from gradectl.local.ports import is_listening
from gradectl.local.stack import Stack, is_locked

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[2]
REGION = "ap-northeast-2"
BROKER_XML = (ROOT / "tests" / "fixtures" / "broker.xml").read_text()
LONG = 60.0
#: A task: writes its environment down, answers /health, ends on SIGTERM.
TASK = """
import http.server, json, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print(json.dumps(dict(os.environ)), flush=True)
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
address = ("127.0.0.1", int(os.environ["HEALTH_PORT"]))
http.server.HTTPServer(address, Health).serve_forever()
"""
CRASHING = "print('no memory left', flush=True); raise SystemExit(7)"


@pytest.fixture(name="directory")
def _directory() -> Iterator[Path]:
    """A directory through which slot users can pass, unlike those of `tmp_path`."""
    directory = Path(tempfile.mkdtemp(prefix="gradectl-test-"))
    directory.chmod(0o711)
    yield directory
    lifecycle.down(directory)
    shutil.rmtree(directory)


@pytest.fixture(name="stack")
def _stack(directory: Path) -> Stack:
    """A running stack with an empty account; ended with `directory`."""
    return lifecycle.up(Place(directory, REGION, "123456789012"), dict(os.environ))


class Account:
    """Makes in the emulated account what Terraform would make."""

    def __init__(self, stack: Stack) -> None:
        """Reach the control plane of a stack."""
        self.stack = stack

    def client(self, name: str) -> Any:
        """Give a client of one AWS service."""
        return boto3.client(
            name,
            endpoint_url=self.stack.endpoint_url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def create_broker(self, xml: str = BROKER_XML) -> str:
        """Create a broker with a configuration; gives its id."""
        mq = self.client("mq")
        name, engine = "local-grading", {"EngineType": "ACTIVEMQ", "EngineVersion": "5.18"}
        configuration = mq.create_configuration(Name=name, **engine)["Id"]
        encoded = base64.b64encode(xml.encode()).decode()
        mq.update_configuration(ConfigurationId=configuration, Data=encoded)
        broker_id: str = mq.create_broker(
            BrokerName=name,
            **engine,
            DeploymentMode="SINGLE_INSTANCE",
            HostInstanceType="mq.t3.micro",
            PubliclyAccessible=False,
            AutoMinorVersionUpgrade=True,
            Users=[{"Username": "admin", "Password": "throw-away-password-1"}],
            Configuration={"Id": configuration, "Revision": 2},
        )["BrokerId"]
        return broker_id

    def broker_state(self, broker_id: str) -> str:
        """Ask Amazon MQ how the broker is."""
        state: str = self.client("mq").describe_broker(BrokerId=broker_id)["BrokerState"]
        return state

    def create_database(self) -> None:
        """Create a MySQL instance."""
        self.client("rds").create_db_instance(
            DBInstanceIdentifier="local-grading",
            Engine="mysql",
            DBInstanceClass="db.t3.micro",
            MasterUsername="admin",
            MasterUserPassword="database-password-1",
            DBName="grading",
            AllocatedStorage=20,
        )

    def register(self, code: str = TASK, **container: object) -> str:
        """Register a task definition that runs some Python; gives its ARN."""
        definition = {
            "name": "grading-worker",
            "image": "unused",
            "memory": 128,
            "command": [sys.executable, "-I", "-c", code],
            "environment": [{"name": "QUEUE_NAME", "value": "grading-requests"}],
            "stopTimeout": 10,
            **container,
        }
        registered = self.client("ecs").register_task_definition(
            family="local-grading-task", containerDefinitions=[definition]
        )
        arn: str = registered["taskDefinition"]["taskDefinitionArn"]
        return arn

    def create_service(self, task_definition: str, count: int) -> None:
        """Create a cluster with one service."""
        ecs = self.client("ecs")
        ecs.create_cluster(clusterName="local-grading")
        ecs.create_service(
            cluster="local-grading",
            serviceName="grading",
            taskDefinition=task_definition,
            desiredCount=count,
        )

    def update_service(self, **changes: object) -> None:
        """Change the service."""
        self.client("ecs").update_service(cluster="local-grading", service="grading", **changes)

    def counts(self) -> tuple[int, int]:
        """Ask ECS how many tasks are desired and how many run."""
        found = self.client("ecs").describe_services(cluster="local-grading", services=["grading"])[
            "services"
        ][0]
        return found["desiredCount"], found["runningCount"]

    def until(self, condition: Callable[[list[ServiceStatus]], bool]) -> list[ServiceStatus]:
        """Wait for what the stack says of itself."""
        while not condition(found := lifecycle.services(self.stack)):
            lifecycle.is_settled(self.stack, 0.1)
        return found

    def settle(self) -> dict[str, ServiceStatus]:
        """Wait until everything runs that must."""
        assert any(lifecycle.is_settled(self.stack, 10) for _ in range(6))
        return {each.name: each for each in lifecycle.services(self.stack)}


@pytest.fixture(name="account")
def _account(stack: Stack) -> Account:
    return Account(stack)


def has_ended(pid: int) -> bool:
    """Wait for the end of a process that is not our child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], LONG)[0])
    finally:
        os.close(descriptor)


def port_of(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])


def gradectl(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gradectl.cli", "local", *arguments],
        env={**os.environ, "GRADECTL_LOCAL_DIR": str(directory)},
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_broker_runs_with_what_was_in_force_at_its_last_reboot(account: Account) -> None:
    """A new password counts after a reboot, as on Amazon MQ, and DescribeBroker tells when."""
    port, ca_file = port_of(account.stack.broker_endpoint), account.stack.ca_file
    first, second = "throw-away-password-1", "the-real-password-2"

    broker_id = account.create_broker()
    assert account.broker_state(broker_id) == "CREATION_IN_PROGRESS"
    account.settle()
    assert account.broker_state(broker_id) == "RUNNING"
    assert broker_answers(port, ca_file, BrokerUser("admin", first))

    account.client("mq").update_user(BrokerId=broker_id, Username="admin", Password=second)
    account.settle()
    assert not broker_answers(port, ca_file, BrokerUser("admin", second))

    account.client("mq").reboot_broker(BrokerId=broker_id)
    assert account.broker_state(broker_id) == "REBOOT_IN_PROGRESS"
    account.settle()
    assert account.broker_state(broker_id) == "RUNNING"
    assert broker_answers(port, ca_file, BrokerUser("admin", second))
    assert not broker_answers(port, ca_file, BrokerUser("admin", first))


def test_a_configuration_that_activemq_refuses_fails_the_broker(account: Account) -> None:
    """An apply must not go on, and `status` must say why."""
    broker_id = account.create_broker(
        '<broker xmlns="http://activemq.apache.org/schema/core" noSuchThing="1"/>'
    )

    services = account.until(lambda found: any(each.state == "failed" for each in found))

    assert "noSuchThing" in services[0].message
    assert account.broker_state(broker_id) == "CREATION_FAILED"


def test_a_taken_port_is_named_and_used_as_soon_as_it_is_free(account: Account) -> None:
    """Ports are chosen before they are used; who comes between must only go away."""
    port = port_of(account.stack.db_endpoint)
    with socket.create_server(("127.0.0.1", port)):
        account.create_database()
        services = account.until(lambda found: any(each.state == "failed" for each in found))
        assert f"127.0.0.1:{port}" in services[0].message
        assert "taken by another program" in services[0].message

    account.settle()
    assert database_answers(port)


def test_a_service_follows_its_desired_count(account: Account) -> None:
    """Zero, two, one: ECS's own numbers tell what really runs."""
    account.create_service(account.register(), 0)
    assert account.settle() == {}

    account.update_service(desiredCount=2)
    two = account.settle()
    assert len(two) == 2
    assert account.counts() == (2, 2)

    account.update_service(desiredCount=1)
    one = account.settle()
    assert account.counts() == (1, 1)
    (gone,) = two.keys() - one.keys()
    assert has_ended(two[gone].pid or 0)
    assert one.items() <= two.items()


def test_a_task_gets_its_definition_and_what_aws_would_add(account: Account) -> None:
    """The environment, the secrets by value, and one list of things from the platform."""
    account.client("ssm").put_parameter(
        Name="/local/db/password", Value="from-ssm", Type="SecureString"
    )
    secrets = [{"name": "DB_PASSWORD", "valueFrom": "/local/db/password"}]
    account.create_service(account.register(secrets=secrets), 1)
    (task,) = account.settle().values()

    environment = json.loads(task.log_file.read_text().splitlines()[0])

    assert task.health == "healthy"
    assert environment["QUEUE_NAME"] == "grading-requests"
    assert environment["DB_PASSWORD"] == "from-ssm"
    assert environment.keys() - {"QUEUE_NAME", "DB_PASSWORD"} == {
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
        "AWS_SECRET_ACCESS_KEY",
        "HEALTH_PORT",
        "LANG",
        "LAUNCHER_PATH",
        "PATH",
        "SSL_CERT_FILE",
    }


def test_a_missing_secret_is_named_and_the_task_starts_once_it_is_there(account: Account) -> None:
    """As on ECS the task cannot start; the order of creation does not matter in the end."""
    secrets = [{"name": "DB_PASSWORD", "valueFrom": "/local/db/password"}]
    account.create_service(account.register(secrets=secrets), 1)
    services = account.until(lambda found: any(each.state == "failed" for each in found))
    assert "/local/db/password" in services[0].message

    account.client("ssm").put_parameter(Name="/local/db/password", Value="x", Type="String")
    assert len(account.settle()) == 1


def test_a_new_task_definition_replaces_all_tasks(account: Account) -> None:
    """A deployment leaves no task of the old one behind."""
    account.create_service(account.register(), 2)
    old = account.settle()

    account.update_service(taskDefinition=account.register(environment=[]))
    new = account.settle()

    assert len(new) == 2
    assert not old.keys() & new.keys()
    assert all(has_ended(each.pid or 0) for each in old.values())


def test_a_crashed_task_is_started_again_and_says_why(account: Account) -> None:
    """ECS does it, and whoever looks sees the last words at once."""
    account.create_service(account.register(CRASHING), 1)

    (task,) = account.until(lambda found: any(each.restarts > 0 for each in found))
    (failed,) = account.until(lambda found: found[0].state == "failed")

    assert task.log_file == failed.log_file
    assert "ended with 7" in failed.message
    assert "no memory left" in failed.message


def test_a_killed_broker_and_a_killed_database_come_back(account: Account) -> None:
    """A crash on a laptop does not end the working day."""
    account.create_broker()
    account.create_database()
    before = account.settle()
    for each in before.values():
        os.kill(each.pid or 0, signal.SIGKILL)
        assert has_ended(each.pid or 0)

    account.until(lambda found: all(each.restarts == 1 for each in found))
    after = account.settle()

    assert after.keys() == before.keys()
    assert not {each.pid for each in after.values()} & {each.pid for each in before.values()}


@pytest.mark.parametrize("end", ["down", "kill"])
def test_after_the_end_there_is_no_process_and_no_port(account: Account, end: str) -> None:
    """Whether it is ended or killed, a stack takes everything with it."""
    account.create_broker()
    account.create_database()
    account.create_service(account.register(), 2)
    running = account.settle()
    stack = account.stack

    if end == "down":
        assert lifecycle.down(stack.directory)
    else:
        os.kill(stack.supervisor_pid, signal.SIGKILL)

    assert len(running) == 4
    assert has_ended(stack.supervisor_pid)
    assert all(has_ended(each.pid or 0) for each in running.values())
    ports = map(port_of, (stack.endpoint_url, stack.broker_endpoint, stack.db_endpoint))
    assert not any(map(is_listening, ports))
    assert not is_locked(stack.directory)
    assert Stack.read(stack.directory) is None


def test_up_status_and_down_can_be_said_twice(directory: Path) -> None:
    """The second `up` finds the first, and `down` may stand at the end of any script."""
    documents = [json.loads(gradectl(directory, "up", "-o", "json").stdout) for _ in "12"]
    status = gradectl(directory, "status", "--wait", "10", "-o", "json")
    ends = [gradectl(directory, "down", "-o", "json") for _ in "12"]
    after = gradectl(directory, "status")

    assert documents[0] == documents[1] == json.loads(status.stdout)
    assert documents[0]["services"][0]["name"] == "control-plane"
    assert [each.returncode for each in ends] == [0, 0]
    assert [json.loads(each.stdout)["stopped"] for each in ends] == [True, False]
    assert after.returncode == 69
    assert "gradectl local up" in after.stderr


def test_a_dry_run_starts_and_ends_nothing(directory: Path) -> None:
    """It says what would be done."""
    up = gradectl(directory, "up", "--dry-run", "-o", "json")
    down = gradectl(directory, "down", "--dry-run", "-o", "json")

    assert str(directory) in json.loads(up.stdout)["message"]
    assert json.loads(down.stdout)["dry_run"]
    assert list(directory.iterdir()) == []


def test_a_stack_starts_anew_after_an_end(directory: Path) -> None:
    """Nothing of an earlier account is left, also when its supervisor was killed."""
    place = Place(directory, REGION, "123456789012")
    first = lifecycle.up(place, dict(os.environ))
    Account(first).create_database()
    Account(first).settle()
    os.kill(first.supervisor_pid, signal.SIGKILL)
    assert has_ended(first.supervisor_pid)

    second = lifecycle.up(place, dict(os.environ))

    assert second.supervisor_pid != first.supervisor_pid
    assert lifecycle.services(second) == []


def test_ctrl_c_while_it_starts_leaves_nothing(directory: Path) -> None:
    """Whoever stops waiting does not get a stack they know nothing of."""
    with subprocess.Popen(
        [sys.executable, "-m", "gradectl.cli", "local", "up"],
        env={**os.environ, "GRADECTL_LOCAL_DIR": str(directory)},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        while not (directory / "supervisor.out").exists():
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
        os.killpg(process.pid, signal.SIGINT)

    assert process.returncode == 130
    assert not is_locked(directory)
    assert Stack.read(directory) is None
