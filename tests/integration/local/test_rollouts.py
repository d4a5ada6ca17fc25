"""Deployments of real processes are waited for by the code that waits for ECS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.errors import GradectlError
from gradectl.local.layout import StackLayout
from gradectl.monitoring.environment_logs import lines_of_failed_workers
from gradectl.monitoring.log_sources import FileSource
from gradectl.rollouts.rollout import Rollout, wait_for
from gradectl.ui import Ui

pytestmark = pytest.mark.engine
CRASHING = """
import sys, datetime
now = datetime.datetime.now(datetime.timezone.utc)
print(f"[{str(now)[:19]}] ERROR: the broker\\x1b[31m does not answer", flush=True)
sys.exit(69)
"""
LONG = 300.0  # a limit for a hung test, not a measurement
CHECK = {"command": ["CMD", "grader", "health"]}


@pytest.fixture
def deploy(account: Any) -> Callable[[str], Rollout]:
    """Deploy a task definition to the service of the stack."""
    settings = AwsSettings(
        region=account.stack.region,
        account_id=account.stack.account_id,
        endpoint_url=account.stack.endpoint_url,
        access_key_id="testing",
        secret_access_key="testing",
    )
    account.aws = Aws(settings)

    def start(task_definition: str) -> Rollout:
        identity = account.aws.services.deploy("local-grading", "grading", task_definition)
        return Rollout("local-grading", "grading", task_definition, identity)

    return start


def test_a_deployment_completes_when_its_own_tasks_are_healthy(
    account: Any, deploy: Callable[[str], Rollout]
) -> None:
    """The tasks are listed with the deployment that started them."""
    account.create_service(account.register(), 2)
    account.settle()

    rollout = deploy(account.register(healthCheck=CHECK))
    service = wait_for(account.aws, Ui("table", {}), rollout, LONG)

    assert service.running == 2
    assert [each.deployment_id for each in service.deployments] == [rollout.deployment_id]
    tasks = account.aws.services.tasks("local-grading", "grading")
    assert [(each.deployment_id, each.health) for each in tasks] == [
        (rollout.deployment_id, "HEALTHY")
    ] * 2
    history = account.aws.services.history("local-grading", "grading", "grading-worker")
    assert [each.status for each in history] == ["SUCCESSFUL", "SUCCESSFUL"]


def test_a_crashing_worker_fails_the_deployment_with_its_reasons(
    account: Any, deploy: Callable[[str], Rollout]
) -> None:
    """The exit code, and the last line of its log without control characters."""
    account.create_service(account.register(), 1)
    account.settle()
    folder = StackLayout(account.stack.directory).control_plane_log.parent

    rollout = deploy(account.register(CRASHING, healthCheck=CHECK))
    account.until(lambda found: any(each.restarts > 0 for each in found))
    with pytest.raises(GradectlError) as caught:
        wait_for(
            account.aws,
            Ui("table", {}),
            rollout,
            0,
            last_log_lines=lines_of_failed_workers(FileSource(folder, "grading")),
        )

    assert "exit code 69" in caught.value.what
    assert "last lines of the workers:" in caught.value.what
    assert "ERROR: the broker" in caught.value.what
    assert "\x1b" not in caught.value.what
