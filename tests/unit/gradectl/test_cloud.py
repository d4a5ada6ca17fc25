"""Account and endpoint of a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.cloud import CloudContext
from gradectl.environment import Environment
from gradectl.errors import UnreachableError
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
