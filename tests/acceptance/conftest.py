"""The demo in a copy of the project, with its own stack directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import in_process
import psutil
import pytest
from in_process import CommandResult
from small_schema import serve_small

from gradectl.adapters.terraform.shared import REATTACH
from gradectl.local import lifecycle
from gradectl.local.loopback import is_listening
from gradectl.local.stack import DIRECTORY_VARIABLE, Stack
from gradectl.processes.tools import Tools
from grader.adapters.activemq.connection import connect

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ("environments", "examples", "modules", "templates")
#: Prefixes of variables of a developer's shell that would change the commands.
EXCLUDED = ("AWS_", "GRADECTL_", "TF_", "KEEP", "IMAGE")
TIMEOUT_SECONDS = 1500  # ends a hung test; load 25 on two processors needs more than 400


@dataclass(frozen=True)
class Project:
    """A copy of the project with its own stack directory."""

    root: Path
    directory: Path
    environ: dict[str, str]

    def start_demo(self, **environ: str) -> subprocess.Popen[str]:
        """Start the demo as the leader of a process group, as a shell does."""
        return subprocess.Popen(
            # A test run in the background ignores SIGINT, and children inherit that.
            ["env", "--default-signal=INT", sys.executable, "examples/demo"],
            cwd=self.root,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def call(self, *arguments: str) -> CommandResult:
        """Run a command to its end in this process, which is faster."""
        return in_process.run(self.root, self.environ, *arguments)

    def ask(self, *arguments: str, code: int = 0) -> Any:
        """Run a command in this process and parse its output; fails on another exit code."""
        done = self.call("--output", "json", *arguments)
        assert done.code == code, done.stdout + done.stderr
        return done.document

    @contextmanager
    def serving(self, folder: Path) -> Iterator[Project]:
        """
        Start the provider of the applied environment once, for all commands of the block.

        Args:
            folder: Working folder of the provider, outside of the project.
        """
        (data,) = self.root.glob(".gradectl/*/terraform/providers")
        (folder / "providers").symlink_to(data)
        credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        variables = {
            **{name: text for name, text in self.environ.items() if name != DIRECTORY_VARIABLE},
            **credentials,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.stack.endpoint_url,
        }
        tools = Tools(variables)
        try:
            served = serve_small(folder, tools)
            yield replace(self, environ={**self.environ, REATTACH: served})
        finally:
            tools.stop()

    @property
    def stack(self) -> Stack:
        """The running stack."""
        found = Stack.read(self.directory)
        assert found, "no stack is running"
        return found

    def client(self, service: str) -> Any:
        """A client of the emulated account."""
        return boto3.client(
            service,
            endpoint_url=self.stack.endpoint_url,
            region_name=self.stack.region,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def send(self, queue: str, body: bytes) -> None:
        """Send a message with a plain STOMP client."""
        names = [f"/local/mq/{key}" for key in ("username", "password")]
        found = self.client("ssm").get_parameters(Names=names, WithDecryption=True)["Parameters"]
        value = {each["Name"]: each["Value"] for each in found}
        stack = self.stack
        access = (value[name] for name in names)
        connection = connect([stack.broker_endpoint], *access, ca_file=stack.ca_file)
        try:
            connection.send(queue, body, {"persistent": "true"})
        finally:
            connection.close()

    def ports(self) -> list[int]:
        """Return the ports of the running stack, including those of its workers."""
        services = self.ask("local", "status")["services"]
        endpoints = [each["address"] for each in services if each["address"]]
        return [int(each.removesuffix("/health").rpartition(":")[2]) for each in endpoints]

    def remaining_processes(self) -> list[str]:
        """List processes whose arguments, directory or environment mention this project."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                texts = [*process.cmdline(), process.cwd(), *process.environ().values()]
                if any(
                    str(folder) in text for folder in (self.root, self.directory) for text in texts
                ):
                    found.append(f"{process.pid} {process.name()}: {process.cmdline()}")
        return found

    def assert_nothing_is_left(self, ports: list[int]) -> None:
        """Assert that there is no process, no port in use and no stack."""
        assert self.remaining_processes() == []
        assert [port for port in ports if is_listening(port)] == []
        assert Stack.read(self.directory) is None


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A copy of the files that the demo needs; its stack is stopped afterwards."""
    root = tmp_path_factory.mktemp("project")
    for part in PARTS:
        shutil.copytree(REPOSITORY / part, root / part, ignore=shutil.ignore_patterns(".terraform"))
    # Box users cannot traverse tmp_path.
    directory = Path(tempfile.mkdtemp(prefix="gradectl-test-"))
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(EXCLUDED) or name == "GRADECTL_PLUGIN_DIR"
    }
    yield Project(root, directory, {**inherited, DIRECTORY_VARIABLE: str(directory)})
    lifecycle.down(directory)
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def ended() -> Callable[[subprocess.Popen[str]], str]:
    """Wait until a program has ended, and return its remaining output."""

    def wait(process: subprocess.Popen[str]) -> str:
        try:
            return process.communicate(timeout=TIMEOUT_SECONDS)[0]
        except subprocess.TimeoutExpired:
            process.terminate()  # it stops its commands
            process.wait(TIMEOUT_SECONDS)
            raise

    return wait
