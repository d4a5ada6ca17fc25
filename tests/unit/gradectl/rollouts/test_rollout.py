"""A deployment is followed by its id; a rollback is a failure and not success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gradectl.adapters.aws.ecs_models import (
    EcsDeployment,
    EcsService,
    EcsTask,
    PastDeployment,
    ServiceEvent,
)
from gradectl.errors import GradectlError
from gradectl.rollouts.rollout import (
    Rollout,
    redeploy_workers,
    say_way_back,
    wait_for,
    wait_until_stable,
)
from gradectl.ui import Ui

FAMILY = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-grading-task"
OLD, NEW = f"{FAMILY}:7", f"{FAMILY}:8"
OUTPUTS = {
    "cluster_name": "dev-cluster",
    "environment_name": "dev",
    "service_name": "dev-service",
    "task_definition_arn": NEW,
}
START = datetime(2026, 1, 1, tzinfo=UTC)


def deployment(number: int, arn: str, rollout: str = "IN_PROGRESS", **more: Any) -> EcsDeployment:
    return EcsDeployment(f"ecs-svc/{number}", arn, rollout=rollout, created_at=START, **more)


def service(*deployments: EcsDeployment, **more: Any) -> EcsService:
    first = deployments[0]
    values = {"running": first.running, "task_definition": first.task_definition, **more}
    return EcsService("dev-service", 2, deployments=deployments, **values)


def completed(running: int = 2) -> EcsService:
    """The new deployment has completed."""
    return service(deployment(2, NEW, "COMPLETED", running=running))


def starting(running: int, **more: Any) -> EcsService:
    """The new deployment is in progress."""
    return service(deployment(2, NEW, running=running, **more))


class FakeServices:
    """Returns its answers in turn, then repeats the last; records what is deployed."""

    def __init__(
        self,
        *answers: EcsService,
        stopped: Sequence[EcsTask] = (),
        history: Sequence[PastDeployment] = (),
    ) -> None:
        self._answers = list(answers)
        self._stopped, self._history = tuple(stopped), tuple(history)
        self.deployed: list[tuple[str, ...]] = []

    def get(self, cluster: str, name: str) -> EcsService:
        assert (cluster, name) == ("dev-cluster", "dev-service")
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def find(self, cluster: str, name: str) -> EcsService | None:
        return self.get(cluster, name) if self._answers else None

    def stopped_tasks(self, _cluster: str, _name: str) -> tuple[EcsTask, ...]:
        return self._stopped

    def history(self, _cluster: str, _name: str, _container: str) -> tuple[PastDeployment, ...]:
        return self._history

    def deploy(self, *what: str) -> str:
        self.deployed.append(what)
        return "ecs-svc/3"


def account(*answers: EcsService, **more: Any) -> Any:
    return SimpleNamespace(services=FakeServices(*answers, **more))


def wait(aws: Any, seconds: float = 60, **more: Any) -> bool:
    return wait_until_stable(aws, Ui("table", {}), OUTPUTS, seconds, **more)


def failure(aws: Any, seconds: float = 60, **more: Any) -> GradectlError:
    with pytest.raises(GradectlError) as caught:
        wait(aws, seconds, **more)
    assert caught.value.where == "ECS service dev-cluster/dev-service"
    return caught.value


def test_waiting_ends_when_the_deployment_has_completed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The number of workers is printed when it changes."""
    assert wait(account(starting(1), starting(1), completed())) is True

    said = capsys.readouterr().err
    assert said == "waiting: 1 of 2 workers are running\n2 of 2 workers are running\n"


def test_the_tasks_of_another_service_are_called_otherwise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The HTTP API has no workers."""
    wait(account(completed()), tasks="tasks of the HTTP API")

    assert capsys.readouterr().err == "2 of 2 tasks of the HTTP API are running\n"


def test_running_tasks_of_an_earlier_deployment_do_not_count() -> None:
    """During a deployment the old workers still run."""
    draining = deployment(1, OLD, "COMPLETED", status="ACTIVE", running=2)
    busy = service(deployment(2, NEW, running=0), draining, running=2)

    assert "0 of 2 workers are running" in failure(account(busy), 0).what


def test_a_service_that_is_stable_after_a_rollback_is_a_failure() -> None:
    """All workers run, of the old revision; other tools report success."""
    back = service(
        deployment(3, OLD, "COMPLETED", running=2),
        deployment(2, NEW, "FAILED", status="INACTIVE"),
    )
    crashed = [
        EcsTask(str(n), NEW, "ecs-svc/2", "STOPPED", "", "EssentialContainerExited",
                "Essential container in task exited", {"grading-worker": 78})
        for n in range(3)
    ]  # fmt: skip

    error = failure(account(starting(0), back, stopped=crashed))

    assert "the deployment of dev-grading-task:8 did not complete" in error.what
    assert "ECS rolled back to dev-grading-task:7" in error.what
    assert "3 tasks: Essential container in task exited (grading-worker: exit code 78" in error.what
    assert "gradectl doctor dev" in error.next_step


def test_a_rollback_that_was_over_before_the_wait_is_a_failure() -> None:
    """Terraform's own wait returns late."""
    back = service(deployment(3, OLD, "COMPLETED", running=2))

    assert "another deployment replaced it: ecs-svc/3" in failure(account(back)).what


