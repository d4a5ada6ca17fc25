"""Which environment is meant when nobody says so."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from gradectl.cloud import CloudContext
from gradectl.errors import ConfigurationError, UsageError
from gradectl.local.stack import Stack, make_directory, take_lock
from gradectl.options import GlobalOptions
from gradectl.target import select_environment

AddEnvironment = Callable[..., None]


@pytest.fixture
def add(tmp_path: Path) -> AddEnvironment:
    """Add an environment to the project."""

    def write(name: str, *, emulated: bool) -> None:
        folder = tmp_path / "project" / "environments" / name
        folder.mkdir(parents=True)
        content = {
            "schema_version": 1,
            "name": name,
            "account_id": "123456789012",
            "region": "ap-northeast-2",
            "emulated": emulated,
        }
        (folder / "environment.yaml").write_text(yaml.safe_dump(content))

    return write


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CloudContext:
    """A command in the project; the stack's directory is the test's own."""
    monkeypatch.setenv("GRADECTL_LOCAL_DIR", str(tmp_path / "stack"))
    return CloudContext(GlobalOptions(), dict(os.environ), tmp_path / "project")


@pytest.fixture
def running_stack(tmp_path: Path) -> Iterator[None]:
    """A local stack that runs, as far as others can see."""
    directory = tmp_path / "stack"
    make_directory(directory)
    lock = take_lock(directory)
    Stack(
        directory=directory,
        endpoint_url="http://localhost:1",
        region="ap-northeast-2",
        account_id="123456789012",
        ca_file=directory / "ca.pem",
        broker_endpoint="stomp+ssl://localhost:1",
        db_endpoint="127.0.0.1:1",
        supervisor_pid=os.getpid(),
    ).write()
    yield
    os.close(lock)


def test_the_one_that_is_named_is_meant(app: CloudContext, add: AddEnvironment) -> None:
    """Whether it runs here or not."""
    add("dev", emulated=False)
    add("local", emulated=True)

    target = select_environment(app, "dev")

    assert (target.name, target.bucket) == ("dev", "dev-grading-files")
    assert target.look_at == "gradectl smoke dev"


@pytest.mark.usefixtures("running_stack")
def test_the_only_one_that_runs_here_is_meant(app: CloudContext, add: AddEnvironment) -> None:
    """`gradectl queue inspect grading-dlq` needs no more on a laptop."""
    add("dev", emulated=False)
    add("local", emulated=True)

    target = select_environment(app, None)

    assert target.name == "local"
    assert target.look_at == "gradectl local status"


@pytest.mark.usefixtures("running_stack")
def test_two_that_run_here_must_be_told_apart(app: CloudContext, add: AddEnvironment) -> None:
    """A guess might send a job into the wrong one."""
    add("local", emulated=True)
    add("other", emulated=True)

    with pytest.raises(UsageError, match="several") as caught:
        select_environment(app, None)

    assert "local, other" in caught.value.next_step


def test_where_none_runs_one_must_be_named(app: CloudContext, add: AddEnvironment) -> None:
    """A deployed environment is never chosen by itself."""
    add("dev", emulated=False)

    with pytest.raises(UsageError, match="no local environment is running here") as caught:
        select_environment(app, None)

    assert "dev" in caught.value.next_step


def test_one_that_does_not_exist_is_said_not_to(app: CloudContext, add: AddEnvironment) -> None:
    """With the near one."""
    add("local", emulated=True)

    with pytest.raises(ConfigurationError, match="environment 'locla' not found") as caught:
        select_environment(app, "locla")

    assert "'local'" in caught.value.next_step
