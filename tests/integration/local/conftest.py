"""A running local stack with an empty account, and the resources that Terraform would create."""

from __future__ import annotations

import base64
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import boto3
import pytest

from gradectl.local import lifecycle
from gradectl.local.lifecycle import ServiceStatus
from gradectl.local.stack import Stack, StackLocation

ROOT = Path(__file__).resolve().parents[3]
REGION = "ap-northeast-2"
BROKER_XML = (ROOT / "tests" / "fixtures" / "broker.xml").read_text()
LONG = 300.0  # a limit for a hung test, not a measurement
#: A task that prints its environment, answers /health and exits on SIGTERM.
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


@pytest.fixture(name="aws")
def _aws(moto_server: str) -> Callable[[str], Any]:
    """Create clients of an emulated account without data planes."""
    return lambda service: client(moto_server, service)


def client(endpoint_url: str, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


@pytest.fixture(name="directory")
def _directory() -> Iterator[Path]:
    """A directory that box users can traverse, unlike `tmp_path`."""
    directory = Path(tempfile.mkdtemp(prefix="gradectl-test-"))
    directory.chmod(0o711)
    yield directory
    lifecycle.down(directory)
    shutil.rmtree(directory)


@pytest.fixture(name="location")
def _location(directory: Path) -> StackLocation:
    """The location of a stack that is not started."""
    return StackLocation(directory, REGION, "123456789012")


@pytest.fixture(name="stack")
def _stack(location: StackLocation) -> Stack:
    """A running stack with an empty account and no sandbox; stopped with its directory."""
    return lifecycle.up(location, dict(os.environ), build_sandbox=False)


class Account:
    """Creates in the emulated account the resources that Terraform would create."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def client(self, name: str) -> Any:
        """Return a client of one AWS service."""
        return client(self.stack.endpoint_url, name)

    def create_broker(self, xml: str = BROKER_XML) -> str:
        """Create a broker with a configuration; returns its id."""
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
        """Return the state of the broker from DescribeBroker."""
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
        """Register a task definition that runs Python code; returns its ARN."""
        definition = {
            "name": "grading-worker",
            "image": "unused",
            "command": [sys.executable, "-I", "-c", code],
            "environment": [{"name": "QUEUE_NAME", "value": "grading-requests"}],
            "stopTimeout": 10,
            **container,
        }
        registered = self.client("ecs").register_task_definition(
            family="local-grading-task",
            containerDefinitions=[definition],
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
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
        """Return the desired and the running count from DescribeServices."""
        found = self.client("ecs").describe_services(cluster="local-grading", services=["grading"])[
            "services"
        ][0]
        return found["desiredCount"], found["runningCount"]

    def until(self, condition: Callable[[list[ServiceStatus]], bool]) -> list[ServiceStatus]:
        """Wait until a condition holds for the services of the stack."""
        deadline = monotonic() + LONG
        while not condition(found := lifecycle.services(self.stack)):
            assert monotonic() < deadline, found
            lifecycle.is_settled(self.stack, 0.1)
        return found

    def settle(self) -> dict[str, ServiceStatus]:
        """Wait until all desired services run and are healthy."""
        assert any(lifecycle.is_settled(self.stack, 10) for _ in range(int(LONG / 10)))
        return {each.name: each for each in lifecycle.services(self.stack)}


@pytest.fixture(name="account")
def _account(stack: Stack) -> Account:
    """The account of a running stack."""
    return Account(stack)


@contextmanager
def an_account(*, build_sandbox: bool) -> Iterator[Account]:
    """The account of a stack of its own; workers start only with a sandbox."""
    directory = Path(tempfile.mkdtemp(prefix="gradectl-test-"))
    directory.chmod(0o711)
    try:
        location = StackLocation(directory, REGION, "123456789012")
        yield Account(lifecycle.up(location, dict(os.environ), build_sandbox=build_sandbox))
    finally:
        lifecycle.down(directory)
        shutil.rmtree(directory)


@pytest.fixture(name="shared_account", scope="module")
def _shared_account() -> Iterator[Account]:
    """The account of a stack that the tests of one file share."""
    with an_account(build_sandbox=False) as account:
        yield account


@pytest.fixture(name="account_of_workers", scope="module")
def _account_of_workers() -> Iterator[Account]:
    """The same, for workers that are real."""
    with an_account(build_sandbox=True) as account:
        yield account
