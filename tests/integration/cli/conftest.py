"""A small project for each test, deployed by the real gradectl to an emulated account."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

import boto3
import in_process
import jsonschema
import psutil
import pytest
import yaml
from small_schema import serve_small

from gradectl.adapters.terraform.locate import locate
from gradectl.adapters.terraform.mirror import prepare
from gradectl.adapters.terraform.shared import REATTACH
from gradectl.adapters.terraform.unattended import unattended
from gradectl.processes.tools import Tools

REPOSITORY = Path(__file__).resolve().parents[3]
FIXTURE = REPOSITORY / "tests" / "fixtures" / "project"
WITHOUT_PROVIDER = REPOSITORY / "tests" / "fixtures" / "root_without_provider.tf"
SCHEMAS = REPOSITORY / "docs" / "schemas" / "cli"
ACCOUNT = "123456789012"
SECONDS = 300  # a limit for a hung test, not a measurement


@dataclass(frozen=True)
class Project:
    """A project with one environment, in an account shared with other tests."""

    root: Path
    name: str
    endpoint: str
    environ: dict[str, str]
    started: list[subprocess.Popen[str]]

    @property
    def state_bucket(self) -> str:
        return f"{self.name}-gradectl-state-{ACCOUNT}"

    def configure(self, **changes: Any) -> None:
        """Write environment.yaml and render it; `variables` are the root's."""
        folder = self.root / "environments" / self.name
        folder.mkdir(exist_ok=True)
        content = {
            "schema_version": 1,
            "name": self.name,
            "account_id": ACCOUNT,
            "region": "ap-northeast-2",
            "emulated": True,
            **changes,
        }
        (folder / "environment.yaml").write_text(yaml.safe_dump(content))
        rendered = self.run("render", self.name)
        assert rendered.returncode == 0, rendered.stderr

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "gradectl.cli", *arguments]

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run gradectl in this process, which saves the time to start one."""
        done = in_process.run(self.root, {**self.environ, **environ}, *arguments)
        return subprocess.CompletedProcess(arguments, done.code, done.stdout, done.stderr)

    def run_process(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run gradectl in a process of its own, as users do, and wait until it ends."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start gradectl without waiting."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def client(self, service: str) -> Any:
        """A client of the emulated account."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="ap-northeast-2",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def state_keys(self) -> list[str]:
        """The object keys of the state bucket."""
        listing = self.client("s3").list_objects_v2(Bucket=self.state_bucket)
        return [item["Key"] for item in listing.get("Contents", [])]

    def state(self) -> str:
        """The state as it is stored."""
        answer = self.client("s3").get_object(Bucket=self.state_bucket, Key="terraform.tfstate")
        return str(answer["Body"].read().decode())


