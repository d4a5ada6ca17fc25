"""After a deployment that does not work, the way back is offered, or the reason for none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gradectl.deploy.deploy_steps import DeployOptions, DeploySteps
from gradectl.deploy.way_back import offer
from gradectl.environment import Environment
from gradectl.errors import CheckFailedError, PermissionDeniedError

DEV = Environment(schema_version=1, name="dev", account_id="123456789012", region="eu-west-1")


class Unreadable:
    """An account without the right to read its services."""

    def find(self, *_names: str) -> None:
        raise PermissionDeniedError("DescribeServices: AccessDenied")


def account(services: Any) -> Any:
    """An account with these services."""
    return SimpleNamespace(services=services)


def test_without_workers_there_is_no_way_back() -> None:
    """It says so instead of offering a command that would fail."""
    nothing = account(SimpleNamespace(find=lambda *_names: None))

    assert offer(nothing, DEV) == "there is no way back: the environment has no workers"


def test_a_read_that_fails_does_not_hide_the_cause() -> None:
    """The command that shows the revisions is named instead."""
    found = offer(account(Unreadable()), DEV)

    assert "could not be read: DescribeServices: AccessDenied" in found
    assert found.endswith("gradectl revisions dev")


def test_a_failed_smoke_test_keeps_its_error_and_adds_the_way_back() -> None:
    """The report has the text of the error."""
    services = SimpleNamespace(find=lambda *_names: None)
    deployment: Any = SimpleNamespace(
        app=SimpleNamespace(ui=None), aws=account(services), environment=DEV
    )

    def smoke() -> str:
        raise CheckFailedError("no result arrived", next_step="gradectl doctor dev")

    steps = DeploySteps(deployment, DeployOptions(), image=lambda: "", smoke=smoke)
    with pytest.raises(CheckFailedError) as caught:
        steps.smoke()

    assert caught.value.what.splitlines() == [
        "no result arrived",
        "there is no way back: the environment has no workers",
    ]
    assert caught.value.next_step == "gradectl doctor dev"
