"""Workers that stopped before the broker had their user are deployed again, and no others."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from gradectl.adapters.aws.ecs_models import EcsDeployment, EcsService, PastDeployment
from gradectl.rollouts.redeploy import (
    WorkerService,
    last_deployed,
    plan_again,
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


NOW = datetime(2026, 11, 30, tzinfo=UTC)
ROLLED_BACK = (
    PastDeployment(NEW, "ROLLBACK_SUCCESSFUL", NOW),
    PastDeployment(OLD, "SUCCESSFUL", NOW),
)


def service(
    rollout: str, task_definition: str = NEW, running: int = 2, failed: int = 0, desired: int = 2
) -> EcsService:
    """A service with one deployment."""
    deployed = EcsDeployment("ecs-svc/2", task_definition, rollout=rollout, failed=failed)
    return EcsService("exams-service", desired, running, 0, task_definition, (deployed,))


def account(found: EcsService | None, history: tuple[PastDeployment, ...] = ()) -> Any:
    """An in-memory fake of an account with one service; records what is deployed."""
    deployed: list[tuple[str, ...]] = []

    def find(*where: str) -> EcsService | None:
        assert where == ("exams-cluster", "exams-service")
        return found

    def deploy(*what: str) -> str:
        deployed.append(what)
        return "ecs-svc/3"

    def past(cluster: str, name: str, _container: str) -> tuple[PastDeployment, ...]:
        assert (cluster, name) == ("exams-cluster", "exams-service")
        return history

    services = SimpleNamespace(find=find, deploy=deploy, history=past)
    return SimpleNamespace(services=services, deployed=deployed)


def reason(found: EcsService | None, *, users_changed: bool, **outputs: Any) -> str:
    """Why the workers are deployed again; empty when they are not."""
    workers = service_of({**OUTPUTS, **outputs})
    assert workers is not None
    aws = account(found, ROLLED_BACK)
    planned = plan_redeployment(aws, Ui("table", {}), workers, users_changed=users_changed)
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
    "found",
    [
        service("IN_PROGRESS", running=0),
        service("COMPLETED", running=0),
        service("IN_PROGRESS", running=2, failed=3),  # for the moment before they exit
    ],
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

    assert not reason(found, users_changed=True, task_definition_arn=None)
    assert reason(failed, users_changed=True, task_definition_arn=None).startswith(
        "exams-grading-task:9 again: "
    )


def test_a_failed_deployment_of_a_pipeline_is_left_to_it_unless_users_change() -> None:
    """An apply cannot know why it failed, and must not repeat somebody else's broken image."""
    aws = account(service("FAILED", PIPELINE))
    outputs = {**OUTPUTS, "task_definition_arn": None}

    assert redeploy_failed(aws, Ui("table", {}), outputs) is False
    assert not reason(service("FAILED", PIPELINE), users_changed=False, task_definition_arn=None)
    assert aws.deployed == []


OTHER_FAMILY = NEW.replace("exams-grading-task:8", "exams-web-task:7")
BY_HAND = (PastDeployment(OLD, "SUCCESSFUL", NOW), *ROLLED_BACK)


@pytest.mark.parametrize("users_changed", [False, True])
@pytest.mark.parametrize(
    ("running", "history"),
    [
        (PIPELINE, ROLLED_BACK),
        (OTHER_FAMILY, ROLLED_BACK),
        (OLD, BY_HAND),
        (OLD, ()),
        (OLD, (PastDeployment(PIPELINE, "ROLLBACK_SUCCESSFUL", NOW),)),
    ],
    ids=["newer", "other family", "gone back by hand", "no history", "another was rolled back"],
)
def test_another_revision_that_somebody_deployed_stays(
    running: str,
    history: tuple[PastDeployment, ...],
    capsys: pytest.CaptureFixture[str],
    *,
    users_changed: bool,
) -> None:
    """The outputs may be old; only what ECS itself gave up last is a rollback."""
    aws = account(service("COMPLETED", running), history)
    workers = WorkerService("exams-cluster", "exams-service", NEW)

    planned = plan_redeployment(aws, Ui("table", {}), workers, users_changed=users_changed)

    assert planned is None
    said = capsys.readouterr().err
    assert said.startswith(f"another revision runs, {running.rpartition('/')[2]}, so")


def test_after_the_reboot_only_what_was_shown_is_deployed() -> None:
    """Where a pipeline deploys, a newer revision that it started meanwhile stays."""
    workers = WorkerService("exams-cluster", "exams-service")
    ui = Ui("table", {})
    shown = plan_redeployment(account(service("FAILED")), ui, workers, users_changed=True)
    meanwhile = account(service("IN_PROGRESS", PIPELINE, 0))
    assert plan_redeployment(meanwhile, ui, workers, users_changed=True)

    assert plan_again(meanwhile, ui, workers, shown, users_changed=True) is None
    assert plan_again(account(service("COMPLETED")), ui, workers, shown, users_changed=True) is None
    again = plan_again(account(service("FAILED")), ui, workers, shown, users_changed=True)
    assert again is not None
    assert again.task_definition == NEW


def test_the_revision_that_was_deployed_last_is_the_one_that_ecs_rolled_back() -> None:
    """For an environment, whose outputs the sync does not read."""
    where = ("exams-cluster", "exams-service")
    found = service("COMPLETED", OLD)

    assert last_deployed(account(found, ROLLED_BACK), *where) == NEW
    assert last_deployed(account(found, BY_HAND), *where) == OLD
    assert last_deployed(account(found), *where) == ""
    assert last_deployed(account(None, ROLLED_BACK), *where) == ""


@pytest.mark.parametrize(
    "found",
    [
        service("IN_PROGRESS", running=1),
        service("COMPLETED", running=1),
        service("COMPLETED", running=1, failed=1),
        service("COMPLETED", running=0, desired=0),
    ],
    ids=["a deployment", "a scale-out", "a crash", "nothing to do"],
)
def test_a_deployment_or_a_scale_out_that_goes_well_is_left_alone(found: EcsService) -> None:
    """Deploying again would replace workers that are busy."""
    assert not reason(found, users_changed=True)


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
    planned = plan_redeployment(aws, Ui("table", {}), workers, users_changed=True)
    assert planned is not None

    rollout = planned.start(aws, Ui("table", {}))

    assert (rollout.deployment_id, rollout.environment) == ("ecs-svc/3", "")