def test_a_deployment_that_ecs_stopped_is_a_failure() -> None:
    """Without an earlier good deployment it stays the primary one."""
    stopped = service(deployment(2, NEW, "FAILED", reason="tasks failed to start"))

    assert "tasks failed to start" in failure(account(stopped)).what


def test_tasks_that_never_start_end_by_our_time_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """ECS counts no failed task and would retry for hours; their reasons are shown at once."""
    never = EcsTask("1", NEW, "ecs-svc/2", "STOPPED", "", "TaskFailedToStart",
                    "CannotPullContainerError: not found")  # fmt: skip
    old = replace(never, task_definition=OLD, deployment_id="ecs-svc/1", stopped_reason="old one")
    events = (
        ServiceEvent(START + timedelta(seconds=9), "was unable to place a task"),
        ServiceEvent(START - timedelta(days=1), "has reached a steady state"),
    )
    stuck = replace(starting(0, failed=0), events=events)

    error = failure(account(stuck, stopped=[never, old]), 0)

    assert "did not complete within 0 s: 0 of 2 workers are running" in error.what
    assert "CannotPullContainerError" in error.what
    assert "old one" not in error.what
    assert "was unable to place a task" in error.what
    assert "steady state" not in error.what
    assert error.next_step.startswith("check that the image exists")
    assert "waiting: CannotPullContainerError: not found" in capsys.readouterr().err


def test_the_last_lines_of_the_failed_workers_are_in_the_error() -> None:
    """Since the deployment began, and of its stopped tasks."""
    crashed = EcsTask("t1", NEW, "ecs-svc/2", exit_codes={"grading-worker": 69})
    asked: list[tuple[datetime | None, Sequence[str]]] = []

    def lines(since: datetime | None, tasks: Sequence[str]) -> Sequence[str]:
        asked.append((since, tasks))
        return ["[2026-01-01 00:00:01] ERROR: the broker does not answer"]

    error = failure(account(starting(0), stopped=[crashed]), 0, last_log_lines=lines)

    assert "  [2026-01-01 00:00:01] ERROR: the broker does not answer" in error.what
    assert asked == [(START, ["t1"])]


def test_a_root_without_a_service_waits_for_nothing() -> None:
    """For example a root with only a broker."""
    assert wait_until_stable(account(), Ui("table", {}), {}, 0) is False


def test_workers_are_replaced_by_a_deployment_of_the_same_revision(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """For example to read new parameters."""
    after = service(deployment(3, NEW, "COMPLETED", running=2))
    aws = account(completed(), after)

    redeploy_workers(aws, Ui("table", {}), "dev-cluster", "dev-service", 60)

    assert aws.services.deployed == [("dev-cluster", "dev-service", NEW)]
    assert "replacing 2 workers" in capsys.readouterr().err


def test_the_failure_of_a_root_of_ones_own_names_a_command_that_works_there() -> None:
    """There is no environment that `gradectl doctor` could look at."""
    aws = account(service(deployment(2, NEW, "FAILED")))
    rollout = Rollout("dev-cluster", "dev-service", NEW, "ecs-svc/2", "")

    with pytest.raises(GradectlError) as caught:
        wait_for(aws, Ui("table", {}), rollout, 0)

    assert caught.value.next_step == (
        "aws ecs describe-services --cluster dev-cluster --services dev-service"
    )


def way_back(aws: Any) -> str:
    return say_way_back(aws, Ui("table", {}), "dev-cluster", "dev-service", "grading-worker")


@pytest.mark.parametrize("found", [(), (service(deployment(1, OLD, "FAILED")),)])
def test_before_a_deployment_a_missing_way_back_is_said(
    found: Sequence[EcsService], capsys: pytest.CaptureFixture[str]
) -> None:
    """ECS cannot roll back the first deployment, nor one after a failed first deployment."""
    assert way_back(account(*found)) == ""
    assert "cannot be rolled back" in capsys.readouterr().err


def test_the_way_back_is_the_latest_deployment_that_completed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also when the current one has failed."""
    history = [
        PastDeployment(NEW, "STOPPED", START),
        PastDeployment(OLD, "SUCCESSFUL", START - timedelta(days=1)),
    ]
    found = service(deployment(2, NEW, "FAILED"), rolls_back=True)

    assert way_back(account(found, history=history)) == "dev-grading-task:7"
    assert "ECS returns to dev-grading-task:7" in capsys.readouterr().err