def _inherited() -> dict[str, str]:
    """The environment of the tests, without what decides about accounts and Terraform."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "GRADECTL_", "TF_", "GITHUB_"))
    }


@pytest.fixture(scope="session")
def served_provider(
    moto_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """
    One provider process for the emulated account: variables for the environment of gradectl.

    It halves the processor time of a plan, most of which is a checksum over 700 MB and the start
    of the provider. A command that is run with an empty TF_REATTACH_PROVIDERS starts its own, as
    it does for users.
    """
    top = tmp_path_factory.mktemp("provider")
    shutil.copy(FIXTURE / "environments" / "main.tf", top)
    kept = _inherited() | {
        name: os.environ[name] for name in ("GRADECTL_PLUGIN_DIR",) if name in os.environ
    }
    environ = {
        **kept,
        **prepare(kept, top / "data", top.parent / "plugin-cache"),
        **unattended(kept),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": moto_server,
        "AWS_SECRET_ACCESS_KEY": "testing",
        "TF_DATA_DIR": str(top / "data"),
    }
    subprocess.run(
        [*locate(environ).command, "init", "-backend=false"],
        cwd=top,
        env=environ,
        capture_output=True,
        check=True,
    )
    tools = Tools(environ)
    try:
        yield {REATTACH: serve_small(top / "data", tools)}
    finally:
        tools.stop()


@pytest.fixture
def project(tmp_path: Path, moto_server: str, served_provider: dict[str, str]) -> Iterator[Project]:
    """A project whose environment is rendered, and not yet applied; its state bucket exists."""
    shutil.copytree(FIXTURE, tmp_path / "project")
    shutil.copytree(REPOSITORY / "templates", tmp_path / "project" / "templates")
    environ = {
        **_inherited(),
        **served_provider,
        "GRADECTL_ENDPOINT_URL": moto_server,
        "GRADECTL_LOCAL_DIR": str(tmp_path / "no-stack"),
        **{name: os.environ[name] for name in ("GRADECTL_PLUGIN_DIR",) if name in os.environ},
    }
    name = f"t{uuid.uuid4().hex[:12]}"
    made = Project(tmp_path / "project", name, moto_server, environ, [])
    made.configure()
    made.client("s3").create_bucket(
        Bucket=made.state_bucket,
        CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"},
    )
    yield made
    for process in made.started:
        _end(process)


@pytest.fixture
def without_provider(project: Project) -> None:
    """
    Replace the root by one of two built-in resources.

    For tests of what gradectl does around Terraform: each of its commands then takes a tenth of a
    second, and not three seconds for the provider and its schema.
    """
    shutil.copy(WITHOUT_PROVIDER, project.root / "environments" / "main.tf")


@pytest.fixture
def bootstrapped(project: Project) -> None:
    """Create what `gradectl bootstrap` creates; most tests need only the bucket."""
    project.client("s3").delete_bucket(Bucket=project.state_bucket)
    done = project.run("bootstrap", project.name, "--yes")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def published() -> Callable[[str], Any]:
    """Parse a JSON document of gradectl and validate it against its published schema."""

    def check(text: str) -> Any:
        found = json.loads(text)
        schema = json.loads((SCHEMAS / f"{found['kind']}.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(found)
        return found

    return check


@pytest.fixture
def recorded(moto_server: str) -> Callable[[], AbstractContextManager[list[str]]]:
    """Record the calls to the emulated account, as `METHOD action path`."""

    def recorder(verb: str) -> bytes:
        method = "GET" if verb == "download" else "POST"
        url = f"{moto_server}/moto-api/recorder/{verb}-recording"
        with urlopen(Request(url, method=method)) as answer:
            return bytes(answer.read())

    @contextmanager
    def record() -> Iterator[list[str]]:
        calls: list[str] = []
        recorder("reset")
        recorder("start")
        try:
            yield calls
        finally:
            recorder("stop")
        calls += [_call(json.loads(line)) for line in recorder("download").splitlines()]

    return record


def _call(entry: dict[str, Any]) -> str:
    """Describe a recorded request; the action is in a header or in the form."""
    headers = {name.lower(): value for name, value in entry["headers"].items()}
    form = parse_qs(base64.b64decode(entry["body"] or "").decode(errors="replace"))
    action = headers.get("x-amz-target", "").rpartition(".")[2] or form.get("Action", ["-"])[0]
    return f"{entry['method']} {action} {entry['url']}"


@pytest.fixture
def until_line() -> Callable[[subprocess.Popen[str], str], str]:
    """Read gradectl's stderr until a line contains the words; returns everything read."""

    def read(process: subprocess.Popen[str], words: str) -> str:
        assert process.stderr
        said = ""
        for line in process.stderr:
            said += line
            if words in line:
                return said
        pytest.fail(f"gradectl ended without saying {words!r}: {said}")

    return read


@pytest.fixture
def descendants() -> Callable[[int], list[psutil.Process]]:
    """All descendants of a process, in any session."""
    return lambda pid: psutil.Process(pid).children(recursive=True)


def _end(process: subprocess.Popen[str]) -> None:
    """Kill the processes of a failed test, and close its pipes."""
    if process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
    process.communicate()
