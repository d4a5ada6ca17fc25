"""The demo as a newcomer runs it, in a copy of the project that meets nobody's running stack."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from gradectl.local import lifecycle
from gradectl.local.loopback import is_listening
from gradectl.local.stack import DIRECTORY_VARIABLE, Stack
from grader.adapters.activemq.connection import connect

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ("environments", "examples", "modules", "templates")
#: Settings of a developer's shell that would lead the commands somewhere else.
FOREIGN = ("AWS_", "GRADECTL_", "TF_", "KEEP")
SECONDS = 400  # a limit for a hung test, not a measurement


@dataclass(frozen=True)
class Project:
    """A copy of the project with a place of its own for its stack."""

    root: Path
    directory: Path
    environ: dict[str, str]

    def start_demo(self, **environ: str) -> subprocess.Popen[str]:
        """Start the demo as the leader of a process group, as a shell on a terminal does."""
        return subprocess.Popen(
            # A test run in the background would have it ignore Ctrl-C, which is inherited.
            ["env", "--default-signal=INT", sys.executable, "examples/demo"],
            cwd=self.root,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run gradectl to its end."""
        return subprocess.run(
            [sys.executable, "-m", "gradectl.cli", *arguments],
            cwd=self.root,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def ask(self, *arguments: str, code: int = 0) -> Any:
        """Run gradectl for its data; the test fails when it ends otherwise."""
        said = self.run("--output", "json", *arguments)
        assert said.returncode == code, said.stdout + said.stderr
        return json.loads(said.stdout)

    @property
    def stack(self) -> Stack:
        """The stack that runs now."""
        found = Stack.read(self.directory)
        assert found, "no stack runs"
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
        """Send a message as another producer than gradectl."""
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
        """Where the running stack listens, its workers included."""
        services = self.ask("local", "status")["services"]
        endpoints = [each["address"] for each in services if each["address"]]
        return [int(each.removesuffix("/health").rpartition(":")[2]) for each in endpoints]

    def leftovers(self) -> list[str]:
        """Every process that has to do with this project: by its words, place or variables."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                words = [*process.cmdline(), process.cwd(), *process.environ().values()]
                if any(
                    str(place) in word for place in (self.root, self.directory) for word in words
                ):
                    found.append(f"{process.pid} {process.name()}: {process.cmdline()}")
        return found

    def assert_nothing_is_left(self, ports: list[int]) -> None:
        """No process, no port, no lock, no stack."""
        assert self.leftovers() == []
        assert [port for port in ports if is_listening(port)] == []
        assert Stack.read(self.directory) is None


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A copy of what the demo needs, and at the end nothing of what it started."""
    root = tmp_path_factory.mktemp("project")
    for part in PARTS:
        shutil.copytree(REPOSITORY / part, root / part, ignore=shutil.ignore_patterns(".terraform"))
    directory = Path(tempfile.mkdtemp(prefix="gradectl-test-"))  # slot users cannot pass tmp_path
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN) or name == "GRADECTL_PLUGIN_DIR"
    }
    yield Project(root, directory, {**inherited, DIRECTORY_VARIABLE: str(directory)})
    lifecycle.down(directory)
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def ended() -> Callable[[subprocess.Popen[str]], str]:
    """Wait for a program's end, and give what it said that was not read yet."""

    def wait(process: subprocess.Popen[str]) -> str:
        try:
            return process.communicate(timeout=SECONDS)[0]
        except subprocess.TimeoutExpired:
            process.terminate()  # it ends what it has started
            process.wait(SECONDS)
            raise

    return wait
