"""The workers' module with all that it can do, made for real in an emulated account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from gradectl.local.testing import running_control_plane

FILES = Path(__file__).with_name("workers")
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
WAITS_AT_ONCE = "-parallelism=30"

pytestmark = pytest.mark.engine


@pytest.fixture(name="account")
def _account(tmp_path: Path) -> Iterator[str]:
    """The URL of an AWS API that no other test changes."""
    with running_control_plane(tmp_path) as url:
        yield url


@pytest.fixture(name="folder")
def _folder(terraform_folder: Callable[..., Any], account: str) -> Any:
    """A root that calls the module three times, ready to be applied."""
    files = {path.name: path.read_text() for path in FILES.glob("*.tf")}
    folder = terraform_folder("workers", files).within(AWS_ENDPOINT_URL=account)
    folder.run("init", "-no-color")
    return folder


def test_what_is_applied_is_what_the_next_plan_finds(folder: Any, account: str) -> None:
    """
    Made, changed and removed in one test, because each takes long: no plan after an apply finds a
    difference, whatever is turned on, and whatever is changed where it stands.
    """
    ecs = boto3.client("ecs", "ap-northeast-2", endpoint_url=account, **KEYS)

    apply(folder)
    assert placement(ecs, "spot") == {"FARGATE": 1, "FARGATE_SPOT": 3}
    assert placement(ecs, "instances") == {"instances-grading": 1}
    assert service(ecs, "everything")["enableExecuteCommand"]
    assert not [each for each in replaced(folder, "-var=changed=true") if "ecs_service" in each]

    apply(folder, "-var=changed=true")
    assert not service(ecs, "everything")["enableExecuteCommand"]
    assert service(ecs, "everything")["deploymentConfiguration"]["maximumPercent"] == 200
    again = replaced(folder, "-var=changed=true", "-replace=module.spot.aws_ecs_service.this")
    assert again == {
        "module.spot.aws_ecs_service.this",
        "module.spot.aws_appautoscaling_target.this",
        "module.spot.aws_appautoscaling_policy.queue_depth[0]",
        'module.spot.aws_appautoscaling_policy.resource["cpu"]',
        'module.spot.aws_appautoscaling_policy.resource["memory"]',
    }, "AWS deletes what scales a service together with it"

    folder.run("destroy", "-no-color", "-auto-approve", WAITS_AT_ONCE)
    assert folder.run("state", "list").strip() == ""


def apply(folder: Any, *words: str) -> None:
    """Apply, and plan again: nothing may be left to change."""
    folder.run("apply", "-no-color", "-auto-approve", WAITS_AT_ONCE, *words)
    done = folder.attempt("plan", "-no-color", "-detailed-exitcode", *words)
    assert done.returncode == 0, done.stdout + done.stderr


def service(ecs: Any, name: str) -> dict[str, Any]:
    """Give what DescribeServices says of a service."""
    found = ecs.describe_services(
        cluster=f"{name}-grading-cluster", services=[f"{name}-grading-service"]
    )
    described: dict[str, Any] = found["services"][0]
    return described


def replaced(folder: Any, *words: str) -> set[str]:
    """Give the addresses of what a plan would delete and make again."""
    changes = folder.plan(*words)["resource_changes"]
    return {each["address"] for each in changes if "delete" in each["change"]["actions"]}


def placement(ecs: Any, name: str) -> dict[str, int]:
    """Give the weight of each capacity provider of a service."""
    strategy = service(ecs, name)["capacityProviderStrategy"]
    return {each["capacityProvider"]: each["weight"] for each in strategy}
