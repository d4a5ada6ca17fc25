"""Workers that stopped before the broker had their user are deployed again, and no others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gradectl.adapters.aws.ecs_models import EcsDeployment, EcsService
from gradectl.rollouts.redeploy import (
    WorkerService,
    plan_redeployment,
    redeploy_failed,
    service_of,
)
from gradectl.ui import Ui

FAMILY = "arn:aws:ecs:eu-west-1:123456789012:task-definition/exams-grading-task"
OLD, NEW, PIPELINE = f"{FAMILY}:7", f"{FAMILY}:8", f"{FAMILY}:9"
OUTPUTS = {
    "cluster_name": "exams-cluster",
    "service_name": "exams-service",
    "task_definition_arn": NEW,
}


def service(rollout: str, task_definition: str = NEW, running: int = 2) -> EcsService:
    """A service with one deployment, of two tasks."""
    deployed = EcsDeployment("ecs-svc/2", task_definition, rollout=rollout)
    return EcsService("exams-service", 2, running, 0, task_definition, (deployed,))


def account(found: EcsService | None) -> Any:
    """An in-memory fake of an account with one service; records what is deployed."""
    deployed: list[tuple[str, ...]] = []

    def find(*where: str) -> EcsService | None:
        assert where == ("exams-cluster", "exams-service")
        return found

    def deploy(*what: str) -> str:
        deployed.append(what)
        return "ecs-svc/3"

    return SimpleNamespace(services=SimpleNamespace(find=find, deploy=deploy), deployed=deployed)


def reason(found: EcsService | None, *, users_changed: bool, **outputs: Any) -> str:
    """Why the workers are deployed again; empty when they are not."""
    workers = service_of({**OUTPUTS, **outputs})
    assert workers is not None
    planned = plan_redeployment(account(found), workers, users_changed=users_changed)
    return str(planned) if planned else ""


@pytest.mark.parametrize("users_changed", [False, True])
@pytest.mark.parametrize(
    ("found", "why"),
    [
        (service("FAILED"), "the deployment failed"),
        (service("COMPLETED", OLD), "ECS rolled it back"),
    ],
    ids=["stopped", "rolled back"],
)
def test_a_deployment_that_ecs_gave_up_is_repeated(
    found: EcsService, why: str, *, users_changed: bool
) -> None:
    """Also when the users were already right: ECS does not try again by itself."""
    said = reason(found, users_changed=users_changed)

    assert said.startswith("exams-grading-task:8 again: ")
    assert why in said


@pytest.mark.parametrize(
    "found", [service("IN_PROGRESS", running=0), service("COMPLETED", running=1)]
)
def test_workers_that_do_not_run_are_deployed_again_once_the_broker_has_their_user(
    found: EcsService,
) -> None:
    """ECS waits up to 15 minutes between two starts of a task that exits at once."""
    assert reason(found, users_changed=True)
    assert not reason(found, users_changed=False)


@pytest.mark.parametrize("users_changed", [False, True])
def test_running_workers_keep_their_jobs(*, users_changed: bool) -> None:
    """They read a new password when the broker refuses the old one."""
    assert not reason(service("COMPLETED"), users_changed=users_changed)


def test_a_revision_of_a_pipeline_is_not_taken_for_a_rollback() -> None:
    """Without the output task_definition_arn, what is deployed is what should be."""
    found = service("COMPLETED", PIPELINE)
    failed = service("FAILED", PIPELINE)

    assert not reason(found, users_changed=False, task_definition_arn=None)
    assert reason(failed, users_changed=False, task_definition_arn=None).startswith(
        "exams-grading-task:9 again: "
    )


@pytest.mark.parametrize("missing", ["cluster_name", "service_name"])
def test_a_root_without_workers_has_no_service(missing: str) -> None:
    """For example a root with only a broker."""
    assert service_of({**OUTPUTS, missing: None}) is None
    assert redeploy_failed(account(None), Ui("table", {}), {}) is False
    assert reason(None, users_changed=True) == ""


def test_an_apply_deploys_a_failed_deployment_again(capsys: pytest.CaptureFixture[str]) -> None:
    """The same revision, and it says why."""
    aws = account(service("FAILED"))

    assert redeploy_failed(aws, Ui("table", {}), OUTPUTS) is True

    assert aws.deployed == [("exams-cluster", "exams-service", NEW)]
    assert "deploying exams-grading-task:8 again: the deployment failed" in capsys.readouterr().err


def test_a_deployment_is_followed_in_the_root_that_it_belongs_to() -> None:
    """A root of somebody's own has no environment name for the next step of errors."""
    workers = WorkerService("exams-cluster", "exams-service", NEW)
    aws = account(service("FAILED"))
    planned = plan_redeployment(aws, workers, users_changed=True)
    assert planned is not None

    rollout = planned.start(aws, Ui("table", {}))

    assert (rollout.deployment_id, rollout.environment) == ("ecs-svc/3", "")
