"""Account and endpoint of a command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gradectl.cloud import CloudContext
from gradectl.environment import Environment
from gradectl.errors import UnreachableError
from gradectl.local.stack import Stack, make_directory, take_lock
from gradectl.options import GlobalOptions

REAL = {"AWS_PROFILE": "mine", "AWS_SESSION_TOKEN": "real", "AWS_ACCESS_KEY_ID": "real"}


def environment(*, emulated: bool) -> Environment:
    return Environment(
        schema_version=1,
        name="dev",
        account_id="123456789012",
        region="eu-west-1",
        emulated=emulated,
    )


def context(tmp_path: Path, environ: dict[str, str], **options: object) -> CloudContext:
    (tmp_path / "environments").mkdir(exist_ok=True)
    given = GlobalOptions(**options)  # type: ignore[arg-type]  # by name
    return CloudContext(given, environ, tmp_path)


def test_no_real_credentials_go_to_an_emulator(tmp_path: Path) -> None:
    """Terraform gets the emulator's usual ones instead."""
    app = context(tmp_path, REAL, endpoint_url="http://localhost:1")

    found = app.child_environment(environment(emulated=True))

    assert "real" not in found.values()
    assert "AWS_PROFILE" not in found
    assert found["AWS_ENDPOINT_URL"] == "http://localhost:1"


def test_a_real_environment_inherits_the_users_credentials(tmp_path: Path) -> None:
    """A flag overrides the variable."""
    found = context(tmp_path, REAL).child_environment(environment(emulated=False))
    assert found["AWS_PROFILE"] == "mine"
    assert found["AWS_REGION"] == "eu-west-1"

    flagged = context(tmp_path, REAL, profile="other")
    assert flagged.child_environment(environment(emulated=False))["AWS_PROFILE"] == "other"


def test_an_emulated_environment_never_falls_back_to_the_cloud(tmp_path: Path) -> None:
    """Without the local stack it is an error."""
    with pytest.raises(UnreachableError) as caught:
        context(tmp_path, {}).aws(environment(emulated=True))

    assert caught.value.next_step == "gradectl local up"


def test_the_target_is_printed_before_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Account, region and environment, in one line."""
    context(tmp_path, {}).announce(environment(emulated=False))

    assert capsys.readouterr().err == "account 123456789012  region eu-west-1  environment dev\n"


def test_the_running_stack_is_read_once(tmp_path: Path) -> None:
    """All parts of one command see the same stack, even when it stops meanwhile."""
    directory = tmp_path / "stack"
    make_directory(directory)
    lock = take_lock(directory)
    stack = Stack(
        directory=directory,
        endpoint_url="http://localhost:1",
        region="eu-west-1",
        account_id="123456789012",
        ca_file=directory / "ca.pem",
        broker_endpoint="stomp+ssl://localhost:1",
        db_endpoint="127.0.0.1:1",
        supervisor_pid=os.getpid(),
    )
    stack.write()
    app = context(tmp_path, {"GRADECTL_LOCAL_DIR": str(directory)})

    assert app.stack(environment(emulated=True)) == stack
    stack.withdraw()
    os.close(lock)

    assert app.stack(environment(emulated=True)) == stack
    assert app.stack(environment(emulated=False)) is None
