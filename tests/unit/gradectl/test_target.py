"""Selecting the environment without --environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from gradectl.cloud import CloudContext
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, PermissionDeniedError, UsageError
from gradectl.local.stack import Stack, make_directory, take_lock
from gradectl.options import GlobalOptions
from gradectl.target import EnvironmentClient, select_environment
from grader.contract.names import TransportName

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
    """The context of a command, with a stack directory of the test."""
    monkeypatch.setenv("GRADECTL_LOCAL_DIR", str(tmp_path / "stack"))
    return CloudContext(GlobalOptions(), dict(os.environ), tmp_path / "project")


@pytest.fixture
def started_for() -> str:
    """The environment that the running stack was started for."""
    return ""


@pytest.fixture
def running_stack(tmp_path: Path, started_for: str) -> Iterator[None]:
    """A local stack that appears to be running."""
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
        environment=started_for,
    ).write()
    yield
    os.close(lock)


def test_a_named_environment_is_selected(app: CloudContext, add: AddEnvironment) -> None:
    """It need not run here."""
    add("dev", emulated=False)
    add("local", emulated=True)

    target = select_environment(app, "dev")

    assert (target.name, target.bucket) == ("dev", "dev-grading-files")
    assert target.look_at == "gradectl smoke dev"


@pytest.mark.usefixtures("running_stack")
def test_the_only_running_environment_is_selected(app: CloudContext, add: AddEnvironment) -> None:
    """`gradectl queue inspect grading-dlq` is enough on a laptop."""
    add("dev", emulated=False)
    add("local", emulated=True)

    target = select_environment(app, None)

    assert target.name == "local"
    assert target.look_at == "gradectl local status"


@pytest.mark.usefixtures("running_stack")
def test_of_two_running_environments_one_must_be_named(
    app: CloudContext, add: AddEnvironment
) -> None:
    """A guess could send a job to the wrong one."""
    add("local", emulated=True)
    add("other", emulated=True)

    with pytest.raises(UsageError, match="several") as caught:
        select_environment(app, None)

    assert "local, other" in caught.value.next_step


@pytest.mark.usefixtures("running_stack")
@pytest.mark.parametrize("started_for", ["local-sqs", "gone"])
def test_the_environment_that_the_stack_was_started_for_is_selected(
    app: CloudContext, add: AddEnvironment, started_for: str
) -> None:
    """Two environments of one account do not run at once, unless they share a stack."""
    add("local", emulated=True)
    add("local-sqs", emulated=True)

    if started_for == "local-sqs":
        assert select_environment(app, None).name == "local-sqs"
    else:
        with pytest.raises(UsageError, match="several"):
            select_environment(app, None)


def test_without_a_running_environment_one_must_be_named(
    app: CloudContext, add: AddEnvironment
) -> None:
    """A deployed environment is never selected by default."""
    add("dev", emulated=False)

    with pytest.raises(UsageError, match="no local environment is running here") as caught:
        select_environment(app, None)

    assert "dev" in caught.value.next_step


def test_an_unknown_environment_is_an_error(app: CloudContext, add: AddEnvironment) -> None:
    """The error suggests a similar name."""
    add("local", emulated=True)

    with pytest.raises(ConfigurationError, match="environment 'locla' not found") as caught:
        select_environment(app, "locla")

    assert "'local'" in caught.value.next_step


@pytest.mark.parametrize(
    ("existing", "named", "absent"),
    [
        ((TransportName.ACTIVEMQ,), ["/exams/mq/{broker-endpoint,"], ["/exams/sqs/"]),
        ((TransportName.SQS,), ["/exams/sqs/{active,requests-url,"], ["/exams/mq/"]),
        ((), ["/exams/mq/{broker-endpoint,", " or /exams/sqs/{active,requests-url,"], []),
        (None, ["/exams/mq/{broker-endpoint,", " or /exams/sqs/{active,requests-url,"], []),
    ],
)
def test_the_parameters_of_an_external_environment_are_those_of_its_transport(
    app: CloudContext,
    existing: tuple[TransportName, ...] | None,
    named: list[str],
    absent: list[str],
) -> None:
    """Its Terraform sets them, not `gradectl apply`; without an answer of SSM both are named."""
    environment = Environment(
        schema_version=1,
        name="exams",
        account_id="123456789012",
        region="ap-northeast-2",
        terraform="external",
    )
    target = EnvironmentClient(app, environment)
    target.__dict__["aws"] = Parameters(existing)

    with pytest.raises(ConfigurationError) as caught, target.own_advice():
        raise ConfigurationError("nothing there", where="SSM", next_step="gradectl apply exams")

    advice = caught.value.next_step
    assert "gradectl apply" not in advice
    assert "/exams/db/{endpoint," in advice
    assert all(each in advice for each in named), advice
    assert not any(each in advice for each in absent), advice


class Parameters:
    """SSM with the parameters of transports; None without the right to read them."""

    def __init__(self, existing: tuple[TransportName, ...] | None) -> None:
        self._existing = existing

    def parameters_if_any(self, names: Sequence[str]) -> dict[str, str]:
        """Read those that exist."""
        if self._existing is None:
            raise PermissionDeniedError("not allowed", where="SSM")
        parts = ["mq" if each is TransportName.ACTIVEMQ else "sqs" for each in self._existing]
        return {name: "true" for name in names if name.split("/")[2] in parts}
