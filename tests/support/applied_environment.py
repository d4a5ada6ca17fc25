"""An environment as an apply leaves it, with real engines, for tests of commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import in_process
import jsonschema
import pymysql
import yaml
from in_process import CommandResult

from gradectl.adapters.broker import BrokerAccess, StompBroker, open_broker
from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.find import Engines
from gradectl.local.testing import RunningBroker, RunningDatabase, running_broker

FIXTURES = Path(__file__).parents[1] / "fixtures"
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas" / "cli"
REGION = "ap-northeast-2"
ACCOUNT = "123456789012"


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process that a failed test left running, and close its pipes."""
    if process.poll() is None:
        process.kill()
    process.communicate()


class PublishedResult(CommandResult):
    """A result whose document is checked where it has a published schema."""

    @property
    def document(self) -> Any:
        """The output as JSON."""
        found = super().document
        schema = SCHEMAS / f"{found['kind']}.json"
        if schema.exists():
            content = json.loads(schema.read_text())
            jsonschema.Draft202012Validator(content).validate(found)
        return found


@dataclass
class Applied:
    """An applied environment: its project, account, broker and database."""

    root: Path
    name: str
    endpoint_url: str
    broker: RunningBroker
    database: RunningDatabase
    ca_file: Path
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def bucket(self) -> str:
        """Name of its bucket."""
        return f"{self.name}-grading-files"

    @property
    def credentials(self) -> dict[str, str]:
        """Variables to reach the emulated account."""
        return {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "PATH": os.environ["PATH"],
        }

    def environ(self, **changes: str) -> dict[str, str]:
        """Variables of a user's shell."""
        usual = {
            **self.credentials,
            "SSL_CERT_FILE": str(self.ca_file),
            "GRADECTL_ENVIRONMENT": self.name,
            "GRADECTL_LOCAL_DIR": str(self.root / "no-stack"),
            "HOME": str(self.root),
        }
        return {key: value for key, value in {**usual, **changes}.items() if value}

    def gradectl(self, *arguments: str, **environ: str) -> PublishedResult:
        """Run a command in this process."""
        done = in_process.run(self.root, self.environ(**environ), *arguments)
        return PublishedResult(done.code, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in its own process, for interruptions."""
        process = subprocess.Popen(
            [sys.executable, "-m", "gradectl.cli", *arguments],
            cwd=self.root,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.stack.callback(kill, process)
        return process

    def client(self, service: str) -> Any:
        """A client of the emulated account."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def set_parameter(self, part: str, value: str) -> None:
        """Write a parameter such as `mq/username`."""
        self.client("ssm").put_parameter(
            Name=f"/{self.name}/{part}", Value=value, Type="SecureString", Overwrite=True
        )

    def stored(self) -> list[str]:
        """The keys of all objects in the bucket."""
        listing = self.client("s3").list_objects_v2(Bucket=self.bucket)
        return [item["Key"] for item in listing.get("Contents", [])]

    def open_broker(self) -> StompBroker:
        """Connect to the broker until the end of the test."""
        running = self.broker
        access = BrokerAccess(running.endpoint, running.user, running.password, running.ca_file)
        return self.stack.enter_context(open_broker(access))

    def worker_environment(self, launcher: Path) -> dict[str, str]:
        """The variables that the task definition and the platform give a worker."""
        parts = {
            "MQ_ENDPOINT_PARAM": "mq/broker-endpoint",
            "MQ_USERNAME_PARAM": "mq/username",
            "MQ_PASSWORD_PARAM": "mq/password",
            **{f"DB_{key.upper()}_PARAM": f"db/{key}" for key in ("endpoint", "name", "username")},
            "DB_PASSWORD_PARAM": "db/password",
        }
        return {
            **self.credentials,
            **{key: f"/{self.name}/{part}" for key, part in parts.items()},
            "SSL_CERT_FILE": str(self.ca_file),
            "ENVIRONMENT": self.name,
            "GRADING_BUCKET": self.bucket,
            "HEALTH_PORT": "0",
            "LAUNCHER_PATH": str(launcher),
        }


@contextmanager
def running_queues(engines: Engines, directory: Path) -> Iterator[RunningBroker]:
    """A broker with the public queue names for the block."""
    user = BrokerUser("grader", "a-Password-for-tests-1")
    broker = BrokerSpec("operating", (FIXTURES / "broker.xml").read_text(), [user])
    with running_broker(engines, directory, broker) as running:
        yield running


@contextmanager
def empty_database(mariadb: RunningDatabase) -> Iterator[RunningDatabase]:
    """A database without tables for the block."""
    name = f"t_{uuid.uuid4().hex}"
    connection = pymysql.connect(
        host="127.0.0.1", port=mariadb.port, user=mariadb.user, password=mariadb.password
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield RunningDatabase(mariadb.endpoint, mariadb.port, mariadb.user, mariadb.password, name)
        cursor.execute(f"DROP DATABASE {name}")


def make_environment(
    broker: RunningBroker,
    database: RunningDatabase,
    endpoint_url: str,
    make_folder: Callable[[str], Path],
) -> Applied:
    """
    Create an environment with the bucket, parameters and environment.yaml of an apply.

    Args:
        broker: Its broker.
        database: Its database.
        endpoint_url: Its account.
        make_folder: Makes a temporary folder, from its name.
    """
    name = f"t{uuid.uuid4().hex[:12]}"
    root = make_folder(name)
    applied = Applied(root, name, endpoint_url, broker, database, broker.ca_file)
    folder = root / "environments" / name
    folder.mkdir(parents=True)
    content = {"name": name, "account_id": ACCOUNT, "region": REGION, "emulated": True}
    (folder / "environment.yaml").write_text(yaml.safe_dump({"schema_version": 1, **content}))
    applied.client("s3").create_bucket(
        Bucket=applied.bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    values = {
        "mq/broker-endpoint": broker.endpoint,
        "mq/username": broker.user,
        "mq/password": broker.password,
        "db/endpoint": database.endpoint,
        "db/name": database.name,
        "db/username": database.user,
        "db/password": database.password,
    }
    for part, value in values.items():
        applied.set_parameter(part, value)
    return applied
